"""What was observed of single files: their bytes are in the store, or cannot be had."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from mirror.catalog import acts, backlog, files, notices, projects, room, tombstones
from mirror.catalog.database import Connection
from mirror.changes import Telling
from mirror.changes.orders import file_under_orders
from mirror.changes.step import key_of
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, Evidence
from mirror.index.paths import Kind
from mirror.index.siblings import lacking_siblings
from mirror.model import FileFacts, HashSource, Memory
from mirror.names import Sha256
from mirror.observe.judging import convened
from mirror.observe.storing import shown
from mirror.observe.telling import Written, draft, tell
from mirror.states import Rules


async def file_stored(
    conn: Connection, file_id: int, *, sha256: Sha256, size: int, source: HashSource, rules: Rules, now: datetime
) -> bool:
    """Notes that the store holds the file's verified bytes; told as rescued where it had departed without them.

    False where an operator had them destroyed: then the store must not hold them.
    """
    await acts.keep_in_view(conn)
    found = await files.by_id(conn, file_id)
    if found is None:
        return True
    standing = await acts.standing(conn, found.project, [sha256])

    def stored(file: FileFacts) -> FileFacts:
        if file.purged_at is not None:
            return file
        listed = file.listed_file
        if listed.sha256 is None:
            file = replace(file, listed_file=replace(listed, sha256=sha256, size=size), hash_source=source)
        elif listed.size is None:
            file = replace(file, listed_file=replace(listed, size=size))
        kept = replace(file, stored_at=file.stored_at or now, lost_at=None)
        # Only now may its digest be known, and an order stand for that.
        return file_under_orders(kept, found.project, standing, now)

    after = await _change_file(conn, file_id, stored, rules=rules, now=now)
    if found.facts.stored_at is None and after is not None and after.stored_at is not None:
        await room.note_stored(conn, size)
    for twin in await files.twins(conn, file_id):
        await _change_file(conn, twin, stored, rules=rules, now=now)
    if after is not None and after.purged_at is None and any(lacking_siblings(after)):
        # They go when the file goes: provenance is deleted upstream together with it.
        await backlog.add(conn, [file_id], backlog.Priority.REQUESTED, now=now)
        await notices.backlog_grew(conn)
    return after is None or after.purged_at is None


async def metadata_stored(conn: Connection, file_id: int, *, sha256: Sha256, rules: Rules, now: datetime) -> bool:
    """Notes that the store holds the file's metadata. False where an operator had it, or the file, destroyed."""
    await acts.keep_in_view(conn)
    is_banned = await tombstones.is_buried(conn, sha256)

    def stored(file: FileFacts) -> FileFacts:
        if is_banned or file.purged_at is not None:
            return file
        listed = replace(file.listed_file, core_metadata=sha256)
        return replace(file, listed_file=listed, metadata_stored_at=file.metadata_stored_at or now)

    after = await _change_file(conn, file_id, stored, rules=rules, now=now)
    return not is_banned and (after is None or after.purged_at is None)


async def provenance_stored(conn: Connection, file_id: int, *, sha256: Sha256, rules: Rules, now: datetime) -> bool:
    """Notes that the store holds the file's provenance. False where an operator had it, or the file, destroyed."""
    await acts.keep_in_view(conn)
    is_banned = await tombstones.is_buried(conn, sha256)

    def stored(file: FileFacts) -> FileFacts:
        return file if is_banned or file.purged_at is not None else replace(file, provenance_sha256=sha256)

    after = await _change_file(conn, file_id, stored, rules=rules, now=now)
    return not is_banned and (after is None or after.purged_at is None)


async def not_stored(conn: Connection, file_id: int, kind: Kind, *, rules: Rules, now: datetime) -> None:
    """Notes that the store turned out not to hold the file, or its sibling."""

    def missing(file: FileFacts) -> FileFacts:
        match kind:
            case Kind.FILE:
                return replace(file, stored_at=None)
            case Kind.METADATA:
                return replace(file, metadata_stored_at=None)
            case Kind.PROVENANCE:
                return replace(file, provenance_sha256=None)

    await _change_file(conn, file_id, missing, rules=rules, now=now)


async def file_lost(conn: Connection, file_id: int, *, rules: Rules, now: datetime) -> None:
    """Notes that the bytes could not be had any more."""
    await _change_file(conn, file_id, lambda file: replace(file, lost_at=now), rules=rules, now=now)


async def _change_file(
    conn: Connection, file_id: int, change: Callable[[FileFacts], FileFacts], *, rules: Rules, now: datetime
) -> FileFacts | None:
    """The file after that; None where there is no such file."""
    found = await files.by_id(conn, file_id)
    if found is None:
        return None
    project = (await projects.lock(conn, [found.project]))[found.project]
    found = await files.by_id(conn, file_id)  # as it is under the lock
    if found is None or project.id is None:
        return None
    before = found.facts
    after = change(before)
    court = await convened(conn, rules, now)
    verdict = court.judge(after, project)
    after = replace(after, state=verdict.state, cause=verdict.cause, state_until=verdict.until)
    if after == before:
        return after
    await files.update(conn, project.id, [after])
    changed = shown(before) != shown(after)
    drafts: tuple[EventDraft, ...] = ()
    if changed:
        await projects.update(conn, project, changed=True)
    if after.is_gone and before.stored_at is None and after.stored_at is not None:
        telling = Telling(
            EventKind.RESCUED, Evidence.INDEX, (key_of(after),), version=after.version, filename=after.filename
        )
        drafts = (draft(telling, Memory(project, (after,)), court),)
    await tell(conn, [Written(found.project, drafts, changed)])
    return after
