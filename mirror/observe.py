"""The only writer of facts and states: what was observed of a project becomes one transaction.

Each function here takes a connection that is inside a transaction and does all of it there: it locks the projects in
the order of their names, applies what was observed (`mirror.changes`), judges every file (`mirror.states`), stores what
changed, wants the bytes of what departed, tells other processes, and at last numbers the events.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mirror.catalog import backlog, events, files, journal, notices, pending, projects, rows
from mirror.catalog.database import Connection
from mirror.changes import Step, Telling, by_absence, by_clock, by_page, by_rows, first_sight
from mirror.changes.step import FileKey, key_of
from mirror.events import EventDraft, EventFile, EventKind, Evidence
from mirror.journal_rows import FileAdded, JournalRow, Other, ReleaseCreated, RoleChanged
from mirror.model import (
    Cause,
    FileFacts,
    HashSource,
    Memory,
    ProjectFacts,
    ProjectName,
    ProjectPage,
    Sha256,
    State,
)
from mirror.states import Rules, judge, judged


@dataclass(frozen=True, slots=True)
class _Written:
    """One project after it was stored: what to tell, and whether its served page changed."""

    project: ProjectName
    drafts: tuple[EventDraft, ...]
    changed: bool
    stale: bool = False


async def page(conn: Connection, seen: ProjectPage, *, rules: Rules, now: datetime) -> bool:
    """Applies a project page, also the first one. False where it is older than one believed before."""
    known = await _lock_known(conn, seen.project)
    if known is None:
        # Before any lock on a project: ticks take the journal first, too.
        await journal.hold(conn)
        remembered = await rows.of_project(conn, seen.project)
        first = first_sight(seen, remembered, now)
        if await _store_first(conn, first.memory, rules=rules, now=now):
            return True
        known = (await projects.lock(conn, [seen.project]))[seen.project]
    before = await _memory(conn, known)
    remembered = await rows.of_project(conn, seen.project)
    written = await _store(conn, before, [by_page(before, seen, remembered, now)], rules=rules, now=now)
    await _tell(conn, [written])
    return not written.stale


async def absence(conn: Connection, project: ProjectName, *, rules: Rules, now: datetime) -> None:
    """Applies the answer that upstream has no such page. Of an unknown project there is nothing to note."""
    known = await _lock_known(conn, project)
    if known is None:
        return
    before = await _memory(conn, known)
    await _tell(conn, [await _store(conn, before, [by_absence(before, now)], rules=rules, now=now)])


async def journal_rows(conn: Connection, new: Sequence[JournalRow], *, rules: Rules, now: datetime) -> None:
    """Applies rows of any projects, in the order of their serials, and tells them, those of unknown projects too."""
    by_project: dict[ProjectName, list[JournalRow]] = {}
    for row in new:
        if not isinstance(row.action, RoleChanged):
            by_project.setdefault(row.project, []).append(row)
    locked = await projects.lock(conn, by_project)
    waiting = await pending.of_projects(conn, by_project)
    written = []
    for name in sorted(by_project):
        of_project = by_project[name]
        before = await _memory_for_rows(conn, name, locked.get(name), of_project, now)
        before = replace(before, pending=waiting.get(name, ()))
        steps = await _row_by_row(before, of_project, now)
        written.append(await _store(conn, before, steps, rules=rules, now=now))
    await _tell(conn, written)


async def clock(conn: Connection, names: Iterable[ProjectName], *, rules: Rules, now: datetime) -> None:
    """Applies what only the time or other rules decide: yanks that are due, states that have passed."""
    names = sorted(set(names))
    locked = await projects.lock(conn, names)
    waiting = await pending.of_projects(conn, names)
    written = []
    for name in names:
        before = await _memory(conn, locked[name]) if name in locked else _unknown(name, now)
        before = replace(before, pending=waiting.get(name, ()))
        written.append(await _store(conn, before, [by_clock(before, now)], rules=rules, now=now))
    await _tell(conn, written)


async def file_stored(
    conn: Connection, file_id: int, *, sha256: Sha256, size: int, source: HashSource, rules: Rules, now: datetime
) -> None:
    """Notes that the store holds the file's verified bytes; told as rescued where it had departed without them."""

    def stored(file: FileFacts) -> FileFacts:
        listed = file.listed_file
        if listed.sha256 is None:
            file = replace(file, listed_file=replace(listed, sha256=sha256, size=size), hash_source=source)
        elif listed.size is None:
            file = replace(file, listed_file=replace(listed, size=size))
        return replace(file, stored_at=file.stored_at or now, lost_at=None)

    await _change_file(conn, file_id, stored, rules=rules, now=now)


