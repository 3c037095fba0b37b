"""How far the journal was read. The cursor moves only in the transaction that holds what it covers."""

from datetime import datetime

from mirror.catalog.database import Connection
from mirror.journal_rows import Position
from mirror.names import Serial


async def position(conn: Connection) -> Position | None:
    """The position, or None where nobody watched yet."""
    record = await conn.fetchrow("select serial, observed_since, checked_at, begun_serial from journal")
    if record is None:
        return None
    return Position(
        Serial(record["serial"]), record["observed_since"], record["checked_at"], Serial(record["begun_serial"])
    )


async def begin(conn: Connection, serial: Serial, *, now: datetime) -> bool:
    """Starts watching from this serial. False where somebody began before."""
    done = await conn.execute(
        "insert into journal (serial, observed_since, checked_at, begun_serial) values ($1, $2, $2, $1)"
        " on conflict do nothing",
        serial,
        now,
    )
    return done == "INSERT 0 1"


async def advance(conn: Connection, *, expected: Serial, serial: Serial, now: datetime | None = None) -> bool:
    """Moves the cursor. False where it is not where the caller thought: somebody else polls.

    `now` is up to when the journal is read with that; None where rows are left that are not applied yet.
    """
    done = await conn.execute(
        "update journal set serial = $2, checked_at = coalesce($3, checked_at) where serial = $1", expected, serial, now
    )
    return done == "UPDATE 1"


async def hold(conn: Connection) -> None:
    """Keeps ticks out until the transaction ends, and sees what the last one wrote.

    A project that is seen for the first time is judged by the rows about it. Without this, a tick that runs beside it
    would neither find the project nor be found.
    """
    await conn.execute("select 1 from journal for share")


async def is_at(conn: Connection, serial: Serial) -> bool:
    """Whether the cursor is there, and stays there until the transaction ends."""
    return bool(await conn.fetchval("select true from journal where serial = $1 for update", serial))


async def begin_again(conn: Connection, *, now: datetime) -> None:
    """Watches on from where the cursor is, as if from there on for the first time: of before not all was seen."""
    await conn.execute("update journal set begun_serial = serial, observed_since = $1", now)
