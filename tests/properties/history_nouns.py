"""What a history is made of: rows and pages that upstream shows, the files on them, and the events everpin tells."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from packaging.utils import canonicalize_version
from packaging.version import Version

QUARANTINED_AFTER = {"project quarantined": True, "project quarantine cleared": False, "remove project": False}
"""The actions that say of a whole project whether it is quarantined from then on."""


@dataclass
class Choice:
    """How everpin is set up: what it thinks of unexplained absences, and how long it waits with what is new."""

    unexplained: str = "settle"
    delay: timedelta = timedelta(0)

    def draw(self, this: int, that: int) -> None:
        """Another choice."""
        self.unexplained = ("settle", "hold", "keep")[that % 3]
        self.delay = (timedelta(0), timedelta(hours=24), timedelta(days=7))[this % 3]


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

    first_look: bool = False
    """Whether it was on the first page of its project that was seen."""
    released: bool = False
    """Whether an operator released it as it is now."""
    vouched: bool = False
    """Whether an operator vouched for exactly these bytes."""
    acquitted: int = 0
    """What rows up to this one say of its origin was known to the operator who released it before it left."""
    as_was: bool = False
    """Whether an operator wants it listed as it was, now that it is gone."""
    returned: int | None = None
    """The serial of the page that listed it again when it was known to be gone."""

    missing_since: datetime | None = None
    missing_seen: datetime | None = None
    """When a page lacked it first, and last, though nothing explained that."""
    vanished: Row | None = None
    """Where it is gone and no row says why, what stands for that row."""
    vanished_at: datetime | None = None

    @property
    def first(self) -> int:
        return min(self.listings)

    @property
    def last(self) -> int:
        return max(self.listings)

    def is_news(self) -> None:
        """Something happened that whoever released the file could not know of; who vouched for its bytes could."""
        if not self.vouched:
            self.released = self.as_was = False

    def is_not_to_be_trusted(self) -> None:
        """It waits for an operator."""
        self.late = True
        self.is_news()

    def miss(self, now: datetime) -> None:
        """A page lacks it, and nothing explains that."""
        self.missing_since, self.missing_seen = self.missing_since or now, now

    def vanish(self, instead: Row, now: datetime) -> None:
        """It is gone and no row says why."""
        self.vanished, self.vanished_at = instead, now
        self.is_news()

    def is_explained(self) -> None:
        """It is known why it is missing, or it is not missing any more."""
        self.missing_since = self.missing_seen = self.vanished = self.vanished_at = None
