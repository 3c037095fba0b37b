"""Rows that quarantine a project or a release, and those that clear it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from mirror.changes.disappearances import explained, superseded
from mirror.changes.shelf import shelved
from mirror.changes.step import (
    FileKey,
    Step,
    Telling,
    current,
    key_of,
    keys_of,
    of_version,
    outlived,
    with_files,
)
from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.journal_rows import JournalRow
from mirror.model import FileFacts, Memory, ProjectStatus
from mirror.names import Serial


def project_quarantined(memory: Memory, row: JournalRow) -> Step:
    """The project is quarantined, unless a page told that before, or even its end."""
    if _ended_by_page(memory, row):
        return Step(memory)
    told_by_page = memory.project.quarantined_by == 0
    project = replace(
        memory.project,
        quarantined_by=row.serial,
        quarantined_at=row.time,
        status=_status(memory, row, ProjectStatus.QUARANTINED),
    )
    files = current(memory)
    changed = {
        key_of(file): _with_mark(_hidden(memory, file, row), row) for file in files if _may_have_been_there(file, row)
    }
    after = with_files(replace(memory, project=project), changed)
    if told_by_page:
        return Step(after)
    after = unvouched(after)
    return Step(after, (_quarantine(EventKind.PROJECT_QUARANTINED, files, row, told=_explains(memory, changed, row)),))


def project_quarantine_cleared(memory: Memory, row: JournalRow) -> Step:
    """The project is quarantined no longer, unless a page told that before."""
    if memory.known and memory.project.quarantined_by is None and memory.project.quarantined_at is not None:
        return Step(memory)  # the page said so first, and it was told then
    project = replace(memory.project, quarantined_by=None, status=_status(memory, row, ProjectStatus.ACTIVE))
    telling = _quarantine(EventKind.PROJECT_QUARANTINE_CLEARED, current(memory), row)
    return Step(replace(memory, project=project), (telling,)).then(still_hidden(replace(memory, project=project), row))


def still_hidden(memory: Memory, row: JournalRow) -> Step:
    """After the row that ended a quarantine: a newer page may show the next one already, which is told by that page."""
    if memory.project.status is not ProjectStatus.QUARANTINED or memory.project.quarantined_by is not None:
        return Step(memory)
    hidden = replace(memory.project, quarantined_by=Serial(0), quarantined_at=row.time)
    telling = Telling(
        EventKind.PROJECT_QUARANTINED, Evidence.INDEX, keys_of(current(memory)), status=ProjectStatus.QUARANTINED
    )
    return Step(replace(memory, project=hidden), (telling,))


def unvouched(memory: Memory) -> Memory:
    """The memory after a quarantine of all its files, of which nobody knew who vouched for some of them."""
    vouched = (file for file in memory.files if file.vouched_by is not None)
    return with_files(memory, {key_of(file): replace(file, vouched_by=None) for file in vouched})


def release_quarantined(memory: Memory, row: JournalRow) -> Step:
    """One release is quarantined."""
    files = of_version(memory, row.version or "")
    # Copies kept of earlier lives are covered, too: they can be the very same bytes.
    in_all_lives = shelved(memory.files).of_version(row.version or "")
    changed = {key_of(file): _quarantined(memory, file, row) for file in in_all_lives}
    told = _explains(memory, changed, row)
    return Step(with_files(memory, changed), (_quarantine(EventKind.RELEASE_QUARANTINED, files, row, told=told),))


def release_quarantine_cleared(memory: Memory, row: JournalRow) -> Step:
    """One release is quarantined no longer."""
    files = of_version(memory, row.version or "")
    in_all_lives = shelved(memory.files).of_version(row.version or "")
    changed = {key_of(file): replace(file, quarantined_by=None) for file in in_all_lives}
    return Step(with_files(memory, changed), (_quarantine(EventKind.RELEASE_QUARANTINE_CLEARED, files, row),))


def _quarantined(memory: Memory, file: FileFacts, row: JournalRow) -> FileFacts:
    blocked = replace(_hidden(memory, file, row), quarantined_by=row.serial, vouched_by=None)
    # A life that is over ended before the row, though the row that says so may be read later.
    is_present = file.incarnation == memory.project.incarnation
    lay_on_it = _may_have_been_there(file, row) if is_present else _was_there(file, row)
    return _with_mark(blocked, row) if lay_on_it else blocked


def _hidden(memory: Memory, file: FileFacts, row: JournalRow) -> FileFacts:
    """The file, whose absence from the page the row explains, unless a page as new as the row still listed it."""
    if file.missing_seen is None or not _was_there(file, row) or outlived(memory, file, row):
        return file
    return explained(file)


def _explains(memory: Memory, changed: Mapping[FileKey, FileFacts], row: JournalRow) -> str | None:
    """The event that told of what is now known to be hidden only."""
    files = shelved(memory.files).of_keys(changed)
    return superseded(file for file in files if _hidden(memory, file, row) is not file)


def _status(memory: Memory, row: JournalRow, status: ProjectStatus) -> ProjectStatus:
    """The status by this row, or the one that a page as new as the row showed already."""
    return memory.project.status if (memory.project.page_serial or 0) >= row.serial else status


def _ended_by_page(memory: Memory, row: JournalRow) -> bool:
    """Whether pages showed, and told, both this quarantine and its end before the journal could be read."""
    project = memory.project
    return (
        memory.known
        and project.quarantined_by is None
        and project.quarantined_at is not None
        and project.quarantined_at > row.time
        and (project.page_serial or 0) >= row.serial
    )


def _with_mark(file: FileFacts, row: JournalRow) -> FileFacts:
    return replace(file, quarantined_at=lain_on(file, row.time))


def lain_on(file: FileFacts, at: datetime) -> datetime:
    """When a quarantine lay on the file last, where one begins at that time.

    Of a file that had disappeared the earlier one stays: that one lay on it for sure.
    """
    return file.quarantined_at or at if file.disappeared_at is not None else at


def _may_have_been_there(file: FileFacts, row: JournalRow) -> bool:
    """Whether the quarantine may have lain on the file itself: a copy of what had departed is blocked only meanwhile.

    What disappeared unexplained may have been there all the time: the row that will say when it went decides.
    """
    return file.departed is None or file.departed.serial > row.serial


def _was_there(file: FileFacts, row: JournalRow) -> bool:
    """Whether it was there as far as is known now, so that the quarantine may be why the page lacks it."""
    if not _may_have_been_there(file, row):
        return False
    return file.disappeared_at is None or row.time <= file.disappeared_at


def _quarantine(kind: EventKind, files: Iterable[FileFacts], row: JournalRow, *, told: str | None = None) -> Telling:
    return Telling(
        kind,
        Evidence.JOURNAL if told is None else Evidence.BOTH,
        keys_of(files),
        version=row.version,
        serial=row.serial,
        upstream_time=row.time,
        supersedes=told,
    )
