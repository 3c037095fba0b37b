"""Rows of the journal applied to a project, one after the other in the order of their serials."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from mirror.changes.incarnations import project_created
from mirror.changes.late_rows import life_before, with_life_before
from mirror.changes.owners import role_changed
from mirror.changes.quarantines import (
    project_quarantine_cleared,
    project_quarantined,
    release_quarantine_cleared,
    release_quarantined,
)
from mirror.changes.removals import file_removed, project_removed, release_removed
from mirror.changes.shelf import shelved
from mirror.changes.step import Step, key_of, with_files
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
from mirror.names import Serial


def by_rows(
    memory: Memory,
    rows: Iterable[JournalRow],
    now: datetime,
    *,
    remembered: Sequence[JournalRow] = (),
    replay: bool = False,
) -> Step:
    """Applies rows, in order. A replay (rows that were applied and told before) changes facts but tells nothing.

    `remembered` are all rows of the project, these too: a removal that is read after a newer page needs them.
    """
    step = Step(replace(memory, files=shelved(memory.files)))
    for row in rows:
        step = step.then(_by_row(step.memory, row, now, remembered))
    if replay:
        return Step(_vouched_since(memory, replace(step.memory, pending=memory.pending)))
    return step


def page_wanted(rows: Iterable[JournalRow], opened: Serial | None, held: int) -> Serial | None:
    """The serial of the page that rows ask for which only add something, None where they need no other.

    `opened` is the row that began the project's life, `held` the newest page that we have or ask for.
    """
    newest = max(row.serial for row in rows)
    return newest if newest >= (opened or 0) and newest > held else None


def not_from_the_future(row: JournalRow, now: datetime) -> JournalRow:
    """The row, whose time could make what it removes look older than it was."""
    return replace(row, time=min(row.time, now))


def _vouched_since(before: Memory, after: Memory) -> Memory:
    """After a replay: whoever vouched for a file as it was before it knew of these rows, which were read already."""
    vouched = {key_of(file): file.vouched_by for file in before.files if file.vouched_by is not None}
    files = (file for file in after.files if file.vouched_by is None and key_of(file) in vouched)
    return with_files(after, {key_of(file): replace(file, vouched_by=vouched[key_of(file)]) for file in files})


def _by_row(memory: Memory, row: JournalRow, now: datetime, remembered: Sequence[JournalRow]) -> Step:
    opened, written_at = memory.project.opened_serial, row.time
    row = not_from_the_future(row, now)
    if opened is not None and row.serial < opened:
        return Step(memory)  # about an earlier life, and applied in it
    match row.action:
        case FileRemoved() | ReleaseRemoved() | ProjectRemoved():
            if (earlier := life_before(memory, row)) is not None:
                return with_life_before(memory, _removed(earlier, row, remembered))
            return _removed(memory, row, remembered)
        case ProjectCreated():
            return project_created(_wanting(memory, row, now), row, written_at=written_at)
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
            return Step(replace(memory, project=role_changed(memory.project, row.action, written_at)))


def _removed(memory: Memory, row: JournalRow, remembered: Sequence[JournalRow]) -> Step:
    match row.action:
        case FileRemoved(filename):
            return file_removed(memory, row, filename, remembered)
        case ReleaseRemoved():
            return release_removed(memory, row, remembered)
        case _:
            return project_removed(memory, row, remembered)


def _wanting(memory: Memory, row: JournalRow, now: datetime) -> Memory:
    """Asks for a page of at least the row's serial, unless we have one or ask for one already."""
    project = memory.project
    if not memory.known or max(project.page_serial or 0, project.wanted_serial or 0) >= row.serial:
        return memory
    return replace(
        memory,
        project=replace(project, wanted_serial=row.serial, refresh_at=now, attempts=0),
    )
