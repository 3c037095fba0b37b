"""What changed is stored, and the bytes of what departed, and of what is in scope, are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mirror.catalog import files, marks, pending, projects
from mirror.catalog.database import Connection
from mirror.changes import Step
from mirror.model import FileFacts, Memory, PendingYank, ProjectFacts
from mirror.observe.advised import advised, first_advised
from mirror.observe.judging import Court
from mirror.observe.ordered import ordered
from mirror.observe.telling import Written, draft
from mirror.observe.wanting import Wanting, is_newly_to_rescue, is_to_keep, want_bytes


async def store_first(conn: Connection, first: Step, court: Court) -> Written | None:
    """Stores a project seen for the first time; None where another transaction was first."""
    first = await first_advised(conn, first)
    (first,) = await ordered(conn, replace(first.memory, files=()), [first], court)
    memory = court.judged(first.memory)
    project_id = await projects.insert(conn, memory.project)
    if project_id is None:
        return None
    await files.insert(conn, project_id, memory.files)
    departed = tuple(file for file in memory.files if file.is_gone)
    to_keep = tuple(filter(is_to_keep, memory.files))
    await want_bytes(conn, [Wanting(replace(memory.project, id=project_id), departed, to_keep, is_first=True)], court)
    drafts = (draft(telling, memory, court) for telling in first.tellings)
    return Written(memory.project.name, tuple(drafts), changed=True)


async def store(conn: Connection, before: Memory, steps: Sequence[Step], court: Court) -> Written:
    """Stores what one project's steps changed and drafts what they tell."""
    if steps[-1].stale:
        return Written(before.project.name, (), changed=False, stale=True)
    steps = await advised(conn, before, steps)
    steps = await ordered(conn, before, steps, court)
    after = court.judged(steps[-1].memory)
    change = Change.between(before, after)
    await store_all(conn, [change], court)
    drafts = (draft(told, step.memory, court) for step in steps for told in step.tellings)
    return Written(after.project.name, tuple(drafts), change.page)


@dataclass(frozen=True, slots=True)
class Change:
    """What of one project is to be stored; `page` says whether its served page changed.

    `marked` and `updated` are the files that are not as they were, the former by marks alone. `departed` are those of
    them, and of the new ones, whose bytes may be wanted since they left upstream, `to_keep` those that are to be kept
    from now on if the project is in scope.
    """

    project: ProjectFacts
    page: bool
    is_changed: bool
    new: tuple[FileFacts, ...]
    marked: tuple[FileFacts, ...]
    updated: tuple[FileFacts, ...]
    departed: tuple[FileFacts, ...]
    to_keep: tuple[FileFacts, ...]
    forgotten: tuple[PendingYank, ...]
    waiting: tuple[PendingYank, ...]

    @classmethod
    def between(cls, before: Memory, after: Memory) -> "Change":
        """The change from one memory to another, which is judged."""
        known = {file.id: file for file in before.files}
        new = tuple(file for file in after.files if file.id is None)
        # Most files are the very same objects, and comparing all their facts would take long.
        touched = (file for file in after.files if file.id is not None and file is not known[file.id])
        altered = [file for file in touched if file != known[file.id]]
        marked = {file.id for file in altered if marks.are_all(known[file.id], file)}
        page = (
            _page_facts(before.project) != _page_facts(after.project)
            or bool(new)
            or any(shown(known[file.id]) != shown(file) for file in altered)
        )
        departed = (file for file in altered if file.is_gone and is_newly_to_rescue(known[file.id], file))
        to_keep = (file for file in altered if is_to_keep(file) and not is_to_keep(known[file.id]))
        return cls(
            after.project,
            page=page and before.project.id is not None,
            is_changed=page or before.project != after.project,
            new=new,
            marked=tuple(file for file in altered if file.id in marked),
            updated=tuple(file for file in altered if file.id not in marked),
            departed=(*departed, *(file for file in new if file.is_gone)),
            to_keep=(*to_keep, *filter(is_to_keep, new)),
            forgotten=tuple(waiting for waiting in before.pending if waiting not in after.pending),
            waiting=tuple(waiting for waiting in after.pending if waiting not in before.pending),
        )


async def store_all(conn: Connection, changes: Sequence[Change], court: Court) -> None:
    """Stores what changed of several projects, with a few statements for all of them."""
    known = [(change.project.id, change) for change in changes if change.project.id is not None]
    for project_id, change in known:
        if change.new:
            await files.insert(conn, project_id, change.new)
    if marked := [file for _, change in known for file in change.marked]:
        await marks.store(conn, marked)
    if updated := [(project_id, file) for project_id, change in known for file in change.updated]:
        await files.update_all(conn, updated)
    if changed := [(change.project, change.page) for _, change in known if change.is_changed]:
        await projects.update_all(conn, changed)
    await want_bytes(conn, [Wanting(change.project, change.departed, change.to_keep) for _, change in known], court)
    if forgotten := [waiting for change in changes for waiting in change.forgotten]:
        await pending.delete(conn, forgotten)
    for change in changes:
        if change.waiting:
            await pending.insert(conn, change.project.name, change.waiting)


def shown(file: FileFacts) -> tuple[object, ...]:
    """What of a file can be seen on the project's page."""
    siblings = (file.metadata_stored_at, file.provenance_sha256) if file.is_gone else None
    return (file.incarnation, file.listed_file, file.listed, file.state, file.departed, file.as_was, siblings)


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
