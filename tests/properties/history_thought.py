"""What the pure part of everpin remembers of one project in a history, and what it told of it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mirror.actions import read_action
from mirror.changes import Step as Change
from mirror.events import EventDraft
from mirror.journal_rows import JournalRow
from mirror.model import Memory
from mirror.names import ProjectName, Serial
from mirror.observe.telling import draft
from tests.properties.history_absences import ToldAbsence, is_of_absence
from tests.properties.history_advice import ADVISED, ToldAdvice, advice_told
from tests.properties.history_desk import Desk
from tests.properties.history_nouns import Told
from tests.properties.history_verdict import COMPARED
from tests.properties.history_yanks import TOLD_LATE, ToldYank

_ids = itertools.count(1)


@dataclass
class Thought:
    """What is remembered of one project, and what was told of it."""

    memory: Memory
    desk: Desk
    journal: list[JournalRow] = field(default_factory=list)
    told: list[EventDraft] = field(default_factory=list)

    def took(self, changes: Sequence[Change], now: datetime) -> None:
        """Remembers what one transaction changed, and tells in the order of serials."""
        court = self.desk.court(now)
        changes = self.desk.applied(self.memory, changes, court)
        told = [draft(t, one.memory, court) for one in changes for t in one.tellings]
        self.told += sorted(told, key=lambda one: (one.serial is None, one.serial or 0))
        after = court.judged(changes[-1].memory)
        files = tuple(f if f.id is not None else replace(f, id=next(_ids)) for f in after.files)
        self.memory = replace(after, files=files, project=replace(after.project, id=1 if after.known else None))

    def states(self, now: datetime) -> dict[tuple[str, str | None], str]:
        """State and cause of each file as of now; of the same bytes in several lives, those in the last."""
        files = sorted(self.desk.court(now).judged(self.memory).files, key=lambda file: file.incarnation)
        return {(f.filename, f.sha256): f"{f.state} {f.cause}" if f.cause else str(f.state) for f in files}

    def acts(self) -> list[Told]:
        """What was told at once."""
        apart = (*TOLD_LATE, *ADVISED)
        return [_told(one) for one in self.told if one.kind not in apart and not _is_absence(one)]

    def yanks(self) -> list[ToldYank]:
        """What was told of yanks."""
        return _yanks_told(self)

    def advice(self) -> list[ToldAdvice]:
        """What was told of advisories."""
        return advice_told((str(one.kind), list(one.advisories), _keys(one)) for one in self.told)

    def absences(self) -> list[ToldAbsence]:
        """What was told, as far as it is about what is missing."""
        return [_absence(one) for one in self.told]


def parsed(name: str, serial: int, version: str | None, at: datetime, text: str) -> JournalRow:
    """A row as everpin reads it."""
    return JournalRow(Serial(serial), ProjectName(name), name, version, at, text, read_action(text, version))


def _told(one: EventDraft) -> Told:
    compared = None
    if one.kind in COMPARED and one.files is not None:
        compared = tuple(sorted((file.filename, str(file.state)) for file in one.files))
    return Told(one.kind, one.project or "", one.version, one.serial, compared)


def _is_absence(one: EventDraft) -> bool:
    return is_of_absence(one.kind, {"supersedes": one.supersedes})


def _absence(one: EventDraft) -> ToldAbsence:
    return ToldAbsence(one.kind, one.id, one.observed_at, tuple(_keys(one)), one.supersedes)


def _keys(one: EventDraft) -> list[tuple[str, str]]:
    return [(file.filename, file.sha256 or "") for file in one.files or ()]


def _yanks_told(thought: Thought) -> list[ToldYank]:
    return [
        ToldYank(
            one.kind, one.version, one.serial, tuple((f.filename, f.sha256) for f in one.files or ()), one.yanked_reason
        )
        for one in thought.told
        if one.kind in TOLD_LATE
    ]
