"""What follows from the rows and pages of one project: the state of each of its files, its page, its quarantines.

Questions only: to ask changes nothing. They are answered from all rows read so far and from where each file was first
and last listed, anew each time. Where the promises leave a case open, the safest reading is taken; the comments say
where.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from packaging.version import Version

from tests.properties.history_bans import Bans
from tests.properties.history_lives import lives
from tests.properties.history_nouns import QUARANTINED_AFTER, Choice, Record, Row

COOLDOWN = timedelta(hours=72)
MIN_AGE = timedelta(hours=72)
MIN_PROJECT_AGE = timedelta(days=90)
SETTLE = timedelta(hours=24)
FRESH = timedelta(days=1)
JOURNAL_WAITS = timedelta(hours=24)

OFFERED = ("live", "yanked", "kept")


@dataclass
class Evidence:
    """The rows that were read of one project, the files that believed pages listed, and what follows from them."""

    name: str
    is_stored: Callable[[str], bool]
    now: Callable[[], datetime]
    bans: Bans
    choice: Choice
    rows: list[Row] = field(default_factory=list)
    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    read_at: datetime | None = None
    """When the journal was read last."""
    back: set[tuple[str, str]] = field(default_factory=set)
    """What was gone without a row and is listed again, and was not told yet."""
    hidden_by_page: int | None = None
    over: set[int] = field(default_factory=set)
    """Serials of rows that quarantine the project, read when pages had told of that quarantine and of its end."""

    def states(self) -> dict[tuple[str, str], str]:
        """The state of each file, by filename and digest."""
        return {key: self.state(record) for key, record in self.records.items()}

    def state(self, record: Record) -> str:
        """State and cause. `held rescue` stands for everything that is safe and not here, lost files too."""
        gone = self.gone(record)
        withheld = self._forbidden(record) or (None if record.released else self._mistrusted(record, gone))
        if withheld is not None:
            return withheld
        if gone is None:
            return "live" if self.yank_of(record) is None else "yanked"
        if gone is record.vanished and not record.released and self._is_unexplained(gone):
            return "held unexplained"
        return "kept" if self.is_stored(record.entry.sha256) else "held rescue"

    def page(self) -> dict[str, bool | str]:
        """Filename and `yanked` of what the page must offer: of a quarantined project nothing, who vouched or not."""
        if self.is_quarantined():
            return {}
        return {
            record.entry.filename: self._offered_yank(record, state)
            for record in self.records.values()
            if (state := self.state(record)) in OFFERED
        }

    def displaced(self) -> set[str]:
        """Filenames under which upstream now lists other bytes: nobody says with what reason ours would be yanked."""
        return {r.entry.filename for r in self.records.values() if r.replaced}

    def gone(self, record: Record) -> Row | None:
        """What took the file away, as far as anybody knows; what stands for a row where there is none."""
        return self.departure(record) or record.vanished

    def departure(self, record: Record) -> Row | None:
        """The row that took the file away: the first about it that is newer than every page that lists it."""
        return self._next_removal(record, record.last)

    def yank_of(self, record: Record, *, until: Row | None = None) -> str | None:
        """The reason for which the file is yanked, None if it is not; or for which it was before that row."""
        yanked = record.entry.yanked
        for row in self.rows:
            if until is not None and row.serial >= until.serial:
                break
            if row.serial > record.last and row.is_of(record.entry.version):
                if row.action == "yank release":
                    yanked = yanked or ""
                elif row.action == "unyank release":
                    yanked = None
        return yanked

    def is_quarantined(self) -> bool:
        """Whether the whole project is: by a row that no row ended, or by the newest page."""
        if self._row_quarantines():
            return True
        spans = [row for row in self.rows if row.action in QUARANTINED_AFTER]
        hidden = self.hidden_by_page
        return hidden is not None and not any(row.serial > hidden for row in spans)

    def lies_in_quarantine(self, record: Record) -> bool:
        """Whether it, or all of its project, is quarantined."""
        return self.is_quarantined() or self._release_is_quarantined(record.entry.version)

    # Inside

    def _forbidden(self, record: Record) -> str | None:
        """What nobody may have. Who vouches for bytes is believed more than a quarantine or an advisory."""
        if record.entry.sha256 in self.bans.buried:
            return "purged"
        if self.bans.is_blocked(self.name, record.entry):
            return "blocked operator"
        if record.vouched:
            return None
        if self.lies_in_quarantine(record):
            return "blocked quarantine"
        return "blocked advisory" if self.bans.advisories(self.name, record.entry.version) else None

    def _mistrusted(self, record: Record, gone: Row | None) -> str | None:
        """What waits for the time or for an operator."""
        if record.replaced:
            return "held replaced"
        if self._is_stranger(record) or self._is_doubted(record, gone):
            return "held stranger"
        if gone is not None and self._was_quarantined(record, before=gone):
            return "held quarantine"
        if gone is not None and gone.at - record.entry.uploaded < max(MIN_AGE, self.choice.delay):
            return "held young"
        if gone is None and self.now() < min(record.entry.uploaded, record.seen_at) + self.choice.delay:
            return "held young"
        return "held settling" if gone is not None and self._is_settling(record) else None

    def _is_unexplained(self, gone: Row) -> bool:
        """Whether what is gone without a row is withheld for that."""
        if self.choice.unexplained != "settle":
            return self.choice.unexplained == "hold"
        return self.read_at is not None and self.read_at >= gone.at + JOURNAL_WAITS

    def _is_settling(self, record: Record) -> bool:
        """Whether it went with, or before, a project so young that it may be malware, and nobody could say so yet."""
        gone = self._end_of_life(record)
        if gone is None:
            return False
        created = [row for row in self.rows if row.serial < gone.serial and row.action in ("create", "remove project")]
        since = [other.entry.uploaded for other in self.records.values() if self._end_of_life(other) is gone]
        since += [row.at for row in created[-1:] if row.action == "create"]
        if gone.at - min(since) >= MIN_PROJECT_AGE:
            return False
        heard = self.bans.heard_at
        return self.now() < gone.at + SETTLE or heard is None or heard < gone.at + SETTLE - FRESH

    def _end_of_life(self, record: Record) -> Row | None:
        """The row that took away its project, after it or with it."""
        left = self.departure(record)
        ends = (row for row in self.rows if row.action == "remove project")
        return None if left is None else next((row for row in ends if row.serial >= left.serial), None)

    def _row_quarantines(self) -> bool:
        spans = [row for row in self.rows if row.action in QUARANTINED_AFTER and row.serial not in self.over]
        return bool(spans) and QUARANTINED_AFTER[spans[-1].action]

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
            row.ends_version(version) and record.acquitted < row.serial <= record.first and self._had(version, row)
            for row in self.rows
        ):
            return True
        # It was quarantined, was removed, and is back. What departed before the quarantine is blocked with the rest
        # while it lasts, but was never quarantined itself: the end of the quarantine leaves no mark on it.
        removals = (self._next_removal(record, serial) for serial in record.listings)
        return any(
            row is not None
            and record.acquitted < row.serial <= record.last
            and self._was_quarantined(record, before=row)
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

    def _is_yanked(self, row: Row) -> bool:
        """Whether the version of this row was yanked already, by what was read and seen before."""
        version = row.version or "0"
        listed = [
            self.yank_of(record) is not None
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

    def _offered_yank(self, record: Record, state: str) -> bool | str:
        gone = self.gone(record)
        if state == "kept" and gone is not None and not record.as_was:
            if gone is record.vanished:
                return f"missing upstream since {gone.at.astimezone(UTC).date()}, unexplained; kept by this mirror"
            return f"deleted upstream {gone.at.astimezone(UTC).date()} (serial {gone.serial}); kept by this mirror"
        yanked = self.yank_of(record, until=gone)
        return False if yanked is None else yanked or True
