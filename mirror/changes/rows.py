"""Rows of the journal applied to a project, one after the other in the order of their serials."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.incarnations import project_created
from mirror.changes.owners import role_changed
from mirror.changes.quarantines import (
    project_quarantine_cleared,
    project_quarantined,
    release_quarantine_cleared,
    release_quarantined,
)
from mirror.changes.removals import file_removed, project_removed, release_removed
from mirror.changes.step import Step
from mirror.changes.yanks import release_unyanked, release_yanked
from mirror.journal_rows import (
    FileAdded,
    FileRemoved,
    JournalRow,
    Other,
    ProjectCreated,
    ProjectQuarantineCleared,
    ProjectQuarantined,
    ProjectRemoved,
    ReleaseCreated,
    ReleaseQuarantineCleared,
    ReleaseQuarantined,
    ReleaseRemoved,
    ReleaseUnyanked,
    ReleaseYanked,
    RoleChanged,
)
from mirror.model import Memory


def by_rows(memory: Memory, rows: Iterable[JournalRow], now: datetime, *, replay: bool = False) -> Step:
    """Applies rows, in order. A replay (rows that were applied and told before) changes facts but tells nothing."""
    step = Step(memory)
    for row in rows:
        # A row from the future would make what it removes look older than it was.
        step = step.then(_by_row(step.memory, replace(row, time=min(row.time, now)), now))
    if replay:
        return Step(replace(step.memory, pending=memory.pending))
    return step


def _by_row(memory: Memory, row: JournalRow, now: datetime) -> Step:
    opened = memory.project.opened_serial
    if opened is not None and row.serial < opened:
        return Step(memory)  # about an earlier life, and applied in it
    match row.action:
        case FileRemoved(filename):
            return file_removed(memory, row, filename)
        case ReleaseRemoved():
            return release_removed(memory, row)
        case ProjectRemoved():
            return project_removed(memory, row)
        case ProjectCreated():
            return project_created(_wanting(memory, row, now), row)
        case ReleaseYanked():
            return release_yanked(_wanting(memory, row, now), row, now)
        case ReleaseUnyanked():
            return release_unyanked(_wanting(memory, row, now), row, now)
        case ProjectQuarantined():
            return project_quarantined(memory, row)
        case ProjectQuarantineCleared():
            return project_quarantine_cleared(_wanting(memory, row, now), row)
        case ReleaseQuarantined():
            return release_quarantined(memory, row)
        case ReleaseQuarantineCleared():
            return release_quarantine_cleared(_wanting(memory, row, now), row)
        case FileAdded() | ReleaseCreated() | Other():
            # A page asked for in vain costs little, a change that was missed costs a file.
            return Step(_wanting(memory, row, now))
        case RoleChanged():
            return Step(replace(memory, project=role_changed(memory.project, row.action)))


def _wanting(memory: Memory, row: JournalRow, now: datetime) -> Memory:
    """Asks for a page of at least the row's serial, unless we have one or ask for one already."""
    project = memory.project
    if not memory.known or max(project.page_serial or 0, project.wanted_serial or 0) >= row.serial:
        return memory
    return replace(
        memory,
        project=replace(project, wanted_serial=row.serial, refresh_at=now, attempts=0),
    )
