"""Which projects a file can belong to, by its name alone. Pure."""

import re
from contextlib import suppress

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from mirror.names import ProjectName, project_name

_VERSION_BEGINS = re.compile(r"-(?=v?[0-9])", re.ASCII)
_MOST_OWNERS = 3


def owners_of(filename: str) -> list[ProjectName]:
    """The projects that a file of this name can belong to, the likeliest first.

    In older names the dashes do not tell where the project ends and the version begins.
    """
    with suppress(InvalidWheelFilename):
        return [parse_wheel_filename(filename)[0]]
    names: list[ProjectName] = []
    with suppress(InvalidSdistFilename):
        names.append(parse_sdist_filename(filename)[0])
    for found in _VERSION_BEGINS.finditer(filename):
        name = project_name(filename[: found.start()])
        if name is not None and name not in names:
            names.append(name)
    return names[:_MOST_OWNERS]
