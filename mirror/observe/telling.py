"""What is told: notices to other processes and events to the world, the last statements of each transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from mirror.advisories import calls_malware
from mirror.catalog import events, notices
from mirror.catalog.database import Connection
from mirror.changes import Telling
from mirror.changes.shelf import FileKey, shelved
from mirror.event_kinds import GONE
from mirror.events import EventDraft, EventFile
from mirror.model import Memory
from mirror.names import ProjectName
from mirror.observe.adding import with_bursts, with_downloads
from mirror.observe.judging import Court
from mirror.policy import verdicts
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
    if not drafts:
        return
    drafts.sort(key=lambda draft: (draft.serial is None, draft.serial or 0))
    drafts = await with_downloads(conn, await with_bursts(conn, drafts), now=drafts[0].observed_at)
    await events.append(conn, drafts)


def draft(telling: Telling, memory: Memory, court: Court) -> EventDraft:
    """The event that the telling becomes, its files as the memory has them and the court judges them."""
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
        verdicts=verdicts(telling.deletion) if telling.deletion is not None else (),
        advisories=telling.advisories or _advisories(telling, memory, court),
        supersedes=telling.supersedes,
        act=telling.act,
        incarnation=incarnation if memory.known else None,
        counted_files=_counted_files(telling, memory, court),
        observed_since=memory.project.known_since if memory.known else court.around.journal_begun_at,
    )


def _counted_files(telling: Telling, memory: Memory, court: Court) -> tuple[int, ...] | None:
    if not (court.rules.tells_downloads and memory.known and telling.kind in GONE):
        return None
    files = shelved(memory.files).of_keys(telling.files)
    return tuple(file.id for file in files if file.id is not None)


def _event_files(keys: Sequence[FileKey], memory: Memory, court: Court) -> tuple[EventFile, ...]:
    return tuple(
        EventFile(
            file.filename,
            file.sha256,
            file.listed_file.size,
            file.listed_file.upload_time,
            court.judge(file, memory.project).state,
        )
        for file in shelved(memory.files).of_keys(keys)
    )


def _advisories(telling: Telling, memory: Memory, court: Court) -> tuple[str, ...]:
    """The advisories that call malware what is told of; of files that nobody knows, by their version."""
    name = memory.project.name
    ids = {id_ for file in shelved(memory.files).of_keys(telling.files) for id_ in file.advisories}
    ids.update(
        advisory.id
        for advisory in court.advisories.get(name, ())
        if (telling.version is None and not memory.known) or calls_malware(advisory, name, telling.version)
    )
    return tuple(sorted(ids))
