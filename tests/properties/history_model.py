"""What everpin must know, serve and have told, computed from what it was shown: rows of the journal and project pages.

Pure, and written from what everpin promises, not from its code. There is little bookkeeping: of each file the model
remembers where it was first and last listed, and derives everything else anew from all rows read so far. Serials order
everything: a page is true up to its serial, and a row says nothing of a file that a page as new as the row lists.

Where the promises leave a case open, the safest reading is taken; the comments say where.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from packaging.utils import canonicalize_version
from packaging.version import Version

from tests.properties.history_lives import lives

COOLDOWN = timedelta(hours=72)
MIN_AGE = timedelta(hours=72)
UNYANK_WAITS = timedelta(seconds=120)

OFFERED = ("live", "yanked", "kept")
_SPAN = {"project quarantined": True, "project quarantine cleared": False, "remove project": False}


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


@dataclass
class Story:
    """One project as everpin must know it."""

    name: str
    is_stored: Callable[[str], bool]
    now: Callable[[], datetime]
    rows: list[Row] = field(default_factory=list)
    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    known: bool = False
    believed: int = 0
    closed: int | None = None
    status: str = "active"
    page_status: str = "active"
    hidden_by_page: int | None = None
    told_by_page: list[tuple[str, int]] = field(default_factory=list)
    over: set[int] = field(default_factory=set)
    """Serials of rows that quarantine the project, read when pages had told of that quarantine and of its end."""
    unyanks: list[tuple[Row, datetime]] = field(default_factory=list)
    told_unyanks: set[int] = field(default_factory=set)
    yanks: dict[int, bool] = field(default_factory=dict)
    """Serials of yanks, and whether each must be told: one that repeats a yank may be."""

    # What is shown

    def read(self, row: Row, now: datetime) -> list[Told]:
        """Takes in a row, and returns what is to be told of it at once."""
        told = self._read(row, now)
        self._note_blocked()
        return told

    def _read(self, row: Row, now: datetime) -> list[Told]:
        before = {key for key, record in self.records.items() if self.departure(record) is not None}
        was_closed, was_yanked = self.closed is not None, self._is_yanked(row)
        was_quarantined = self._row_quarantines()
        for record in self.records.values():
            if record.first < row.serial <= record.last and record.blocked and row.removes(record.entry):
                # A page showed first that it is back: whether it was blocked before or after it went, it waits.
                record.late = True
        self.rows.append(row)
        hidden: list[Told] = []
        if was_quarantined and not self._row_quarantines() and self.is_quarantined():
            # A newer page shows the next quarantine already: so it goes on, and is told by that page.
            hidden = [Told("project.quarantined", self.name, None, None)]
        gone = [record for key, record in self.records.items() if key not in before and self.departure(record) is row]
        if row.action in _SPAN:
            newer = "quarantined" if _SPAN[row.action] else "active"
            self.status = newer if row.serial > self.believed else self.page_status
        match row.action.split():
            case ["remove", "project"]:
                self._drop_unyanks(row)
                told = [self._deletion("project.deleted", row, gone), *self._close(row), *hidden]
                self._told_hidden(hidden)
                return told
            case ["remove", "release"]:
                self._drop_unyanks(row)
                return [self._deletion("release.deleted", row, gone)]
            case ["remove", "file", _]:
                return [self._deletion("file.deleted", row, gone)]
            case ["create"] if self.known and was_closed:
                self.closed = None
                self.believed = max(self.believed, row.serial)
                return [Told("project.reregistered", self.name, None, row.serial)]
            case ["project", "quarantined"]:
                return self._quarantine("project.quarantined", row)
            case ["project", "quarantine", "cleared"]:
                told = [*self._quarantine("project.quarantine_cleared", row), *hidden]
                self._told_hidden(hidden)
                return told
            case ["release", "quarantined"]:
                return [Told("release.quarantined", self.name, row.version, row.serial)]
            case ["release", "quarantine", "cleared"]:
                return [Told("release.quarantine_cleared", self.name, row.version, row.serial)]
            case ["yank", "release"]:
                self.yanks[row.serial] = not was_yanked
            case ["unyank", "release"]:
                self.unyanks.append((row, now + UNYANK_WAITS))
        return []

    def see(self, page: Shown) -> list[Told]:
        """Takes in a page, if it is believed, and returns what is to be told of it."""
        if self.known and (page.serial < self.believed or (self.closed is not None and page.serial <= self.closed)):
            return []
        told = []
        if self.closed is not None and self.known:
            told.append(Told("project.reregistered", self.name, None, None))
            self.closed = None
        first_look = not self.known
        listed = self._list(page)
        if first_look:
            self.known = True
            self.closed = self._closed_after(page.serial)
        of_status = self._heed_status(page, first_look=first_look)
        if not first_look:
            # The states told are those after the whole page.
            told += [Told(kind, self.name, r.entry.version, None, self._files([r])) for r, kind in listed]
        told += of_status
        self.believed = max(page.serial, self.believed) if not first_look else page.serial
        for row in self.rows:
            if first_look and row.serial > page.serial and row.action in ("remove project", "create"):
                self.believed = row.serial
        self._note_blocked()
        return told

    def tick(self, now: datetime) -> None:
        """Lets the time pass: unyanks that no removal followed are told."""
        due = [row for row, until in self.unyanks if until <= now]
        self.told_unyanks.update(row.serial for row in due)
        self.unyanks = [(row, until) for row, until in self.unyanks if until > now]

    # What follows from it

    def states(self) -> dict[tuple[str, str], str]:
        """The state of each file, by filename and digest."""
        return {key: self.state(record) for key, record in self.records.items()}

    def state(self, record: Record) -> str:
        """State and cause. `held rescue` stands for everything that is safe and not here, lost files too."""
        if self.is_quarantined() or self._release_is_quarantined(record.entry.version):
            return "blocked quarantine"
        if record.replaced:
            return "held replaced"
        gone = self.departure(record)
        if self._is_stranger(record) or self._is_doubted(record, gone):
            return "held stranger"
        if gone is None:
            return "live" if self._yank_of(record) is None else "yanked"
        if self._was_quarantined(record, before=gone):
            return "held quarantine"
        if gone.at - record.entry.uploaded < MIN_AGE:
            return "held young"
        return "kept" if self.is_stored(record.entry.sha256) else "held rescue"

    def page(self) -> dict[str, bool | str]:
        """Filename and `yanked` of what the page must offer."""
        return {
            record.entry.filename: self._offered_yank(record, state)
            for record in self.records.values()
            if (state := self.state(record)) in OFFERED
        }

    def displaced(self) -> set[str]:
        """Filenames under which upstream now lists other bytes: nobody says with what reason ours would be yanked."""
        return {r.entry.filename for r in self.records.values() if r.replaced}

    def departure(self, record: Record) -> Row | None:
        """The row that took the file away: the first about it that is newer than every page that lists it."""
        return self._next_removal(record, record.last)

    def is_quarantined(self) -> bool:
        """Whether the whole project is: by a row that no row ended, or by the newest page."""
        if self._row_quarantines():
            return True
        spans = [row for row in self.rows if row.action in _SPAN]
        hidden = self.hidden_by_page
        return hidden is not None and not any(row.serial > hidden for row in spans)

    # Inside

    def _note_blocked(self) -> None:
        for record in self.records.values():
            if self.departure(record) is None and (
                self.is_quarantined() or self._release_is_quarantined(record.entry.version)
            ):
                record.blocked = True

    def _row_quarantines(self) -> bool:
        spans = [row for row in self.rows if row.action in _SPAN and row.serial not in self.over]
        return bool(spans) and _SPAN[spans[-1].action]

    def _told_hidden(self, hidden: list[Told]) -> None:
        self.told_by_page += [(told.kind, self.hidden_by_page or 0) for told in hidden]

    def _next_removal(self, record: Record, serial: int) -> Row | None:
        return next((row for row in self.rows if row.serial > serial and row.removes(record.entry)), None)

    def _life(self, serial: int) -> int:
        return sum(row.action == "remove project" and row.serial <= serial for row in self.rows)

    def _was_quarantined(self, record: Record, *, before: Row) -> bool:
        """Whether project or release were quarantined in the life that ends with, or contains, the removal."""
        life = self._life(before.serial - 1)
        # What a page said is not taken back by rows that show later that the file, or its life, went before: it waits
        # for a human.
        if any(self._life(last) == life and last < before.serial for last in record.hidden):
            return True
        return any(
            self._life(row.serial) == life
            and (row.action == "project quarantined" or self._quarantines(row, record.entry.version))
            for row in self.rows
            if row.serial < before.serial
        )

    def _quarantines(self, row: Row, version: str) -> bool:
        return row.action == "release quarantined" and row.is_of(version)

    def _release_is_quarantined(self, version: str) -> bool:
        # Copies kept of earlier lives are covered, as by a quarantine of the project: they can be the very same bytes.
        found = False
        for row in self.rows:
            if self._quarantines(row, version):
                found = True
            elif row.ends_version(version) or (row.action == "release quarantine cleared" and row.is_of(version)):
                found = False
        return found

    def _is_stranger(self, record: Record) -> bool:
        version = record.entry.version
        if record.late or any(
            row.ends_version(version) and row.serial <= record.first and self._had(version, row) for row in self.rows
        ):
            return True
        # It was quarantined, was removed, and is back. What departed before the quarantine is blocked with the rest
        # while it lasts, but was never quarantined itself: the end of the quarantine leaves no mark on it.
        removals = (self._next_removal(record, serial) for serial in record.listings)
        return any(
            row is not None and row.serial <= record.last and self._was_quarantined(record, before=row)
            for row in removals
        )

    def _had(self, version: str, end: Row) -> bool:
        """Whether the version is known to have been there when the row took it, or everything, away."""
        if end.action == "remove release":
            return True
        return any(r.first < end.serial and Version(r.entry.version) == Version(version) for r in self.records.values())

    def _is_doubted(self, record: Record, gone: Row | None) -> bool:
        """Whether it came in a life of the name in which others may have it, or had not cooled down at its end."""
        number = self._life(record.first)
        if number == 0:
            return False
        life = lives(self.rows, self._is_known_before)[number]
        if self._is_known_before(life.begun_by) and life.same_owner_at is None:
            return True
        assert life.freed_at is not None
        since = []
        for other in self.records.values():
            if self._life(other.first) == number:
                uploaded = other.entry.uploaded
                since.append(uploaded if life.freed_at <= uploaded <= other.seen_at else other.seen_at)
        begin = min(since)
        if self._is_known_before(life.begun_by) and life.same_owner_at is not None:
            begin = max(begin, life.same_owner_at)
        return (gone.at if gone is not None else self.now()) < begin + COOLDOWN

    def _is_known_before(self, serial: int) -> bool:
        return any(record.first < serial for record in self.records.values())

    def _was_named(self, version: str, before: int) -> bool:
        """Whether a row names the version in a life of the name that had ended by then."""
        ends = [row.serial for row in self.rows if row.action == "remove project" and row.serial <= before]
        return bool(ends) and any(row.is_of(version) and row.serial < ends[-1] for row in self.rows)

    def _list(self, page: Shown) -> list[tuple[Record, str]]:
        """Takes in the page's files, and returns those of which something is to be told."""
        told = []
        listed = {(entry.filename, entry.sha256) for entry in page.entries}
        known = dict(self.records)
        gone = {key: self.departure(record) for key, record in known.items()}
        for entry in page.entries:
            key = (entry.filename, entry.sha256)
            record = self.records.get(key)
            if record is None:
                # All known files of its version are gone, or missing from this very page, or not to be trusted either.
                # Read literally also where the rows would show that this one was uploaded before the last one went.
                siblings = {k: r for k, r in known.items() if Version(r.entry.version) == Version(entry.version)}
                late = bool(siblings) and all(
                    gone[k] is not None or k not in listed or r.replaced or self._is_stranger(r)
                    for k, r in siblings.items()
                )
                late = late or self._was_named(entry.version, page.serial)
                replaced = any(filename == entry.filename for filename, _ in known)
                self.records[key] = record = Record(entry, {page.serial}, self.now(), late, replaced)
                if replaced:
                    told.append((record, "file.replaced"))
                continue
            departed = gone[key]
            came_back = departed is not None and page.serial >= departed.serial
            if departed is not None and came_back:
                if self.is_quarantined() or self._release_is_quarantined(entry.version):
                    record.late = True  # it comes back while it is blocked
                elif not self._was_quarantined(record, before=departed):
                    told.append((record, "restored"))
            record.listings.add(page.serial)
            record.entry = entry
        return told

    def _heed_status(self, page: Shown, *, first_look: bool) -> list[Told]:
        if any(
            row.serial > page.serial and row.action in _SPAN and row.action != "remove project" for row in self.rows
        ):
            return []  # what later rows say is known
        was, before = self.is_quarantined(), self.status
        self.page_status = page.status
        if page.status == "quarantined":
            self.hidden_by_page = page.serial
        else:
            self.hidden_by_page = None
        now = self.is_quarantined()
        self.status = "quarantined" if now else page.status
        if now and not was:
            for record in self.records.values():
                if self.departure(record) is None:
                    record.hidden.add(record.last)
        if first_look and not (now and not was):
            return []
        if now != was:
            kind = "project.quarantined" if now else "project.quarantine_cleared"
            self.told_by_page.append((kind, page.serial))
            return [Told(kind, self.name, None, None)]
        if not now and before != page.status:
            return [Told("project.status_changed", self.name, None, None)]
        return []

    def _quarantine(self, kind: str, row: Row) -> list[Told]:
        for told in self.told_by_page:
            if told[0] == kind and told[1] >= row.serial:
                self.told_by_page.remove(told)
                if any("cleared" in later and serial >= row.serial for later, serial in self.told_by_page):
                    self.over.add(row.serial)
                return []  # one act, one event
        return [Told(kind, self.name, None, row.serial)]

    def _closed_after(self, serial: int) -> int | None:
        closed = None
        for row in self.rows:
            if row.serial > serial and row.action == "remove project":
                closed = row.serial
            elif row.action == "create":
                closed = None
        return closed

    def _close(self, row: Row) -> list[Told]:
        if not self.known:
            return []
        self.closed = row.serial
        self.believed = max(self.believed, row.serial)
        if any(record.last >= row.serial for record in self.records.values()):
            self.closed = None
            return [Told("project.reregistered", self.name, None, None)]
        return []

    def _deletion(self, kind: str, row: Row, gone: Iterable[Record]) -> Told:
        return Told(kind, self.name, row.version, row.serial, self._files(gone) if self.known else None)

    def _files(self, records: Iterable[Record]) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((record.entry.filename, self.state(record).partition(" ")[0]) for record in records))

    def _drop_unyanks(self, row: Row) -> None:
        self.unyanks = [(unyank, until) for unyank, until in self.unyanks if not row.ends_version(unyank.version or "")]

    def _is_yanked(self, row: Row) -> bool:
        """Whether the version of this row was yanked already, by what was read and seen before."""
        version = row.version or "0"
        listed = [
            self._yank_of(record) is not None
            for record in self.records.values()
            if self.departure(record) is None and Version(record.entry.version) == Version(version)
        ]
        by_rows = [
            earlier.action == "yank release"
            for earlier in self.rows
            if earlier.ends_version(version)
            or (earlier.action in ("yank release", "unyank release") and earlier.is_of(version))
        ]
        return any(listed) or (bool(by_rows) and by_rows[-1])

    def _yank_of(self, record: Record) -> str | None:
        yanked = record.entry.yanked
        for row in self.rows:
            if row.serial > record.last and row.is_of(record.entry.version):
                if row.action == "yank release":
                    yanked = yanked or ""
                elif row.action == "unyank release":
                    yanked = None
        return yanked

    def _offered_yank(self, record: Record, state: str) -> bool | str:
        gone = self.departure(record)
        if state == "kept" and gone is not None:
            return f"deleted upstream {gone.at.astimezone(UTC).date()} (serial {gone.serial}); kept by this mirror"
        yanked = self._yank_of(record)
        return False if yanked is None else yanked or True


@dataclass
class HistoryModel:
    """All projects. `stored` holds the digests of the bytes that are in the store."""

    now: Callable[[], datetime]
    stories: dict[str, Story] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)

    def story(self, name: str) -> Story:
        """The project's, begun if need be."""
        return self.stories.setdefault(name, Story(name, self.stored.__contains__, self.now))

    def read(self, rows: Sequence[Row], now: datetime) -> None:
        """What one transaction read of the journal: told in the order of serials, the rest after it."""
        told = [event for row in rows for event in self.story(row.project).read(row, now)]
        self.told += sorted(told, key=lambda event: (event.serial is None, event.serial or 0))

    def see(self, page: Shown) -> None:
        """A page that upstream answered with."""
        self.told += self.story(page.project).see(page)

    def tick(self, now: datetime) -> None:
        """The time passes."""
        for story in self.stories.values():
            story.tick(now)
