"""Rows that take something away: a file, a release, a project."""

from collections.abc import Iterable
from dataclasses import replace

from mirror.changes.incarnations import open_incarnation, reregistered
from mirror.changes.step import (
    FileKey,
    Step,
    Telling,
    current,
    is_version,
    key_of,
    keys_of,
    latest_version,
    listed_versions,
    outlived,
    with_files,
)
from mirror.changes.yanks import settle_yanks
from mirror.events import EventKind, Evidence
from mirror.journal_rows import JournalRow
from mirror.model import Departure, DepartureCause, FileFacts, Memory, ProjectStatus, Serial


def _depart(files: Iterable[FileFacts], row: JournalRow, cause: DepartureCause) -> dict[FileKey, FileFacts]:
    changed = {}
    for file in files:
        # A quarantine ends with the release it lay on; that there was one is remembered in `quarantined_at`.
        departure = Departure(row.time, row.serial, cause, was_yanked=file.listed_file.yanked is not None)
        changed[key_of(file)] = replace(
            file, listed=False, missing_since=None, missing_seen=None, quarantined_by=None, departed=departure
        )
    return changed


def file_removed(memory: Memory, row: JournalRow, filename: str) -> Step:
    gone = [
        file
        for file in current(memory)
        if file.filename == filename and file.departed is None and not outlived(memory, file, row)
    ]
    after = with_files(memory, _depart(gone, row, DepartureCause.FILE))
    return Step(after, (_removal(EventKind.FILE_DELETED, memory, after, gone, row, filename=filename),))


def release_removed(memory: Memory, row: JournalRow) -> Step:
    version = row.version or ""
    told, memory, was_yanked = settle_yanks(memory, version)
    of_version = [file for file in current(memory) if is_version(file, version)]
    gone = [file for file in of_version if file.departed is None and not outlived(memory, file, row)]
    changed = _depart(gone, row, DepartureCause.RELEASE)
    changed |= {
        # Put up after the removal, seen before the row: the version had departed when this file came.
        key_of(file): replace(file, stranger=True)
        for file in of_version
        if file.departed is None and outlived(memory, file, row) and (file.first_seen_serial or 0) > row.serial
    }
    after = with_files(memory, changed)
    telling = _removal(EventKind.RELEASE_DELETED, memory, after, gone, row)
    if was_yanked and memory.known:
        telling = replace(telling, was_yanked=True)
    return Step(after, (*told, telling))


def project_removed(memory: Memory, row: JournalRow) -> Step:
    told, memory, _ = settle_yanks(memory, None)
    gone = [file for file in current(memory) if file.departed is None and not outlived(memory, file, row)]
    survivors = [file for file in current(memory) if outlived(memory, file, row)]
    after = with_files(memory, _depart(gone, row, DepartureCause.PROJECT))
    project = replace(
        after.project,
        closed_serial=row.serial,
        closed_at=row.time,
        quarantined_by=None,
        quarantined_at=None,
        status=ProjectStatus.ACTIVE,
        page_serial=Serial(max(after.project.page_serial or 0, row.serial)),
        wanted_serial=None,
        refresh_at=None,
        attempts=0,
    )
    telling = _removal(EventKind.PROJECT_DELETED, memory, replace(after, project=project), gone, row)
    step = Step(replace(after, project=project), (*told, telling))
    if not survivors:
        return step
    # A page newer than the row was seen first: the name lives again, and what that page listed belongs to the new life.
    opened = open_incarnation(step.memory, None)
    moved = {
        key_of(file): replace(
            file, incarnation=opened.project.incarnation, stranger=(file.first_seen_serial or 0) > row.serial
        )
        for file in survivors
    }
    reborn = with_files(opened, moved)
    return Step(reborn, (*step.tellings, reregistered(reborn, Evidence.INDEX, None)))


def _removal(
    kind: EventKind,
    before: Memory,
    after: Memory,
    gone: Iterable[FileFacts],
    row: JournalRow,
    *,
    filename: str | None = None,
) -> Telling:
    gone = tuple(gone)
    telling = Telling(
        kind,
        Evidence.JOURNAL,
        keys_of(gone),
        version=row.version,
        serial=row.serial,
        upstream_time=row.time,
        filename=filename,
    )
    if not before.known:
        return telling
    latest_before, latest_after = latest_version(before), latest_version(after)
    return replace(
        telling,
        # Seen by the page before the row came: both witnesses say so.
        evidence=Evidence.BOTH if gone and all(f.missing_since is not None for f in gone) else Evidence.JOURNAL,
        was_yanked=any(file.listed_file.yanked is not None for file in gone),
        yanked_reason=next((file.listed_file.yanked for file in gone if file.listed_file.yanked), None),
        remaining_releases=len(listed_versions(after)),
        latest_remaining=latest_after,
        was_latest=latest_before is not None and latest_before != latest_after,
    )
