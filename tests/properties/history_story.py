"""One project as everpin must know it: takes in rows and pages as they are shown, and says what is to be told of each.

Serials order everything: a page is true up to its serial, and a row says nothing of a file that a page as new as the
row lists. Where the promises leave a case open, the safest reading is taken; the comments say where.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from packaging.version import Version

from tests.properties.history_missing import STATUS_EXPLAINS, Missing
from tests.properties.history_nouns import QUARANTINED_AFTER, Record, Row, Shown, Told

UNYANK_WAITS = timedelta(seconds=120)


@dataclass
class Story(Missing):
    """One project as everpin must know it."""

    known: bool = False
    believed: int = 0
    closed: int | None = None
    status: str = "active"
    page_status: str = "active"
    told_by_page: list[tuple[str, int]] = field(default_factory=list)
    unyanks: list[tuple[Row, datetime]] = field(default_factory=list)
    due_unyanks: dict[int, bool] = field(default_factory=dict)
    """Serials of unyanks that nothing explained in time, and whether each must be told: not if a page came first."""
    page_first: dict[int, bool] = field(default_factory=dict)
    """Of unyanks, whether a page as new as the row was seen before it."""
    yanks: dict[int, bool] = field(default_factory=dict)
    """Serials of yanks, and whether each must be told: one that repeats a yank may be, or one that a page showed."""

    def read(self, row: Row, now: datetime) -> list[Told]:
        """Takes in a row, and returns what is to be told of it at once."""
        told = self._read(row, now)
        self._note_blocked()
        self._explain(row)
        return told

    def _read(self, row: Row, now: datetime) -> list[Told]:
        grounds = self._grounds()
        before = {key for key, record in self.records.items() if self.departure(record) is not None}
        was_closed, was_yanked = self.closed is not None, self._is_yanked(row)
        was_quarantined = self._row_quarantines()
        for record in self.records.values():
            is_banned = self.bans.forbid(self.name, record.entry) and (record.returned or 0) < row.serial
            was_blocked = record.blocked or is_banned
            if record.first < row.serial <= record.last and was_blocked and row.removes(record.entry):
                # A page showed first that it is back: whether it was blocked before or after it went, it waits.
                record.is_not_to_be_trusted()
        self.rows.append(row)
        self._end_releases(grounds)
        hidden: list[Told] = []
        if was_quarantined and not self._row_quarantines() and self.is_quarantined():
            # A newer page shows the next quarantine already: so it goes on, and is told by that page.
            hidden = [Told("project.quarantined", self.name, None, None)]
        gone = [record for key, record in self.records.items() if key not in before and self.departure(record) is row]
        if row.action in QUARANTINED_AFTER:
            newer = "quarantined" if QUARANTINED_AFTER[row.action] else "active"
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
                self._end_vouches(row)
                return [Told("release.quarantined", self.name, row.version, row.serial)]
            case ["release", "quarantine", "cleared"]:
                return [Told("release.quarantine_cleared", self.name, row.version, row.serial)]
            case ["yank", "release"]:
                self.yanks[row.serial] = not was_yanked and row.serial > self.believed
                before_it = [one for one, _ in self.unyanks if one.is_of(row.version or "")]
                self._told_unyanks(before_it, must=row.serial > self.believed)
            case ["unyank", "release"]:
                self.unyanks.append((row, now + UNYANK_WAITS))
                self.page_first[row.serial] = row.serial <= self.believed
        return []

    def see(self, page: Shown) -> list[Told]:
        """Takes in a page, if it is believed, and returns what is to be told of it."""
        if self.known and (page.serial < self.believed or (self.closed is not None and page.serial <= self.closed)):
            return []
        told, before = [], self._grounds()
        if self.closed is not None and self.known:
            told.append(Told("project.reregistered", self.name, None, None))
            self.closed = None
        first_look = not self.known
        listed = self._list(page)
        if first_look:
            self.known = True
            self.closed = self._closed_after(page.serial)
        of_status = self._heed_status(page, first_look=first_look)
        self._note_missing(page)
        self._end_releases(before)
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
        self._told_unyanks([row for row, until in self.unyanks if until <= now], must=True)

    # Inside

    def _grounds(self) -> dict[tuple[str, str], tuple[Row | None, bool]]:
        """What may speak against each file that was released."""
        return {
            key: (self.departure(record), self._is_stranger(record))
            for key, record in self.records.items()
            if record.released
        }

    def _end_releases(self, before: dict[tuple[str, str], tuple[Row | None, bool]]) -> None:
        """A release is given for what the file was then: it ends when it departs, or turns out to be a stranger."""
        for key, (gone, was_stranger) in before.items():
            record = self.records[key]
            departed = self.departure(record)
            was_gone = record.vanished is not None and departed is not None
            if was_gone and departed is not None and not self._was_quarantined(record, before=departed):
                continue  # it is only explained now
            has_left = departed is not None and departed is not gone
            is_stranger_now = self._is_stranger(record) and not was_stranger
            if has_left and (record.vouched or not is_stranger_now):
                self.acquit(record)
            if has_left or is_stranger_now:
                record.is_news()

    def _told_unyanks(self, due: Iterable[Row], *, must: bool) -> None:
        due = list(due)
        for row in due:
            # A newer page can show the release yanked again: then nobody is to take it for safe.
            again = any(
                self.yank_of(record) is not None
                for record in self.records.values()
                if self.departure(record) is None and row.is_of(record.entry.version)
            )
            self.due_unyanks[row.serial] = must and not again and not self.page_first[row.serial]
        self.unyanks = [(row, until) for row, until in self.unyanks if row not in due]

    def _note_blocked(self) -> None:
        for record in self.records.values():
            if self.gone(record) is None and (
                self.is_quarantined() or self._release_is_quarantined(record.entry.version)
            ):
                record.blocked = True

    def _told_hidden(self, hidden: list[Told]) -> None:
        self.told_by_page += [(told.kind, self.hidden_by_page or 0) for told in hidden]

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
                    gone[k] is not None or k not in listed or ((r.replaced or self._is_stranger(r)) and not r.released)
                    for k, r in siblings.items()
                )
                late = late or self._was_named(entry.version, page.serial)
                replaced = any(filename == entry.filename for filename, _ in known)
                self.records[key] = record = Record(
                    entry, {page.serial}, self.now(), late, replaced, first_look=not self.known
                )
                self._appear(record)
                if replaced:
                    told.append((record, "file.replaced"))
                continue
            departed = gone[key]
            came_back = departed is not None and page.serial >= departed.serial
            if departed is not None and came_back:
                record.returned = page.serial
                if self.lies_in_quarantine(record) or self.bans.forbid(self.name, entry):
                    record.is_not_to_be_trusted()  # it comes back while it is blocked
                elif not self._was_quarantined(record, before=departed):
                    told.append((record, "restored"))
            record.listings.add(page.serial)
            record.entry = entry
            if came_back:
                self._appear(record)
        return told

    def _appear(self, record: Record) -> None:
        record.appearances += 1
        record.yanked_at_first = self.yank_of(record)

    def _heed_status(self, page: Shown, *, first_look: bool) -> list[Told]:
        if any(
            row.serial > page.serial and row.action in QUARANTINED_AFTER and row.action != "remove project"
            for row in self.rows
        ):
            return []  # what later rows say is known
        was, before = self.is_quarantined(), self.status
        self.page_status = page.status
        if page.status == "quarantined":
            self.hidden_by_page = page.serial
        else:
            self.hidden_by_page = None
        now = self.is_quarantined()
        # A quarantine that ended with its life, as a row says that is newer than the page, is over.
        over = page.status == "quarantined" and not now
        self.status = "quarantined" if now else "active" if over else page.status
        if now and not was:
            self._end_vouches()
            for record in self.records.values():
                gone = self.gone(record)
                late = gone is not None and self.now() - gone.at > STATUS_EXPLAINS
                if gone is None or (gone is record.vanished and not late):
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
        if kind == "project.quarantined":
            self._end_vouches()
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
