"""The events, append-only.

They get their numbers in the last statements of a transaction, so that the order of numbers is the order of commits and
nothing ever appears below a number that was handed out.
"""

from collections.abc import Sequence

from mirror.catalog.database import Connection, Record
from mirror.events import BOOKKEEPING, Cursor, Event, EventDraft, EventKind, next_link, payload_of
from mirror.model import ProjectName


async def append(conn: Connection, drafts: Sequence[EventDraft]) -> list[EventDraft]:
    """Numbers and stores events, and returns those that were not told before (their id is new).

    Holds the head of the sequence until the transaction ends: let it be the last thing that the transaction does.
    """
    if not drafts:
        return []
    head = await conn.fetchrow("select number, chain from event_head for update")
    if head is None:
        raise LookupError("the head of the event sequence is gone")
    told = await conn.fetch("select id from events where id = any($1::text[])", [draft.id for draft in drafts])
    known = {record["id"] for record in told}
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
    await conn.execute("update event_head set number = $1, chain = $2", number, chain)
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
    records = await conn.fetch(
        """
        select events.*, payload from events left join event_payloads using (number)
        where number > $1 and ($3::text[] = '{}' or project = any($3)) and ($4::text[] = '{}' or kind = any($4))
        order by number limit $2
        """,
        number,
        limit,
        list(projects),
        [str(kind) for kind in kinds],
    )
    return [_event(record, epoch) for record in records]


async def newest(
    conn: Connection,
    *,
    limit: int,
    epoch: int,
    projects: Sequence[ProjectName] = (),
    kinds: Sequence[EventKind] = (),
) -> list[Event]:
    """The newest events, newest first; without `kinds`, all but bookkeeping."""
    records = await conn.fetch(
        """
        select events.*, payload from events left join event_payloads using (number)
        where ($2::text[] = '{}' or project = any($2))
          and case when $3::text[] = '{}' then kind <> all($4::text[]) else kind = any($3) end
        order by number desc limit $1
        """,
        limit,
        list(projects),
        [str(kind) for kind in kinds],
        [str(kind) for kind in BOOKKEEPING],
    )
    return [_event(record, epoch) for record in records]


async def last_number(conn: Connection) -> int:
    """The number of the newest event, 0 where there is none."""
    number: int = await conn.fetchval("select number from event_head")
    return number


async def counts(conn: Connection) -> dict[str, int]:
    """How many events of each kind were told."""
    records = await conn.fetch("select kind, count(*) as n from events group by kind")
    return {record["kind"]: record["n"] for record in records}


def _event(record: Record, epoch: int) -> Event:
    return Event(
        cursor=Cursor(epoch, record["number"]),
        id=record["id"],
        kind=EventKind(record["kind"]),
        project=ProjectName(record["project"]),
        version=record["version"],
        time=record["at"],
        payload=record["payload"],
        chain=record["chain"],
    )
