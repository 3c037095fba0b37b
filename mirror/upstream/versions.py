"""Which version a filename belongs to. Pure.

A project page has no version per file (PEP 691), only filenames and a list of versions (PEP 700). Wheels and sdists say
it themselves; for older kinds (eggs, Windows installers, binary archives, sdists whose version has a dash) the listed
version is looked for in the filename.
"""

import re
from collections.abc import Iterable

from packaging.version import Version

from mirror.names import ProjectName, same_version_key

_WHEEL = ".whl"
_ARCHIVES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.z", ".tar", ".egg", ".exe", ".msi", ".rpm", ".deb")

# In legacy filenames a dash or one of distutils' platform names ends the version.
_AFTER_VERSION = re.compile(r"-|\.(?:win|linux|macosx|darwin|cygwin|freebsd|openbsd|solaris|sunos|aix|noarch|src)")


def is_distribution(filename: str) -> bool:
    """Whether a file of that name can be one of a release, and not a page, a signature or something else."""
    return filename.lower().endswith((_WHEEL, *_ARCHIVES))


class Versions:
    """The versions that a page lists, ready to be matched with filenames of its project."""

    def __init__(self, project: ProjectName, listed: Iterable[str]) -> None:
        self._by_key = {same_version_key(version): version for version in listed}
        self._by_spelling = {_spelling(version): version for version in self._by_key.values()}
        name = "[-_.]+".join(map(re.escape, project.split("-")))
        self._after_name = re.compile(rf"\A{name}[-_](.+)\Z", re.IGNORECASE | re.DOTALL)

    def of(self, filename: str) -> str | None:
        """The version in the page's own spelling where it lists it, else as PEP 440 normalises it, else None."""
        lowered = filename.lower()
        if lowered.endswith(_WHEEL):
            # packaging's own parser also expands the tags: tens of thousands of objects for one hostile filename.
            parts = filename.removesuffix(filename[-len(_WHEEL) :]).split("-")
            return self._known(parts[1]) if len(parts) in (5, 6) else None
        suffix = next((suffix for suffix in _ARCHIVES if lowered.endswith(suffix)), None)
        found = self._after_name.match(filename[: -len(suffix)]) if suffix else None
        if found is None:
            return None
        return self._listed(found[1]) or self._known(found[1])

    def _known(self, text: str) -> str | None:
        """PEP 427 writes `-` in a version as `_`, which PEP 440 reads alike but for local versions."""
        try:
            version = str(Version(text))
        except ValueError:  # InvalidVersion is one; numbers of thousands of digits are another
            return self._by_spelling.get(_spelling(text))
        return self._by_key.get(same_version_key(version), version)

    def _listed(self, rest: str) -> str | None:
        """The longest listed version that `rest`, what follows the project's name, begins with."""
        whole = self._by_key.get(same_version_key(rest)) or self._by_spelling.get(_spelling(rest))
        if whole is not None:
            return whole
        ends = [found.start() for found in _AFTER_VERSION.finditer(rest.lower())]
        starts = (rest[:end] for end in reversed(ends))
        return next(
            (
                version
                for start in starts
                if (version := self._by_spelling.get(_spelling(start)) or self._by_key.get(same_version_key(start)))
            ),
            None,
        )


def _spelling(version: str) -> str:
    return version.lower().replace("_", "-").replace("+", "-")
