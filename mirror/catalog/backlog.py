"""Files whose bytes are wanted.

A claim is a lease taken in a short transaction; the files of a claimer that died come back by themselves.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from mirror.catalog.database import Connection

LEASE = timedelta(minutes=10)
"""How long a claim holds unless it is renewed."""


class Priority(IntEnum):
    """What is fetched first."""

    RESCUE = 0
    REQUESTED = 10


@dataclass(frozen=True, slots=True)
class Claim:
    """A file on which a claimer has the lease, how often it was tried, and how often upstream did not have it then."""

    file_id: int
    attempts: int
    denials: int


async def add(conn: Connection, file_ids: Iterable[int], priority: Priority, *, now: datetime) -> None:
    """Wants these files; one that is wanted already keeps the more urgent priority."""
    await conn.execute(
        """
        insert into backlog (file, priority, due_at)
        select unnest($1::bigint[]), $2, $3
        on conflict (file) do update set priority = least(backlog.priority, excluded.priority), due_at = excluded.due_at
        """,
        list(file_ids),
        int(priority),
        now,
    )


async def claim(conn: Connection, claimer: uuid.UUID, *, limit: int, now: datetime) -> list[Claim]:
    """Takes the most urgent files that nobody is at."""
    records = await conn.fetch(
        """
        update backlog set claimed_by = $1, claimed_until = $2
        where file = any (array(
            select file from backlog where due_at <= $3 and (claimed_until is null or claimed_until < $3)
            order by priority, due_at limit $4 for update skip locked
        ))
        returning file, attempts, denials
        """,
        claimer,
        now + LEASE,
        now,
        limit,
    )
    return [Claim(record["file"], record["attempts"], record["denials"]) for record in records]


async def renew(conn: Connection, claimer: uuid.UUID, *, now: datetime) -> None:
    """Keeps what this claimer is still at."""
    await conn.execute(
        "update backlog set claimed_until = $2 where claimed_by = $1 and claimed_until >= $3", claimer, now + LEASE, now
    )


async def give_back(conn: Connection, claimer: uuid.UUID) -> None:
    """Ends this claimer's leases."""
    await conn.execute("update backlog set claimed_by = null, claimed_until = null where claimed_by = $1", claimer)


async def retry_later(conn: Connection, file_id: int, *, due_at: datetime, error: str, denied: bool) -> None:
    """Gives a file back after a failure that may pass; `denied` where upstream said that it does not have it."""
    await conn.execute(
        """
        update backlog set claimed_by = null, claimed_until = null, due_at = $2, last_error = $3,
            attempts = least(attempts + 1, 1000), denials = least(denials + $4, 1000)
        where file = $1
        """,
        file_id,
        due_at,
        error[:500],
        int(denied),
    )


async def done(conn: Connection, file_id: int) -> None:
    """The file is no longer wanted: it is here, or it never will be."""
    await conn.execute("delete from backlog where file = $1", file_id)


async def count(conn: Connection) -> int:
    """How many files are wanted."""
    found: int = await conn.fetchval("select count(*) from backlog")
    return found
