"""Looking at pages without being told to: who was not looked at for longest, and the sweeps over all that is known."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.database import Connection
from mirror.names import ProjectName, Serial

# As the index has it, to the letter.
_SEEN_AT = "greatest(observed_at, looked_at, known_since)"


@dataclass(frozen=True, slots=True)
class KnownProject:
    """What a sweep compares with the list. `closed_serial` is that of the row by which it was removed."""

    name: ProjectName
    page_serial: Serial | None
    closed_serial: Serial | None
    quarantined: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Sweeping:
    """When the next sweep is due, and when one last wanted the names that are not known."""

    due_at: datetime
    filled_at: datetime | None


async def longest_unseen(conn: Connection, *, before: datetime) -> ProjectName | None:
    """The project that was not looked at for longest, if that was before `before`."""
    name: str | None = await conn.fetchval(
        f"select name from projects where {_SEEN_AT} <= $1 order by {_SEEN_AT} limit 1",  # noqa: S608 - a constant
        before,
    )
    return ProjectName(name) if name is not None else None


async def note_look(conn: Connection, name: ProjectName, *, now: datetime) -> None:
    """Notes that the page is looked at, whatever will come of it."""
    await conn.execute("update projects set looked_at = $2 where name = $1", name, now)


async def known_after(conn: Connection, name: str, *, limit: int) -> list[KnownProject]:
    """Known projects whose names come after `name`, in their order."""
    records = await conn.fetch(
        f"select name, page_serial, closed_serial, quarantined_by is not null as quarantined, {_SEEN_AT} as seen_at"  # noqa: S608 - a constant
        " from projects where name > $1 order by name limit $2",
        name,
        limit,
    )
    return [
        KnownProject(
            ProjectName(record["name"]),
            Serial(record["page_serial"]) if record["page_serial"] is not None else None,
            Serial(record["closed_serial"]) if record["closed_serial"] is not None else None,
            record["quarantined"],
            record["seen_at"],
        )
        for record in records
    ]


async def want_pages(conn: Connection, names: Collection[ProjectName], *, now: datetime) -> int:
    """Puts the pages into the queue, but for those that are in it, and says how many that were."""
    done = await conn.fetch(
        """
        update projects set refresh_at = $2, attempts = 0 where id = any (array(
            select id from projects where name = any ($1::text[]) and refresh_at is null order by name for update
        ))
        returning id
        """,
        list(names),
        now,
    )
    return len(done)


async def sweeping(conn: Connection) -> Sweeping | None:
    """When to sweep next; None where nobody has said so yet."""
    record = await conn.fetchrow("select due_at, filled_at from sweeping")
    return Sweeping(record["due_at"], record["filled_at"]) if record is not None else None


async def plan_sweep(conn: Connection, *, due_at: datetime) -> None:
    """Says when to sweep next."""
    await conn.execute(
        "insert into sweeping (due_at) values ($1) on conflict (only_one) do update set due_at = excluded.due_at",
        due_at,
    )


async def note_filled(conn: Connection, *, now: datetime) -> None:
    """Notes that all names of the list that are not known are wanted."""
    await conn.execute("update sweeping set filled_at = $1", now)
