"""A project page applied to what we know of the project.

A page says what upstream lists; it never says why something is gone. So a page that lacks a file only notes that it was
missing; a page that lists a departed file again, under the digest we remember, restores it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.clock import tell_yanks
from mirror.changes.incarnations import open_incarnation, reregistered
from mirror.changes.rows import by_rows
from mirror.changes.step import FileKey, Step, Telling, current, is_version, key_of, keys_of
from mirror.events import EventKind, Evidence
from mirror.journal_rows import (
    JournalRow,
    ProjectCreated,
    ProjectQuarantined,
    ProjectRemoved,
    ReleaseQuarantined,
    ReleaseRemoved,
)
from mirror.model import (
    FileFacts,
    HashSource,
    ListedFile,
    Memory,
    ProjectFacts,
    ProjectPage,
    ProjectStatus,
    Serial,
    YankChange,
    same_version_key,
)


def first_sight(page: ProjectPage, rows: Iterable[JournalRow], now: datetime) -> Step:
    """What is known of a project after its first page, judged also by the rows that came before we looked.

    `rows` are all remembered rows of the project, in order. They were told when they came, so nothing is told here.
    """
    rows = tuple(rows)
    covered = [row for row in rows if page.serial is not None and row.serial <= page.serial]
    removals = [row for row in covered if isinstance(row.action, ProjectRemoved)]
    of_this_life = covered[covered.index(removals[-1]) + 1 :] if removals else covered
    created = [row.serial for row in of_this_life if isinstance(row.action, ProjectCreated)]
    project = ProjectFacts(
        id=None,
        name=page.project,
        display_name=rows[-1].name if rows else page.project,
        known_since=now,
        incarnation=1 + len(removals),
        opened_serial=created[-1] if created else None,
        quarantined_at=_last_quarantine(of_this_life, None),
    )
    removed = {same_version_key(r.version) for r in covered if r.version and isinstance(r.action, ReleaseRemoved)}
    files = tuple(
        replace(
            _new_file(listed, project, page, now),
            stranger=bool(removals) or (listed.version is not None and same_version_key(listed.version) in removed),
            quarantined_at=_last_quarantine(of_this_life, listed.version) or project.quarantined_at,
        )
        for listed in page.files
    )
    seen = Memory(_project_after(project, page, now), files)
    later = [row for row in rows if page.serial is None or row.serial > page.serial]
    return by_rows(seen, later, now, replay=True)


def by_page(memory: Memory, page: ProjectPage, later_rows: Iterable[JournalRow], now: datetime) -> Step:
    """Applies a page, and on top of it the rows of a later serial, which were told when they came.

    A page older than one that was believed before is refused: the step says so and changes nothing.
    """
    opened = _believed(memory, page)
    if opened is None:
        return Step(memory, stale=True)
    step = opened
    step = step.then(_list_files(step.memory, page, now))
    step = step.then(_apply_status(step.memory, page, now))
    step = step.then(_note_missing(step.memory, page, now))
    project = _project_after(step.memory.project, page, now)
    step = Step(replace(step.memory, project=project), step.tellings)
    step = step.then(by_rows(step.memory, later_rows, now, replay=True))
    answered = [
        pending
        for pending in step.memory.pending
        if pending.change is YankChange.YANKED and page.serial is not None and pending.serial <= page.serial
    ]
    return step.then(tell_yanks(step.memory, answered))


def by_absence(memory: Memory, now: datetime) -> Step:
    """Applies the answer that upstream has no page: everything it listed is noted as missing, nothing is concluded."""
    files = tuple(
        _missing(f, now) if f.listed and f.incarnation == memory.project.incarnation else f for f in memory.files
    )
    return Step(replace(memory, files=files, project=replace(memory.project, observed_at=now, etag=None)))


def _believed(memory: Memory, page: ProjectPage) -> Step | None:
    known = memory.project
    if page.serial is not None and known.page_serial is not None and page.serial < known.page_serial:
        return None
    if known.closed_serial is None:
        return Step(memory)
    if page.serial is None or page.serial <= known.closed_serial:
        return None
    # The project was removed, and here is a page of a later serial: the name lives again, unannounced.
    opened = open_incarnation(memory, None)
    return Step(opened, (reregistered(opened, Evidence.INDEX, None),))


def _list_files(memory: Memory, page: ProjectPage, now: datetime) -> Step:
    known = {key_of(file): file for file in memory.files}
    by_name: dict[str, list[FileFacts]] = {}
    for file in memory.files:
        by_name.setdefault(file.filename, []).append(file)
    listed_names = {listed.filename for listed in page.files}
    changed: dict[FileKey, FileFacts] = {}
    new: list[FileFacts] = []
    tellings: list[Telling] = []
    for listed in page.files:
        namesakes = by_name.get(listed.filename, [])
        found = _same_file(namesakes, listed, memory.project.incarnation)
        if found is None:
            file = _new_file(listed, memory.project, page, now)
            file, telling = _judge_newcomer(file, namesakes, memory, listed_names)
            new.append(file)
        else:
            file, telling = _list_again(found, listed, page)
            changed[key_of(found)] = file
        if telling is not None:
            tellings.append(telling)
    files = tuple(changed.get(key, file) for key, file in known.items()) + tuple(new)
    return Step(replace(memory, files=files), tuple(tellings))


def _same_file(namesakes: Iterable[FileFacts], listed: ListedFile, incarnation: int) -> FileFacts | None:
    for file in namesakes:
        if file.incarnation != incarnation:
            continue
        if file.sha256 == listed.sha256 or (listed.sha256 is None and file.hash_source is HashSource.SELF):
            return file
    return None


def _list_again(file: FileFacts, listed: ListedFile, page: ProjectPage) -> tuple[FileFacts, Telling | None]:
    departed = file.departed
    if departed is not None and page.serial is not None and page.serial < departed.serial:
        return file, None  # the row is newer than this page
    kept_hash = replace(listed, sha256=file.sha256, upload_time=file.listed_file.upload_time or listed.upload_time)
    again = replace(
        file, listed_file=kept_hash, listed=True, missing_since=None, missing_seen=None, departed=None, lost_at=None
    )
    if departed is None:
        return again, None
    return again, _about(EventKind.RESTORED, again)


def _judge_newcomer(
    file: FileFacts, namesakes: Iterable[FileFacts], memory: Memory, listed_names: set[str]
) -> tuple[FileFacts, Telling | None]:
    """Says what is wrong with a file never seen in this incarnation; most often nothing is."""
    same_bytes = [f for f in namesakes if f.sha256 == file.sha256 and file.sha256 is not None]
    if same_bytes and not any(f.blocked_by or f.purged_at or f.quarantined_by for f in same_bytes):
        stored = next((f.stored_at for f in same_bytes if f.stored_at is not None), None)
        restored = replace(file, stored_at=stored, stranger=False)
        return restored, _about(EventKind.RESTORED, restored)
    if any(f.purged_at is None and f.sha256 != file.sha256 for f in namesakes):
        replaced = replace(file, replaced=True)
        return replaced, _about(EventKind.FILE_REPLACED, replaced)
    if memory.project.incarnation > 1 or _version_departed(file, memory, listed_names):
        return replace(file, stranger=True), None
    return file, None


def _version_departed(file: FileFacts, memory: Memory, listed_names: set[str]) -> bool:
    """Whether all we knew of the file's version is gone, or is missing from the very page that brings the file."""
    if file.version is None:
        return False
    siblings = [known for known in memory.files if is_version(known, file.version)]
    return bool(siblings) and all(
        known.departed is not None or (known.quarantined_by is None and known.filename not in listed_names)
        for known in siblings
    )