async def metadata_stored(conn: Connection, file_id: int, *, sha256: Sha256, rules: Rules, now: datetime) -> None:
    """Notes that the store holds the file's metadata."""

    def stored(file: FileFacts) -> FileFacts:
        listed = replace(file.listed_file, core_metadata=sha256)
        return replace(file, listed_file=listed, metadata_stored_at=file.metadata_stored_at or now)

    await _change_file(conn, file_id, stored, rules=rules, now=now)


async def file_lost(conn: Connection, file_id: int, *, rules: Rules, now: datetime) -> None:
    """Notes that the bytes could not be had any more."""
    await _change_file(conn, file_id, lambda file: replace(file, lost_at=now), rules=rules, now=now)


async def _change_file(
    conn: Connection, file_id: int, change: Callable[[FileFacts], FileFacts], *, rules: Rules, now: datetime
) -> None:
    found = await files.by_id(conn, file_id)
    if found is None:
        return
    project = (await projects.lock(conn, [found.project]))[found.project]
    found = await files.by_id(conn, file_id)  # as it is under the lock
    if found is None or project.id is None:
        return
    before = found.facts
    after = change(before)
    verdict = judge(after, project, rules=rules, now=now)
    after = replace(after, state=verdict.state, cause=verdict.cause, state_until=verdict.until)
    if after == before:
        return
    await files.update(conn, project.id, [after])
    changed = _shown(before) != _shown(after)
    drafts: tuple[EventDraft, ...] = ()
    if changed:
        await projects.update(conn, project, changed=True)
    if after.departed is not None and before.stored_at is None and after.stored_at is not None:
        telling = Telling(
            EventKind.RESCUED, Evidence.INDEX, (key_of(after),), version=after.version, filename=after.filename
        )
        drafts = (_draft(telling, Memory(project, (after,)), rules=rules, now=now),)
    await _tell(conn, [_Written(found.project, drafts, changed)])


async def _lock_known(conn: Connection, name: ProjectName) -> ProjectFacts | None:
    return (await projects.lock(conn, [name])).get(name)


async def _memory(conn: Connection, project: ProjectFacts) -> Memory:
    waiting = await pending.of_projects(conn, [project.name])
    return Memory(project, await files.of_project(conn, project), waiting.get(project.name, ()))


async def _memory_for_rows(
    conn: Connection, name: ProjectName, known: ProjectFacts | None, of_project: Sequence[JournalRow], now: datetime
) -> Memory:
    if known is None:
        return _unknown(name, now)
    if all(isinstance(row.action, FileAdded | ReleaseCreated | Other) for row in of_project):
        return Memory(known)  # additions only ask for a newer page; their many rows must not read every file
    return Memory(known, await files.of_project(conn, known))


async def _row_by_row(before: Memory, of_project: Iterable[JournalRow], now: datetime) -> list[Step]:
    """Each row's own step, so that what is told of it shows the files as they were at that moment."""
    steps = [Step(before)]
    for row in of_project:
        steps.append(by_rows(steps[-1].memory, [row], now))
        # Of a project with tens of thousands of files one row takes a tenth of a second; pages are served meanwhile.
        await asyncio.sleep(0)
    return steps


def _unknown(name: ProjectName, now: datetime) -> Memory:
    return Memory(ProjectFacts(None, name, name, now), known=False)


async def _store_first(conn: Connection, memory: Memory, *, rules: Rules, now: datetime) -> bool:
    memory = judged(memory, rules=rules, now=now)
    project_id = await projects.insert(conn, memory.project)
    if project_id is None:
        return False
    await files.insert(conn, project_id, memory.files)
    departed = [file for file in memory.files if file.departed is not None]
    if departed:
        await _want_bytes(conn, replace(memory.project, id=project_id), departed, now=now)
    await _tell(conn, [_Written(memory.project.name, (), changed=True)])
    return True


async def _store(conn: Connection, before: Memory, steps: Sequence[Step], *, rules: Rules, now: datetime) -> _Written:
    if steps[-1].stale:
        return _Written(before.project.name, (), changed=False, stale=True)
    after = judged(steps[-1].memory, rules=rules, now=now)
    changed = False
    if before.project.id is not None:
        changed = await _store_facts(conn, before, after, now=now)
    await _store_pending(conn, before, after)
    drafts = (_draft(told, step.memory, rules=rules, now=now) for step in steps for told in step.tellings)
    return _Written(after.project.name, tuple(drafts), changed)


