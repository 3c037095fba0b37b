"""Which files are kept without anybody's asking for them. Pure.

Whatever departed is rescued, whoever asked for it or not; that is no matter of scope. Nor is what an operator asks for
by name. Here is decided what else is worth the room: files that upstream lists and that may be served, or will be when
they are older.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mirror.model import Cause, FileFacts, State
from mirror.names import ProjectName, project_name
from mirror.setting_values import Scope

_SEPARATORS = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True)
class Keeping:
    """The settings that say what is kept. Patterns are of normalised names.

    Files larger than `largest` bytes are not fetched; `private` are projects that upstream never supplies.
    """

    scope: Scope = Scope.REQUESTED
    patterns: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    largest: int | None = None

    def watches(self, project: ProjectName) -> bool:
        """Whether a pattern of the settings names the project; the watchlist may, besides."""
        return _matches(project, self.patterns)

    def is_private(self, project: ProjectName) -> bool:
        """Whether upstream is never asked for the project."""
        return _matches(project, self.private)

    def fits(self, file: FileFacts) -> bool:
        """Whether the file is small enough, as far as upstream says how large it is."""
        size = file.listed_file.size
        return self.largest is None or size is None or size <= self.largest

    @property
    def named(self) -> tuple[ProjectName, ...]:
        """The projects that the settings name, those not meant that a pattern would only match."""
        names = (project_name(pattern) for pattern in self.patterns if "*" not in pattern)
        return tuple(name for name in names if name is not None)


def patterns_of(names: Iterable[str]) -> tuple[str, ...]:
    """Patterns as settings spell them, normalised as names are."""
    return tuple(_SEPARATORS.sub("-", name).lower() for name in names)


def is_worth_keeping(file: FileFacts) -> bool:
    """Whether a file that upstream lists is one that this mirror trusts, be it only later."""
    if file.is_gone or not file.listed:
        return False
    return file.state in (State.LIVE, State.YANKED) or (file.state is State.HELD and file.cause is Cause.YOUNG)


def _matches(project: ProjectName, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(project, pattern) for pattern in patterns)
