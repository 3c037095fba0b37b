"""How much the store holds, how much it may hold, and what is not kept for lack of room."""

from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.backlog import Priority
from mirror.catalog.database import Connection
from mirror.model import State

EVERYTHING = max(Priority)
_SCAN_SECONDS = 3_600
# Beyond that the length of the backlog is as it was at the last count.
_COUNTED_EXACTLY = 10_000


@dataclass(frozen=True, slots=True)
class Room:
    """`limit` None: as much as there is. Nothing less urgent than `kept_up_to` is fetched from the backlog.

    `full_at` is when the disk, or the bucket, had no room the last time.
    """

    used: int
    limit: int | None
    kept_up_to: int
    full_at: datetime | None
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class FilesInState:
    """How many files are in a state, and how many bytes of them are in the store."""

    state: State
    files: int
    stored_bytes: int


async def read(conn: Connection) -> Room:
    """The room as it was found last, with what was stored since."""
    record = await conn.fetchrow(
        """
        select limit_bytes, kept_up_to, full_at, counted_at,
            used_bytes + (select coalesce(sum(bytes), 0) from stored_since) as used
        from store_room
        """
    )
    if record is None:
        raise LookupError("the migrations fill this table")
    return Room(
        int(record["used"]),
        record["limit_bytes"],
        min(record["kept_up_to"], EVERYTHING),
        record["full_at"],
        record["counted_at"],
    )


async def kept_up_to(conn: Connection) -> int:
    """The least urgent priority of the backlog that is worked on."""
    found: int = await conn.fetchval("select kept_up_to from store_room")
    return min(found, EVERYTHING)


async def decide(conn: Connection, *, limit: int | None, kept_up_to: int) -> None:
    """Notes how much the store may hold, and what is not kept for that."""
    await conn.execute(
        """
        update store_room set limit_bytes = $1, kept_up_to = $2
        where (limit_bytes, kept_up_to) is distinct from ($1::bigint, $2::smallint)
        """,
        limit,
        kept_up_to,
    )


async def note_full(conn: Connection, *, now: datetime) -> None:
    """Notes that there was no room."""
    await conn.execute("update store_room set full_at = $1", now)


async def note_stored(conn: Connection, size: int) -> None:
    """Notes that the store holds so much more, or less where it is negative."""
    await conn.execute("insert into stored_since (bytes) values ($1)", size)


async def add_up(conn: Connection) -> None:
    """Adds up what was noted since."""
    await conn.execute(
        """
        with noted as (delete from stored_since returning bytes)
        update store_room set used_bytes = used_bytes + (select coalesce(sum(bytes), 0) from noted)
        """
    )


async def count(conn: Connection, *, now: datetime) -> None:
    """Counts all files and what of them the store holds, and the backlog. Reads all there is."""
    # One statement, so that what was noted before it began is in the count, and what is noted meanwhile stays.
    await conn.execute(
        """
        with found as (
            select state, count(*) as files, coalesce(sum(size) filter (where stored_at is not null), 0) as stored_bytes
            from files group by state
        ), noted as (
            delete from stored_since
        ), gone as (
            delete from file_figures where state not in (select state from found)
        ), told as (
            insert into file_figures (state, files, stored_bytes) select state, files, stored_bytes from found
            on conflict (state) do update set files = excluded.files, stored_bytes = excluded.stored_bytes
        )
        update store_room set counted_at = $1, waiting_files = (select count(*) from backlog),
            used_bytes = (select coalesce(sum(stored_bytes), 0) from found)
        """,
        now,
        timeout=_SCAN_SECONDS,
    )


async def figures(conn: Connection) -> list[FilesInState]:
    """The files in each state, as they were counted last."""
    records = await conn.fetch("select state, files, stored_bytes from file_figures")
    return [FilesInState(State(record["state"]), record["files"], record["stored_bytes"]) for record in records]


async def waiting(conn: Connection) -> int:
    """How many files are in the backlog; of very many, how many they were when they were counted last."""
    found: int = await conn.fetchval(
        """
        with counted as (select count(*) as files from (select from backlog limit $1) as first)
        select case when files < $1 then files else greatest(files, (select waiting_files from store_room)) end
        from counted
        """,
        _COUNTED_EXACTLY,
    )
    return found
