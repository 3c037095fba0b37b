"""What a history is made of: rows and pages that upstream shows, the files on them, and the events everpin tells."""

from dataclasses import dataclass, field
from datetime import datetime

from packaging.utils import canonicalize_version
from packaging.version import Version

QUARANTINED_AFTER = {"project quarantined": True, "project quarantine cleared": False, "remove project": False}
"""The actions that say of a whole project whether it is quarantined from then on."""


@dataclass(frozen=True)
class Row:
    """A row of the journal."""

    serial: int
    project: str
    version: str | None
    action: str
    at: datetime

    def is_of(self, version: str) -> bool:
        """Whether it is about that version, as PEP 440 compares."""
        return self.version is not None and Version(self.version) == Version(version)

    def ends_version(self, version: str) -> bool:
        """Whether it takes the whole version away."""
        return self.action == "remove project" or (self.action == "remove release" and self.is_of(version))

    def removes(self, entry: "Entry") -> bool:
        """Whether it takes that file away, alone or with others."""
        return self.ends_version(entry.version) or self.action == f"remove file {entry.filename}"


@dataclass(frozen=True)
class Entry:
    """A file as a page lists it; `yanked` is None, or the reason."""

    filename: str
    sha256: str
    version: str
    uploaded: datetime
    yanked: str | None


@dataclass(frozen=True)
class Shown:
    """A page that upstream answered with."""

    project: str
    serial: int
    status: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Told:
    """An event; `files` are the states by filename, None where nobody can know or where it is not compared.

    Versions are written as PEP 440 compares them.
    """

    kind: str
    project: str
    version: str | None
    serial: int | None
    files: tuple[tuple[str, str], ...] | None = None

    def __post_init__(self) -> None:
        if self.version is not None:
            object.__setattr__(self, "version", canonicalize_version(self.version))


@dataclass
class Record:
    """A file that believed pages listed: the serials of those pages, and what was wrong at first sight."""

    entry: Entry
    listings: set[int]
    seen_at: datetime
    late: bool = False
    replaced: bool = False
    appearances: int = 0
    """How often it was listed though nobody knew it, or though it was known to be gone."""
    yanked_at_first: str | None = None
    """What was known of its yank when it appeared last."""
    blocked: bool = False
    """Whether a quarantine was ever known to lie on it while it was not known to be gone."""
    hidden: set[int] = field(default_factory=set)
    """Of each page that said the project is quarantined before any row did, while this file was not known to be gone:
    the serial of the last page that had listed it."""

    @property
    def first(self) -> int:
        return min(self.listings)

    @property
    def last(self) -> int:
        return max(self.listings)
