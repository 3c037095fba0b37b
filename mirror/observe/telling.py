"""What is told: notices to other processes and events to the world, the last statements of each transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from mirror.catalog import events, notices
from mirror.catalog.database import Connection
from mirror.changes import Telling
from mirror.changes.step import FileKey, key_of
from mirror.events import EventDraft, EventFile
from mirror.model import Memory
from mirror.names import ProjectName
from mirror.observe.judging import Court
from mirror.seams import reached


@dataclass(frozen=True, slots=True)
class Written:
    """One project after it was stored: what to tell, and whether its served page changed."""

    project: ProjectName
    drafts: tuple[EventDraft, ...]
    changed: bool
    stale: bool = False


async def tell(conn: Connection, written: Sequence[Written]) -> None:
    """The last statements of a transaction: notices, and the numbers of the events in the order of their serials."""
    if changed := [one.project for one in written if one.changed]:
        await notices.pages_changed(conn, changed)
    drafts = [draft for one in written for draft in one.drafts]
    reached("observe.stored")
    await events.append(conn, sorted(drafts, key=lambda draft: (draft.serial is None, draft.serial or 0)))


def draft(telling: Telling, memory: Memory, court: Court) -> EventDraft:
    incarnation = telling.incarnation or (telling.files[0][0] if telling.files else memory.project.incarnation)
    return EventDraft(
        kind=telling.kind,
        project=memory.project.name,
        version=telling.version,
        serial=telling.serial,
        upstream_time=telling.upstream_time,
        observed_at=court.now,
        evidence=telling.evidence,
        files=_event_files(telling.files, memory, court) if memory.known else None,
        filename=telling.filename,
        status=telling.status,
        was_yanked=telling.was_yanked,
        yanked_reason=telling.yanked_reason,
        remaining_releases=telling.remaining_releases,
        latest_remaining=telling.latest_remaining,
        was_latest=telling.was_latest,
        supersedes=telling.supersedes,
        incarnation=incarnation if memory.known else None,
    )


def _event_files(keys: Sequence[FileKey], memory: Memory, court: Court) -> tuple[EventFile, ...]:
    wanted = set(keys)
    return tuple(
        EventFile(
            file.filename,
            file.sha256,
            file.listed_file.size,
            file.listed_file.upload_time,
            court.judge(file, memory.project).state,
        )
        for file in memory.files
        if key_of(file) in wanted
    )