def _apply_status(memory: Memory, page: ProjectPage, now: datetime) -> Step:
    project = memory.project
    if page.status is ProjectStatus.QUARANTINED:
        if project.quarantined_by is not None:
            return Step(memory)
        blocked = replace(project, quarantined_by=Serial(0), quarantined_at=now)
        files = tuple(
            replace(f, quarantined_at=now) if f.incarnation == project.incarnation else f for f in memory.files
        )
        after = replace(memory, project=blocked, files=files)
        return Step(after, (_status_telling(EventKind.PROJECT_QUARANTINED, after, page),))
    if project.quarantined_by == 0:
        # What only a page said, a page may take back; what a row said waits for the row.
        after = replace(memory, project=replace(project, quarantined_by=None))
        return Step(after, (_status_telling(EventKind.PROJECT_QUARANTINE_CLEARED, after, page),))
    if project.quarantined_by is None and page.status is not project.status:
        telling = replace(_status_telling(EventKind.PROJECT_STATUS_CHANGED, memory, page), files=())
        return Step(memory, (telling,))
    return Step(memory)


def _note_missing(memory: Memory, page: ProjectPage, now: datetime) -> Step:
    if page.status is ProjectStatus.QUARANTINED or memory.project.quarantined_by is not None:
        return Step(memory)  # the quarantine explains the empty page
    listed = {listed.filename for listed in page.files}
    files = tuple(
        _missing(file, now)
        if file.listed
        and file.incarnation == memory.project.incarnation
        and file.quarantined_by is None
        and file.filename not in listed
        else file
        for file in memory.files
    )
    return Step(replace(memory, files=files))


def _missing(file: FileFacts, now: datetime) -> FileFacts:
    return replace(file, missing_since=file.missing_since or now, missing_seen=now)


def _project_after(project: ProjectFacts, page: ProjectPage, now: datetime) -> ProjectFacts:
    answered = project.wanted_serial is None or (page.serial is not None and page.serial >= project.wanted_serial)
    return replace(
        project,
        status=page.status if project.quarantined_by in (None, 0) else project.status,
        page_serial=page.serial if page.serial is not None else project.page_serial,
        etag=page.etag,
        versions=page.versions,
        extra=page.extra,
        observed_at=now,
        wanted_serial=None if answered else project.wanted_serial,
        refresh_at=None if answered else project.refresh_at,
        attempts=0 if answered else project.attempts,
    )


def _new_file(listed: ListedFile, project: ProjectFacts, page: ProjectPage, now: datetime) -> FileFacts:
    return FileFacts(
        id=None,
        incarnation=project.incarnation,
        listed_file=listed,
        first_seen_at=now,
        first_seen_serial=page.serial,
        quarantined_at=project.quarantined_at,
    )


def _last_quarantine(rows: Iterable[JournalRow], version: str | None) -> datetime | None:
    """When the project (without a version) or that release was last quarantined, by these rows."""
    found = None
    for row in rows:
        match row.action:
            case ProjectQuarantined() if version is None:
                found = row.time
            case ReleaseQuarantined() if version is not None and row.version is not None:
                if same_version_key(row.version) == same_version_key(version):
                    found = row.time
            case _:
                pass
    return found


def _about(kind: EventKind, file: FileFacts) -> Telling:
    return Telling(kind, Evidence.INDEX, (key_of(file),), version=file.version, filename=file.filename)


def _status_telling(kind: EventKind, memory: Memory, page: ProjectPage) -> Telling:
    return Telling(kind, Evidence.INDEX, keys_of(current(memory)), status=page.status)
