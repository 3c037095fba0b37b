"""The list of changes: a line for each record, with when it was modified last, the newest first. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from mirror.advisories import is_malware_id

LONGEST_LINE = 1_000


class BadLineError(ValueError):
    """A line that is not one of such a list."""


@dataclass(frozen=True, slots=True)
class Change:
    """A record of malware that was modified at that time."""

    at: datetime
    id: str


def read_line(line: bytes) -> tuple[datetime, str]:
    """Time and id of a line such as `2026-03-24T14:02:11Z,MAL-2026-1`. Raises BadLineError."""
    try:
        when, comma, id_ = line.decode("ascii").strip().partition(",")
        at = datetime.fromisoformat(when)
    except ValueError as e:
        raise BadLineError("a line of the list of changes cannot be read") from e
    if not comma or at.tzinfo is None:
        raise BadLineError("a line of the list of changes lacks an id or a time zone")
    # A list of several ecosystems names the directory of each record, too.
    return at.astimezone(UTC), id_.rpartition("/")[2]


class Changes:
    """What was modified since a time, from the lines of the list as they come; `is_complete` once one is older."""

    def __init__(self, since: datetime) -> None:
        self._since = since
        self._rest = b""
        self._found: dict[str, Change] = {}
        self.newest: datetime | None = None
        self.is_complete = False

    @property
    def malware(self) -> tuple[Change, ...]:
        """The changes to records of malware, newest first."""
        return tuple(sorted(self._found.values(), key=lambda change: change.at, reverse=True))

    def feed(self, piece: bytes) -> None:
        """Takes in the next piece. Raises BadLineError."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if max(map(len, (*lines, self._rest))) > LONGEST_LINE:
            raise BadLineError("a line of the list of changes is too long")
        for line in lines:
            self._take(line)

    def end(self) -> None:
        """Takes in a last line without an end. Raises BadLineError."""
        self.feed(b"\n")
        self.is_complete = True

    def _take(self, line: bytes) -> None:
        if self.is_complete or not line.strip():
            return
        at, id_ = read_line(line)
        if at < self._since:
            self.is_complete = True
            return
        self.newest = max(self.newest or at, at)
        if is_malware_id(id_) and (id_ not in self._found or self._found[id_].at < at):
            self._found[id_] = Change(at, id_)
