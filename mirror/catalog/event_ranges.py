"""Events by their place in the sequence, from the newest to the oldest: what documents of them are made of.

Each statement reads the events of some projects, or of some kinds, by the index of these, so that however many there
are of others, they are not read. Payloads are looked up at last, and only of what is returned.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.database import Connection
from mirror.catalog.events import of_records
from mirror.errors import StartError
from mirror.event_kinds import EventKind
from mirror.events import Event
from mirror.names import ProjectName


@dataclass(frozen=True, slots=True)
class Told:
    """What has been told so far, and by whom: as long as it stays the same, so do the events that can be read.

    Held are those after the number `forgotten` up to `last`. `redacted` counts how often something was taken away.
    `observed_since` is when the journal began to be watched, None where it is not.
    """

    uuid: uuid.UUID
    epoch: int
    created_at: datetime
    last: int
    forgotten: int
    redacted: int
    observed_since: datetime | None


async def told(conn: Connection) -> Told:
    """What has been told so far. Raises StartError before the instance has its name."""
    record = await conn.fetchrow(
        """
        select instance.uuid, epoch, created_at, number, forgotten, redacted,
            (select observed_since from journal) as observed_since
        from instance, event_head
        """
    )
    if record is None:
        raise StartError("the database is empty; start `everpin up`, `everpin mirror` or `everpin watch` once")
    return Told(
        uuid=uuid.UUID(str(record["uuid"])),
        epoch=record["epoch"],
        created_at=record["created_at"],
        last=record["number"],
        forgotten=record["forgotten"],
        redacted=record["redacted"],
        observed_since=record["observed_since"],
    )


async def before(
    conn: Connection,
    number: int,
    *,
    limit: int,
    epoch: int,
    projects: Sequence[ProjectName] | None = None,
    kinds: Sequence[EventKind] | None = None,
) -> list[Event]:
    """The newest events below the number, newest first, of these projects and kinds; None means of any."""
    if projects is not None:
        return await _of_projects_before(conn, number, limit=limit, epoch=epoch, projects=projects, kinds=kinds)
    if kinds is not None:
        return await _of_kinds_before(conn, number, limit=limit, epoch=epoch, kinds=kinds)
    records = await conn.fetch(
        """
        select found.*, (select payload from event_payloads where number = found.number)
        from (select * from events where number < $1 order by number desc limit $2) as found order by number desc
        """,
        number,
        limit,
    )
    return await of_records(conn, records, epoch)


async def redacted_since(
    conn: Connection,
    since: datetime,
    *,
    limit: int,
    epoch: int,
    projects: Sequence[ProjectName] | None = None,
    kinds: Sequence[EventKind] | None = None,
) -> list[Event]:
    """The events that were redacted after that time, those redacted last first."""
    records = await conn.fetch(
        """
        select events.*, null::bytea as payload
        from redactions join events using (number)
        where redactions.at > $1
            and ($3::text[] is null or project = any($3)) and ($4::text[] is null or kind = any($4))
        order by redactions.at desc, number desc limit $2
        """,
        since,
        limit,
        projects,
        _names(kinds),
    )
    return await of_records(conn, records, epoch)


async def _of_projects_before(
    conn: Connection,
    number: int,
    *,
    limit: int,
    epoch: int,
    projects: Sequence[ProjectName],
    kinds: Sequence[EventKind] | None,
) -> list[Event]:
    records = await conn.fetch(
        """
        select found.*, (select payload from event_payloads where number = found.number)
        from (
            select told.* from unnest($3::text[]) as wanted (project) cross join lateral (
                select * from events
                where project = wanted.project and number < $1 and ($4::text[] is null or kind = any($4))
                order by number desc limit $2
            ) as told
            order by number desc limit $2
        ) as found order by number desc
        """,
        number,
        limit,
        sorted(set(projects)),
        _names(kinds),
    )
    return await of_records(conn, records, epoch)


async def _of_kinds_before(
    conn: Connection, number: int, *, limit: int, epoch: int, kinds: Sequence[EventKind]
) -> list[Event]:
    # Compared as a range and ordered by, which only the index of kinds can answer: left to choose, the planner would
    # look for those of a rare kind among all events.
    records = await conn.fetch(
        """
        select found.*, (select payload from event_payloads where number = found.number)
        from (
            select told.* from unnest($3::text[]) as wanted (kind) cross join lateral (
                select * from events where (kind, number) < (wanted.kind, $1) and kind >= wanted.kind
                order by kind desc, number desc limit $2
            ) as told
            order by number desc limit $2
        ) as found order by number desc
        """,
        number,
        limit,
        _names(kinds),
    )
    return await of_records(conn, records, epoch)


def _names(kinds: Sequence[EventKind] | None) -> list[str] | None:
    return None if kinds is None else sorted({str(kind) for kind in kinds})
