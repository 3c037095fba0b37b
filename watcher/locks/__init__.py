"""Lock and requirements files, read into pins. Pure.

A pin is what a file demands: one file by its digest, or one release where the file names no more.

    reading         the way in
    requirements    requirements files, of whose `lines` it is made; `pylock`, `uv`, `pipfile` and, for those of Poetry
                    and PDM, `listed_files` read the others, which are `documents`
    gathering       what all of them gather
    origins         which pins are an index's
    touching        which events are about pins
    packed          pins as they are stored
"""

from dataclasses import dataclass

from mirror.errors import EverpinError
from mirror.names import ProjectName, Sha256


class LockError(EverpinError):
    """A lock or requirements file that cannot be read; the sentence names the file, and the line where there is one."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One file that is demanded, or one release where `filename` and `sha256` are None.

    `version` is as written, None where only bytes are demanded. `source` says where the pin stands, as people find it:
    "uv.lock" or "requirements.txt:12". `index` is the URL of the index that the file names for it, without credentials,
    None where it names none or several.
    """

    project: ProjectName
    version: str | None
    filename: str | None
    sha256: Sha256 | None
    source: str
    index: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that a file names and that is no pin, and why not. `name` is a name, or what stands in its place."""

    source: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Lock:
    """What a file demands. `projects` are all that are to come from an index, pinned or not, each once and in order."""

    pins: tuple[Pin, ...]
    left_out: tuple[LeftOut, ...] = ()
    projects: tuple[ProjectName, ...] = ()
