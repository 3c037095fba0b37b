"""What must be true of files that upstream lacks though no row says why, and what pages and rows make of them later.

When such an absence is believed depends on when everpin looks. So the model does not foretell it: of each event that
tells of a disappearance it asks whether it may be told now, and takes it from there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.properties.history_nouns import Row
from tests.properties.history_story import Story
from tests.pypi_sim import PyPISim

CONFIRM_INTERVAL = timedelta(minutes=5)
BRAKE_HOLD = timedelta(hours=24)
TOO_MANY = 3

_Key = tuple[str, str]


@dataclass(frozen=True)
class ToldAbsence:
    """An event with its files by name and digest, and the event that it supersedes."""

    kind: str
    id: str
    at: datetime
    files: tuple[_Key, ...]
    supersedes: str | None


@dataclass
class AbsenceWords:
    """What was told of one project: the event that told last of each file that it disappeared."""

    words: dict[_Key, str] = field(default_factory=dict)
    heard: int = 0

    def follow(self, story: Story, told: Sequence[ToldAbsence], pypi: PyPISim, *, may_believe: datetime | None) -> None:
        """Takes in what is new of all that was told so far; `may_believe` says up to which beginning absences count."""
        back: set[_Key] = set()
        for event in told[self.heard :]:
            if event.supersedes is not None:
                earlier = {self.words.get(key) for key in event.files} - {None}
                # A quarantine may name what it explains among all other files.
                assert event.supersedes in earlier, f"{event} supersedes nothing that was told of its files"
            if event.kind == "disappeared":
                self._believe(story, event, pypi, may_believe)
            elif event.kind == "restored" and event.supersedes is not None:
                assert not back & set(event.files), f"restored twice: {event}"
                back |= set(event.files)
        self.heard = len(told)
        assert back == story.back, f"back in {story.name}: {back} told, {story.back} shown"
        story.back.clear()

    def _believe(self, story: Story, event: ToldAbsence, pypi: PyPISim, may_believe: datetime | None) -> None:
        assert len(set(event.files)) == len(event.files)
        for key in event.files:
            record = story.records[key]
            since, seen = record.missing_since, record.missing_seen
            assert story.gone(record) is None, f"{key} was gone already"
            assert since is not None, f"{key} was never missing"
            assert seen is not None, f"{key} was never missing"
            assert seen - since >= CONFIRM_INTERVAL, f"{key} was seen missing {since} and {seen}"
            assert may_believe is None or since <= may_believe, f"{key} is believed though too much is missing"
            rows = [Row(r.serial, r.name, r.version, r.action, r.timestamp) for r in pypi.rows_since(record.last)]
            is_readable = pypi.faults.xmlrpc is None and pypi.faults.index_down is None
            is_removed = any(row.project == story.name and row.removes(record.entry) for row in rows)
            assert not (is_readable and is_removed), f"{key} was removed by a row that could be read"
            story.acquit(record)
            record.vanish(Row(pypi.last_serial + 1, story.name, record.entry.version, "is missing", since), event.at)
            self.words[key] = event.id


def is_of_absence(kind: str, payload: Mapping[str, object]) -> bool:
    """Whether such an event is looked at here alone: a disappearance, or that it is over."""
    return kind == "disappeared" or (kind == "restored" and payload["supersedes"] is not None)


def open_absences(stories: Iterable[Story]) -> list[datetime]:
    """Of each project that lacks files unexplained, since when."""
    begun = []
    for story in stories:
        since = [r.missing_since for r in story.records.values() if r.missing_since and story.gone(r) is None]
        if since:
            begun.append(min(since))
    return begun


def believed_until(stories: Iterable[Story], now: datetime, released_at: datetime | None) -> datetime | None:
    """The latest beginning of absences that may be believed now; None where any may."""
    begun = open_absences(stories)
    counted = [since for since in begun if released_at is None or since > released_at]
    if len(counted) < TOO_MANY:
        return None
    limit = now - BRAKE_HOLD
    return limit if released_at is None else max(limit, released_at)


def assert_all_absences_are_told(story: Story, pypi: PyPISim) -> None:
    """In the end, whatever upstream does not list is departed, disappeared, replaced or hidden."""
    living = pypi.projects.get(story.name)
    if not story.known or story.is_quarantined() or (living is not None and living.last_serial < story.believed):
        return
    listed = set() if living is None else {(file.filename, file.sha256) for file in living.visible_files()}
    taken = {filename for filename, _ in listed}
    for key, record in story.records.items():
        if key[0] not in taken and not story.lies_in_quarantine(record):
            assert story.gone(record) is not None, f"{key} is gone and nobody says so"
