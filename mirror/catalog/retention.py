"""Forgets the oldest events, and remembers what is needed so that this does no harm.

That is: up to which number they are gone, the link of the chain that the oldest one held goes on from, and the ids that
could be told once more.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from itertools import takewhile

from mirror.catalog.database import Connection
from mirror.event_kinds import EventKind
from mirror.events import can_recur

_DIGEST_BYTES = 16


async def forget(conn: Connection, *, before: datetime, limit: int) -> int:
    """Forgets at most that many of the oldest events told before that time, and says how many.

    Only what is older than all that stays: an event of a later time keeps those after it, too.
    """
    forgotten: int = await conn.fetchval("select forgotten from event_head")
    records = await conn.fetch(
        "select number, id, kind, at, chain from events where number > $1 order by number limit $2", forgotten, limit
    )
    old = list(takewhile(lambda record: record["at"] < before, records))
    if not old:
        return 0
    last = old[-1]
    ids = [record["id"] for record in old if can_recur(record["id"], EventKind(record["kind"]))]
    await conn.execute(
        "insert into forgotten_ids (digest) select unnest($1::bytea[]) on conflict do nothing",
        [_digest(id_) for id_ in ids],
    )
    # With both ends, so that no plan can come to read all there is.
    span = (forgotten, last["number"])
    await conn.execute("delete from event_payloads where number > $1 and number <= $2", *span)
    await conn.execute("delete from redactions where number > $1 and number <= $2", *span)
    await conn.execute("delete from events where number > $1 and number <= $2", *span)
    await conn.execute(
        "update event_head set forgotten = $1, forgotten_chain = $2 where forgotten < $1", last["number"], last["chain"]
    )
    return len(old)


async def forgotten_of(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Those of the ids that belong to events which are forgotten."""
    by_digest = {_digest(id_): id_ for id_ in ids}
    records = await conn.fetch("select digest from forgotten_ids where digest = any($1::bytea[])", list(by_digest))
    return {by_digest[record["digest"]] for record in records}


def _digest(event_id: str) -> bytes:
    return sha256(event_id.encode()).digest()[:_DIGEST_BYTES]
