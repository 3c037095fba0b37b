"""Rows that take something away: a file, a release, a project."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.deletions import created_at, deletion_of, existed_since
from mirror.changes.disappearances import as_listed, superseded
from mirror.changes.incarnations import open_incarnation, reregistered
from mirror.changes.newcomers import dated
from mirror.changes.owners import handed_on
from mirror.changes.quarantines import still_hidden
from mirror.changes.shelf import shelved
from mirror.changes.step import (
    FileKey,
    Step,
    Telling,
    current,
    departing,
    ever_blocked,
    key_of,
    keys_of,
    of_version,
    outlived,
    with_files,
    with_what_is_left,
    without_release,
)
from mirror.changes.yanks import settle_yanks
from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.journal_rows import JournalRow
from mirror.model import Departure, DepartureCause, FileFacts, Memory, ProjectFacts, ProjectStatus
from mirror.names import Serial, Sha256, same_version_key

_CAUSES = {
    EventKind.FILE_DELETED: DepartureCause.FILE,
    EventKind.RELEASE_DELETED: DepartureCause.RELEASE,
    EventKind.PROJECT_DELETED: DepartureCause.PROJECT,
}


def _depart(
    files: Iterable[FileFacts], row: JournalRow, cause: DepartureCause, *, project_since: datetime | None = None
) -> dict[FileKey, FileFacts]:
    changed = {}
    for file in files:
        # A quarantine ends with the release it lay on; that there was one is remembered in `quarantined_at`.
        quarantined_by = file.quarantined_by if cause is DepartureCause.FILE else None
        departure = Departure(
            row.time,
            row.serial,
            cause,
            was_yanked=file.listed_file.yanked is not None,
            project_since=project_since,
            project_gone_at=row.time if cause is DepartureCause.PROJECT else None,
        )
        # What was gone and was released so is only explained by the row, unless there was a quarantine in between.
        was_gone = file.disappeared_at is not None and file.quarantined_at is None
        changed[key_of(file)] = replace(
            file if was_gone else departing(file),
            listed=False,
            missing_since=None,
            missing_seen=None,
            listed_until=None,
            listed_at=None,
            disappeared_at=None,
            disappeared_in=None,
            quarantined_by=quarantined_by,
            departed=departure,
        )
    return changed


def file_removed(memory: Memory, row: JournalRow, filename: str, remembered: Iterable[JournalRow]) -> Step:
    """One file left its release."""
    namesakes = shelved(memory.files).of_name(filename)
    of_name = [file for file in namesakes if file.incarnation == memory.project.incarnation]
    gone = [file for file in of_name if file.departed is None and not outlived(memory, file, row)]
    back = [file for file in of_name if _is_back(memory, file, row)]
    # One that we met only after the removal was never blocked here.
    seen_before = _seen_before(memory, row) if back else frozenset()
    changed = {
        key_of(file): replace(without_release(file), stranger=True)
        for file in back
        if _was_blocked(file, row) and _name_of(file) in seen_before
    }
    after = with_files(memory, changed | _depart(gone, row, DepartureCause.FILE))
    telling = _removal(EventKind.FILE_DELETED, memory, after, gone, row, filename=filename, remembered=remembered)
    return Step(after, (telling,))


def release_removed(memory: Memory, row: JournalRow, remembered: Iterable[JournalRow]) -> Step:
    """A release left with all its files."""
    version = row.version or ""
    told, memory, was_yanked_for = settle_yanks(memory, version)
    of_release = of_version(memory, version)
    gone = [file for file in of_release if file.departed is None and not outlived(memory, file, row)]
    changed = _freed(shelved(memory.files).of_version(version)) | _depart(gone, row, DepartureCause.RELEASE)
    back = [file for file in of_release if _is_back(memory, file, row)]
    seen_before = _seen_before(memory, row) if back else frozenset()
    changed |= {
        # The version had departed when this file came, or it was quarantined before it went and came back.
        key_of(file): replace(without_release(file), stranger=True, quarantined_by=None)
        for file in back
        if _name_of(file) not in seen_before or _was_blocked(file, row)
    }
    after = with_files(memory, changed)
    telling = _removal(EventKind.RELEASE_DELETED, memory, after, gone, row, remembered=remembered)
    if was_yanked_for is not None and memory.known:
        telling = replace(telling, was_yanked=True, yanked_reason=telling.yanked_reason or was_yanked_for or None)
    return Step(after, (*told, telling))


def project_removed(memory: Memory, row: JournalRow, remembered: Iterable[JournalRow]) -> Step:
    """A project left, and its name is free; `remembered` are all rows of that name."""
    told, memory, was_yanked_for = settle_yanks(memory, None)
    survivors = [file for file in current(memory) if outlived(memory, file, row)]
    outliving = set(keys_of(survivors))
    old_life = memory
    if survivors:
        left = tuple(file for file in memory.files if key_of(file) not in outliving)
        old_life = replace(memory, files=shelved(left))
    of_this_life = current(old_life)
    gone = [file for file in of_this_life if file.departed is None]
    remembered = tuple(remembered)
    since = existed_since(of_this_life, created_at(row, remembered))
    changed = (
        _freed(old_life.files)
        | _followed(of_this_life, row, since)
        | _depart(gone, row, DepartureCause.PROJECT, project_since=since)
    )
    after = with_files(old_life, changed)
    telling = _removal(EventKind.PROJECT_DELETED, old_life, after, gone, row, remembered=remembered)
    if was_yanked_for is not None and memory.known:
        telling = replace(telling, was_yanked=True, yanked_reason=telling.yanked_reason or was_yanked_for or None)
    closed = replace(with_files(memory, changed), project=_closed(memory.project, row))
    if not survivors:
        return Step(closed, (*told, telling)).then(still_hidden(closed, row))
    reborn = _reborn(closed, survivors, row, remembered)
    step = Step(reborn, (*told, telling, reregistered(reborn, Evidence.INDEX, None)))
    return step.then(still_hidden(reborn, row))


def _followed(files: Iterable[FileFacts], row: JournalRow, since: datetime | None) -> dict[FileKey, FileFacts]:
    """What had left before its project did: whoever removes malware may begin with the release."""
    return {
        key_of(file): replace(
            file,
            quarantined_by=None,
            departed=replace(file.departed, project_since=since, project_gone_at=row.time),
        )
        for file in files
        if file.departed is not None
    }


def _is_back(memory: Memory, file: FileFacts, row: JournalRow) -> bool:
    """Whether the file was put up after the removal, or brought back, and was seen so before the row was read."""
    return file.departed is None and outlived(memory, file, row)


def _was_blocked(file: FileFacts, row: JournalRow) -> bool:
    """Whether it was ever blocked; of one that had gone before the row, the page that brought it back asked that."""
    return ever_blocked(file) and (file.listed_since is None or file.listed_since < row.serial)


def _seen_before(memory: Memory, row: JournalRow) -> frozenset[tuple[str, Sha256 | None]]:
    """What was seen before the removal, in earlier lives too: whatever else is there came after it."""
    return frozenset(
        _name_of(file)
        for file in memory.files
        if (
            file.first_seen_serial < row.serial
            if file.first_seen_serial is not None
            else file.first_seen_at <= row.time
        )
    )


def _name_of(file: FileFacts) -> tuple[str, Sha256 | None]:
    return (file.filename, file.sha256)


def _closed(project: ProjectFacts, row: JournalRow) -> ProjectFacts:
    closed = replace(
        handed_on(project),
        closed_serial=row.serial,
        closed_at=row.time,
        page_serial=Serial(max(project.page_serial or 0, row.serial)),
        wanted_serial=None,
        refresh_at=None,
        attempts=0,
        absent_since=None,
    )
    if (project.page_serial or 0) > row.serial and project.quarantined_by in (None, 0):
        # A page newer than the row was seen first: what it says of a quarantine is about the next life.
        # One that it showed and that is over is remembered too, so that its own rows tell nothing again.
        at = project.quarantined_at
        return replace(closed, quarantined_at=at if project.quarantined_by == 0 or (at and at > row.time) else None)
    newer_page = (project.page_serial or 0) > row.serial
    status = project.status if newer_page else ProjectStatus.ACTIVE
    return replace(closed, quarantined_by=None, quarantined_at=None, status=status)


def _reborn(
    closed: Memory, survivors: Iterable[FileFacts], row: JournalRow, remembered: Iterable[JournalRow]
) -> Memory:
    """A page newer than the row was seen first: the name lives again, and what that page lists is of the new life."""
    seen_before = _seen_before(closed, row)
    new = {key_of(file) for file in survivors if _name_of(file) not in seen_before}
    old = tuple(file for file in closed.files if key_of(file) not in new)
    versions = {file.version for file in old} | {said.version for said in remembered if said.serial < row.serial}
    known_before = {same_version_key(version) for version in versions if version is not None}
    opened = open_incarnation(replace(closed, files=old), None).project
    page_of_new_life = replace(
        opened, versions=closed.project.versions, etag=closed.project.etag, extra=closed.project.extra
    )
    moved = {}
    for file in survivors:
        again = replace(file, incarnation=opened.incarnation, quarantined_by=None)
        if key_of(file) in new:
            came_late = file.version is not None and same_version_key(file.version) in known_before
            again = replace(
                again,
                newcomer_in=opened.incarnation,
                # Rows that were read late marked it with what lay on the old life only.
                quarantined_at=opened.quarantined_at,
                stranger=file.stranger or came_late,
            )
        elif _was_blocked(file, row):
            again = replace(without_release(again), stranger=True)
        moved[key_of(file)] = again
    return dated(with_files(replace(closed, project=page_of_new_life), moved))


def _freed(files: Iterable[FileFacts]) -> dict[FileKey, FileFacts]:
    """Those that the row does not take: a quarantine that covered them, too, ends with what it lay on."""
    return {key_of(file): replace(file, quarantined_by=None) for file in files if file.quarantined_by is not None}


def _removal(
    kind: EventKind,
    before: Memory,
    after: Memory,
    gone: Iterable[FileFacts],
    row: JournalRow,
    *,
    filename: str | None = None,
    remembered: Iterable[JournalRow] = (),
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
        deletion=deletion_of(_CAUSES[kind], before, gone, row, remembered),
    )
    if not before.known:
        return telling
    # Seen by the page before the row came: both witnesses say so.
    is_seen = bool(gone) and all(file.missing_since is not None for file in gone)
    telling = replace(telling, evidence=Evidence.BOTH if is_seen else Evidence.JOURNAL, supersedes=superseded(gone))
    # What had disappeared was the latest all the same: now it is known that it was removed.
    return with_what_is_left(telling, as_listed(before, gone), after, gone)
