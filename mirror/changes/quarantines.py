"""Rows that quarantine a project or a release, and those that clear it."""

from collections.abc import Iterable
from dataclasses import replace

from mirror.changes.step import Step, Telling, current, is_version, key_of, keys_of, with_files
from mirror.events import EventKind, Evidence
from mirror.journal_rows import JournalRow
from mirror.model import FileFacts, Memory, ProjectStatus


def project_quarantined(memory: Memory, row: JournalRow) -> Step:
    told_by_page = memory.project.quarantined_by == 0
    project = replace(
        memory.project, quarantined_by=row.serial, quarantined_at=row.time, status=ProjectStatus.QUARANTINED
    )
    files = current(memory)
    changed = {key_of(file): replace(file, quarantined_at=row.time) for file in files}
    after = with_files(replace(memory, project=project), changed)
    if told_by_page:
        return Step(after)
    return Step(after, (_quarantine(EventKind.PROJECT_QUARANTINED, files, row),))


def project_quarantine_cleared(memory: Memory, row: JournalRow) -> Step:
    if memory.known and memory.project.quarantined_by is None:
        return Step(memory)  # the page said so first, and it was told then
    project = replace(memory.project, quarantined_by=None, status=ProjectStatus.ACTIVE)
    telling = _quarantine(EventKind.PROJECT_QUARANTINE_CLEARED, current(memory), row)
    return Step(replace(memory, project=project), (telling,))


def release_quarantined(memory: Memory, row: JournalRow) -> Step:
    files = [file for file in current(memory) if is_version(file, row.version or "")]
    changed = {key_of(file): replace(file, quarantined_by=row.serial, quarantined_at=row.time) for file in files}
    return Step(with_files(memory, changed), (_quarantine(EventKind.RELEASE_QUARANTINED, files, row),))


def release_quarantine_cleared(memory: Memory, row: JournalRow) -> Step:
    files = [file for file in current(memory) if is_version(file, row.version or "")]
    changed = {key_of(file): replace(file, quarantined_by=None) for file in files}
    return Step(with_files(memory, changed), (_quarantine(EventKind.RELEASE_QUARANTINE_CLEARED, files, row),))


def _quarantine(kind: EventKind, files: Iterable[FileFacts], row: JournalRow) -> Telling:
    return Telling(
        kind, Evidence.JOURNAL, keys_of(files), version=row.version, serial=row.serial, upstream_time=row.time
    )