async def _store_facts(conn: Connection, before: Memory, after: Memory, *, now: datetime) -> bool:
    project_id = before.project.id
    if project_id is None:
        raise ValueError("only a known project has facts")
    known = {file.id: file for file in before.files}
    new = [file for file in after.files if file.id is None]
    updated = [file for file in after.files if file.id is not None and file != known[file.id]]
    if new:
        await files.insert(conn, project_id, new)
    if updated:
        await files.update(conn, project_id, updated)
    changed = _page_facts(before.project) != _page_facts(after.project) or [_shown(file) for file in before.files] != [
        _shown(file) for file in after.files
    ]
    if changed or before.project != after.project:
        await projects.update(conn, after.project, changed=changed)
    departed = [file for file in updated if file.departed is not None and _is_newly_wanted(known[file.id], file)]
    departed += [file for file in new if file.departed is not None]
    if departed:
        await _want_bytes(conn, after.project, departed, now=now)
    return changed


async def _store_pending(conn: Connection, before: Memory, after: Memory) -> None:
    if gone := [waiting for waiting in before.pending if waiting not in after.pending]:
        await pending.delete(conn, gone)
    if added := [waiting for waiting in after.pending if waiting not in before.pending]:
        await pending.insert(conn, after.project.name, added)


async def _want_bytes(conn: Connection, project: ProjectFacts, departed: Iterable[FileFacts], *, now: datetime) -> None:
    """Puts at the head of the backlog what left upstream before its bytes were kept, but not what may be malware."""
    wanted = {
        key_of(file)
        for file in departed
        if (file.stored_at is None or _lacks_metadata(file))
        and file.state not in (State.BLOCKED, State.PURGED)
        and file.cause is not Cause.QUARANTINE
    }
    if wanted:
        stored = await files.of_project(conn, project)
        ids = [file.id for file in stored if file.id is not None and key_of(file) in wanted]
        await backlog.add(conn, ids, backlog.Priority.RESCUE, now=now)
        await notices.backlog_grew(conn)


def _is_newly_wanted(before: FileFacts, after: FileFacts) -> bool:
    # The second: what a quarantine kept from being fetched when it departed.
    return before.departed is None or (after.cause is Cause.RESCUE and before.cause is not Cause.RESCUE)


def _lacks_metadata(file: FileFacts) -> bool:
    return file.listed_file.core_metadata is not False and file.metadata_stored_at is None


async def _tell(conn: Connection, written: Sequence[_Written]) -> None:
    """The last statements of a transaction: notices, and the numbers of the events in the order of their serials."""
    if changed := [one.project for one in written if one.changed]:
        await notices.pages_changed(conn, changed)
    drafts = [draft for one in written for draft in one.drafts]
    await events.append(conn, sorted(drafts, key=lambda draft: (draft.serial is None, draft.serial or 0)))


def _shown(file: FileFacts) -> tuple[object, ...]:
    """What of a file can be seen on the project's page."""
    metadata = file.metadata_stored_at if file.state is State.KEPT else None
    return (file.incarnation, file.listed_file, file.listed, file.state, file.departed, metadata)


def _page_facts(project: ProjectFacts) -> tuple[object, ...]:
    """What of a project can be seen on its page, or tells that upstream has a newer one."""
    return (
        project.incarnation,
        project.status,
        project.versions,
        project.extra,
        project.page_serial,
        project.quarantined_by is not None,
        project.closed_serial is not None,
        project.wanted_serial is not None,
    )


def _draft(telling: Telling, memory: Memory, *, rules: Rules, now: datetime) -> EventDraft:
    incarnation = telling.incarnation or (telling.files[0][0] if telling.files else memory.project.incarnation)
    return EventDraft(
        kind=telling.kind,
        project=memory.project.name,
        version=telling.version,
        serial=telling.serial,
        upstream_time=telling.upstream_time,
        observed_at=now,
        evidence=telling.evidence,
        files=_event_files(telling.files, memory, rules=rules, now=now) if memory.known else None,
        filename=telling.filename,
        status=telling.status,
        was_yanked=telling.was_yanked,
        yanked_reason=telling.yanked_reason,
        remaining_releases=telling.remaining_releases,
        latest_remaining=telling.latest_remaining,
        was_latest=telling.was_latest,
        incarnation=incarnation if memory.known else None,
    )


def _event_files(keys: Sequence[FileKey], memory: Memory, *, rules: Rules, now: datetime) -> tuple[EventFile, ...]:
    wanted = set(keys)
    return tuple(
        EventFile(
            file.filename,
            file.sha256,
            file.listed_file.size,
            file.listed_file.upload_time,
            judge(file, memory.project, rules=rules, now=now).state,
        )
        for file in memory.files
        if key_of(file) in wanted
    )
