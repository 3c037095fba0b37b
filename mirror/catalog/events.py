"""The events, append-only.

They get their numbers in the last statements of a transaction, so that the order of numbers is the order of commits and
nothing ever appears below a number that was handed out. The oldest may be forgotten, see `retention`; and what one said
may be taken away, see `redactions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mirror.catalog import notices, redactions, retention
from mirror.catalog.database import Connection, Record
from mirror.event_kinds import EventKind
from mirror.events import Cursor, Event, EventDraft, next_link, payload_of
from mirror.names import ProjectName
from mirror.seams import reached


@dataclass(frozen=True, slots=True)
class Held:
    """Which events are held: those after the number `forgotten`, up to `last`; both are 0 where there are none.

    `redacted` counts the times that something was taken away from what had been told: whoever made documents of events
    before such a time makes them anew. `chain` is the link that the oldest event held goes on from.
    """

    epoch: int
    forgotten: int
    last: int
    redacted: int = 0
    chain: str = ""


async def held(conn: Connection) -> Held:
    """Which events are held, as the catalog has it at this moment."""
    record = await conn.fetchrow(
        """
        select coalesce((select epoch from instance), 1) as epoch, forgotten, forgotten_chain, number, redacted
        from event_head
        """
    )
    if record is None:
        raise LookupError("the head of the event sequence is gone")
    return Held(record["epoch"], record["forgotten"], record["number"], record["redacted"], record["forgotten_chain"])


async def append(conn: Connection, drafts: Sequence[EventDraft]) -> list[EventDraft]:
    """Numbers and stores events, and returns those that were not told before (their id is new).

    Holds the head of the sequence until the transaction ends: let it be the last thing that the transaction does.
    """
    if not drafts:
        return []
    head = await conn.fetchrow("select number, chain, forgotten from event_head for update")
    if head is None:
        raise LookupError("the head of the event sequence is gone")
    ids = [draft.id for draft in drafts]
    known = {record["id"] for record in await conn.fetch("select id from events where id = any($1::text[])", ids)}
    if head["forgotten"]:
        known |= await retention.forgotten_of(conn, ids)
    number, chain = head["number"], head["chain"]
    new, records, payloads = [], [], []
    for draft in drafts:
        if draft.id in known:
            continue
        known.add(draft.id)
        payload = payload_of(draft)
        number, chain = number + 1, next_link(chain, draft.id, payload)
        new.append(draft)
        records.append((number, draft.id, draft.kind, draft.project, draft.version, draft.observed_at, chain))
        payloads.append((number, payload))
    await conn.copy_records_to_table(
        "events", records=records, columns=["number", "id", "kind", "project", "version", "at", "chain"]
    )
    await conn.copy_records_to_table("event_payloads", records=payloads, columns=["number", "payload"])
    await conn.execute(
        """
        insert into event_counts (kind, told) select kind, count(*) from unnest($1::text[]) as new (kind) group by kind
        on conflict (kind) do update set told = event_counts.told + excluded.told
        """,
        [str(draft.kind) for draft in new],
    )
    await conn.execute("update event_head set number = $1, chain = $2", number, chain)
    if new:
        await notices.events_told(conn, number)
    reached("event.appended")
    return new


async def after(
    conn: Connection,
    number: int,
    *,
    limit: int,
    epoch: int,
    projects: Sequence[ProjectName] = (),
    kinds: Sequence[EventKind] = (),
) -> list[Event]:
    """The oldest events after that number, of these projects and kinds where any are given."""
    if projects:
        return await _of_projects_after(conn, number, limit=limit, epoch=epoch, projects=projects, kinds=kinds)
    if kinds:
        return await _of_kinds_after(conn, number, limit=limit, epoch=epoch, kinds=kinds)
    records = await conn.fetch(
        """
        select found.*, (select payload from event_payloads where number = found.number)
        from (select * from events where number > $1 order by number limit $2) as found order by number
        """,
        number,
        limit,
    )
    return await of_records(conn, records, epoch)


# Each project's, or each kind's, first few are looked up by themselves and then put in order: however many events there
# are of others, they are not read. The payloads are looked up at last, and only of what is returned. Kinds are compared
# as a range and ordered by, which only their index can answer: left to choose, the planner would look for those of a
# rare kind among all events.


async def _of_projects_after(
    conn: Connection,
    number: int,
    *,
    limit: int,
    epoch: int,
    projects: Sequence[ProjectName],
    kinds: Sequence[EventKind],
) -> list[Event]:
    records = await conn.fetch(
        """
        select found.*, (select payload from event_payloads where number = found.number)
        from (
            select told.* from unnest($3::text[]) as wanted (project) cross join lateral (
                select * from events
                where project = wanted.project and number > $1 and ($4::text[] = '{}' or kind = any($4))
                order by number limit $2
            ) as told
            order by number limit $2
        ) as found order by number
        """,
        number,
        limit,
        sorted(set(projects)),
        [str(kind) for kind in kinds],
    )
    return await of_records(conn, records, epoch)


async def _of_kinds_after(
    conn: Connection, number: int, *, limit: int, epoch: int, kinds: Sequence[EventKind]
) -> list[Event]:
    records = await conn.fetch(
        """
        select found.*, (select payload from event_payloads where number = found.number)
        from (
            select told.* from unnest($3::text[]) as wanted (kind) cross join lateral (
                select * from events where (kind, number) > (wanted.kind, $1) and kind <= wanted.kind
                order by kind, number limit $2
            ) as told
            order by number limit $2
        ) as found order by number
        """,
        number,
        limit,
        sorted({str(kind) for kind in kinds}),
    )
    return await of_records(conn, records, epoch)


async def newest(conn: Connection, project: ProjectName, *, limit: int, epoch: int) -> list[Event]:
    """The newest events of a project, of any kind, newest first."""
    records = await conn.fetch(
        """
        select found.*, (select payload from event_payloads where number = found.number)
        from (select * from events where project = $1 order by number desc limit $2) as found order by number desc
        """,
        project,
        limit,
    )
    return await of_records(conn, records, epoch)


async def last_number(conn: Connection) -> int:
    """The number of the newest event, 0 where there is none."""
    number: int = await conn.fetchval("select number from event_head")
    return number


async def counts(conn: Connection) -> dict[str, int]:
    """How many events of each kind were told."""
    records = await conn.fetch("select kind, told from event_counts")
    return {record["kind"]: record["told"] for record in records}


async def of_id(conn: Connection, event_id: str, *, epoch: int) -> Event | None:
    """The event of that id, None where there is none or it is not held any more."""
    records = await conn.fetch(
        "select *, (select payload from event_payloads where number = events.number) from events where id = $1",
        event_id,
    )
    return next(iter(await of_records(conn, records, epoch)), None)


async def of_records(conn: Connection, records: Sequence[Record], epoch: int) -> list[Event]:
    """The events of rows of `events` with their `payload`; of those without one it is looked up what became of it."""
    bare = [record["number"] for record in records if record["payload"] is None]
    redacted = await redactions.of(conn, bare) if bare else {}
    return [_event(record, epoch, redacted.get(record["number"])) for record in records]


def _event(record: Record, epoch: int, redaction: redactions.Redaction | None) -> Event:
    return Event(
        cursor=Cursor(epoch, record["number"]),
        id=record["id"],
        kind=EventKind(record["kind"]),
        project=ProjectName(record["project"]) if record["project"] is not None else None,
        version=record["version"],
        time=record["at"],
        payload=record["payload"],
        chain=record["chain"],
        redacted_at=redaction.at if redaction else None,
        payload_sha256=redaction.payload_sha256 if redaction else None,
    )
