"""Files whose bytes are wanted.

A claim is a lease taken in a short transaction; the files of a claimer that died come back by themselves.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from mirror.catalog.database import Connection

LEASE = timedelta(minutes=10)
"""How long a claim holds unless it is renewed."""


_DROP_SECONDS = 3_600
_TURN = timedelta(seconds=1)

TURNS = timedelta(hours=1)
"""What is in no hurry is due so long before it was wanted, file by file of a project a second later: a project with
thousands of files lets others in between."""


class Priority(IntEnum):
    """What is fetched first: what departed, what a client asked for in vain, what is new in scope, what was there."""

    RESCUE = 0
    REQUESTED = 10
    NEW = 20
    BACKFILL = 30


@dataclass(frozen=True, slots=True)
class Claim:
    """A file on which a claimer has the lease, how often it was tried, and how often upstream did not have it then."""

    file_id: int
    attempts: int
    denials: int
    priority: Priority


async def add(conn: Connection, file_ids: Iterable[int], priority: Priority, *, now: datetime) -> None:
    """Wants these files; one that is wanted already, as urgently or more so, keeps its place.

    Only what is to be rescued is then due at once all the same, however often it was tried.
    """
    in_turn = priority >= Priority.NEW
    await conn.execute(
        """
        insert into backlog (file, priority, due_at)
        select file, $2, $3::timestamptz + least(place, 3600) * $4::interval
        from unnest($1::bigint[]) with ordinality as given (file, place)
        on conflict (file) do update set priority = excluded.priority, due_at = excluded.due_at,
            attempts = case when backlog.priority > excluded.priority then 0 else backlog.attempts end,
            denials = case when backlog.priority > excluded.priority then 0 else backlog.denials end
        where backlog.priority > excluded.priority or $5
        """,
        list(file_ids),
        int(priority),
        now - TURNS if in_turn else now,
        _TURN if in_turn else timedelta(0),
        priority is Priority.RESCUE,
    )


async def add_of_projects(conn: Connection, projects: Sequence[int], *, largest: int | None, now: datetime) -> int:
    """Wants what is lacking of all files of these projects that are worth keeping, and says how many were not wanted.

    What is worth keeping is said in `mirror.keeping`; this is the same, for very many at once.
    """
    done = await conn.execute(
        """
        insert into backlog (file, priority, due_at)
        select id, $2, $3::timestamptz
            + least(row_number() over (partition by project order by id desc), 3600) * $4::interval
        from files
        where project = any($1::int[]) and listed and departed_at is null and disappeared_at is null
            and (state in ('live', 'yanked') or (state = 'held' and cause = 'young'))
            and (stored_at is null or (has_metadata and metadata_stored_at is null)
                or (provenance is not null and provenance_sha256 is null))
            and ($5::bigint is null or size is null or size <= $5)
        on conflict do nothing
        """,
        projects,
        int(Priority.BACKFILL),
        now - TURNS,
        _TURN,
        largest,
    )
    return int(done.rsplit(" ", 1)[1])


async def claim(
    conn: Connection, claimer: uuid.UUID, *, limit: int, now: datetime, up_to: int = Priority.BACKFILL
) -> list[Claim]:
    """Takes the most urgent files that nobody is at, none less urgent than `up_to`."""
    claimed: list[Claim] = []
    # One by one, so that of each only the first few are looked at, however many of the more urgent wait for later.
    for priority in (one for one in Priority if one <= up_to):
        if len(claimed) < limit:
            claimed += await _claim(conn, claimer, priority, limit=limit - len(claimed), now=now)
    return claimed


async def _claim(conn: Connection, claimer: uuid.UUID, priority: Priority, *, limit: int, now: datetime) -> list[Claim]:
    records = await conn.fetch(
        """
        update backlog set claimed_by = $1, claimed_until = $2
        where file = any (array(
            select file from backlog
            where priority = $5 and due_at <= $3 and (claimed_until is null or claimed_until < $3)
            order by due_at limit $4 for update skip locked
        ))
        returning file, attempts, denials
        """,
        claimer,
        now + LEASE,
        now,
        limit,
        int(priority),
    )
    return [Claim(record["file"], record["attempts"], record["denials"], priority) for record in records]


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


async def drop_unasked(conn: Connection) -> None:
    """Wants nothing any more that was only wanted since it was in scope, but for what somebody is at."""
    await conn.execute(
        "delete from backlog where priority > $1 and claimed_by is null", int(Priority.REQUESTED), timeout=_DROP_SECONDS
    )


async def is_full(conn: Connection, *, most: int) -> bool:
    """Whether so many files, or more, wait that existed before their project came into scope."""
    found: int = await conn.fetchval(
        # In the order of an index, so that it is used however many there are.
        "select count(*) from (select from backlog where priority = $1 order by due_at limit $2) as waiting",
        int(Priority.BACKFILL),
        most,
    )
    return found >= most


async def waits_beyond(conn: Connection, up_to: int) -> bool:
    """Whether anything less urgent than that is wanted."""
    least: int | None = await conn.fetchval("select priority from backlog order by priority desc limit 1")
    return least is not None and least > up_to


async def is_neglected(conn: Connection, *, up_to: int, since: datetime, now: datetime) -> bool:
    """Whether something urgent is due since then; or anything up to that priority, and nobody is at any file."""
    for priority in Priority:
        is_urgent = priority <= Priority.REQUESTED
        if priority > up_to or (not is_urgent and await _is_worked_on(conn, now=now)):
            return False
        if await conn.fetchval(
            """
            select exists (
                select from backlog
                where priority = $1 and due_at <= $2 and (claimed_until is null or claimed_until < $3)
            )
            """,
            int(priority),
            since if is_urgent else since - TURNS,
            now,
        ):
            return True
    return False


async def _is_worked_on(conn: Connection, *, now: datetime) -> bool:
    found: bool = await conn.fetchval(
        "select exists (select from backlog where claimed_by is not null and claimed_until >= $1)", now
    )
    return found
