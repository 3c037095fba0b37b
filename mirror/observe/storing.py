"""What changed is stored, and the bytes of what departed are wanted."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from mirror.catalog import backlog, files, notices, pending, projects
from mirror.catalog.database import Connection
from mirror.changes import Step
from mirror.changes.step import key_of
from mirror.model import Cause, FileFacts, Memory, ProjectFacts, State
from mirror.observe.advised import advised, first_advised
from mirror.observe.judging import Court
from mirror.observe.ordered import ordered
from mirror.observe.telling import Written, draft


async def store_first(conn: Connection, first: Step, court: Court) -> Written | None:
    """Stores a project seen for the first time; None where another transaction was first."""
    first = await first_advised(conn, first)
    (first,) = await ordered(conn, replace(first.memory, files=()), [first], court)
    memory = court.judged(first.memory)
    project_id = await projects.insert(conn, memory.project)
    if project_id is None:
        return None
    await files.insert(conn, project_id, memory.files)
    departed = [file for file in memory.files if file.is_gone]
    if departed:
        await _want_bytes(conn, replace(memory.project, id=project_id), departed, now=court.now)
    drafts = (draft(telling, memory, court) for telling in first.tellings)
    return Written(memory.project.name, tuple(drafts), changed=True)


async def store(conn: Connection, before: Memory, steps: Sequence[Step], court: Court) -> Written:
    """Stores what one project's steps changed and drafts what they tell."""
    if steps[-1].stale:
        return Written(before.project.name, (), changed=False, stale=True)
    steps = await advised(conn, before, steps)
    steps = await ordered(conn, before, steps, court)
    after = court.judged(steps[-1].memory)
    changed = False
    if before.project.id is not None:
        changed = await _store_facts(conn, before, after, now=court.now)
    await _store_pending(conn, before, after)
    drafts = (draft(told, step.memory, court) for step in steps for told in step.tellings)
    return Written(after.project.name, tuple(drafts), changed)


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
    changed = _page_facts(before.project) != _page_facts(after.project) or [shown(file) for file in before.files] != [
        shown(file) for file in after.files
    ]
    if changed or before.project != after.project:
        await projects.update(conn, after.project, changed=changed)
    departed = [file for file in updated if file.is_gone and _is_newly_wanted(known[file.id], file)]
    departed += [file for file in new if file.is_gone]
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
    return not before.is_gone or (after.cause is Cause.RESCUE and before.cause is not Cause.RESCUE)


def _lacks_metadata(file: FileFacts) -> bool:
    return file.listed_file.core_metadata is not False and file.metadata_stored_at is None


def shown(file: FileFacts) -> tuple[object, ...]:
    """What of a file can be seen on the project's page."""
    metadata = file.metadata_stored_at if file.state is State.KEPT else None
    return (file.incarnation, file.listed_file, file.listed, file.state, file.departed, file.as_was, metadata)


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
