"""The advisories of malware, by the projects they name, and how far they were read.

Whoever sees a project for the first time holds the reading (`hold`) while it looks for advisories, and whoever stores
advisories holds it alone (`hold_alone`): else each would miss what the other is about to commit. Projects that are
known are protected by their own locks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from mirror.advisories import Advisory, Affected, VersionRange
from mirror.catalog.database import Connection
from mirror.names import ProjectName


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the advisories of a source were read.

    `checked_at` is when everything was known last that the source knew; `full_at` when all its records were read.
    `newest` is the time of the newest modification seen. The tags are those of the two documents as they were read.
    """

    source: str | None = None
    checked_at: datetime | None = None
    newest: datetime | None = None
    full_at: datetime | None = None
    full_etag: str | None = None
    changes_etag: str | None = None


async def hold(conn: Connection) -> None:
    """Keeps those out who store advisories, until the transaction ends, and sees what the last one wrote."""
    await conn.execute("select 1 from advisory_reading for share")


async def hold_alone(conn: Connection) -> None:
    """Keeps those out who see projects for the first time. Comes before any lock on a project."""
    await conn.execute("select 1 from advisory_reading for update")


async def reading(conn: Connection) -> Reading:
    """How far they were read."""
    record = await conn.fetchrow(
        "select source, checked_at, newest, full_at, full_etag, changes_etag from advisory_reading"
    )
    return Reading(**record) if record is not None else Reading()


async def note_reading(conn: Connection, done: Reading) -> None:
    """Remembers how far they were read."""
    await conn.execute(
        "update advisory_reading set source = $1, checked_at = $2, newest = $3, full_at = $4, full_etag = $5,"
        " changes_etag = $6",
        done.source,
        done.checked_at,
        done.newest,
        done.full_at,
        done.full_etag,
        done.changes_etag,
    )


async def checked_at(conn: Connection) -> datetime | None:
    """When they were read last; None for never."""
    found: datetime | None = await conn.fetchval("select checked_at from advisory_reading")
    return found


async def of_projects(conn: Connection, names: Iterable[ProjectName]) -> dict[ProjectName, tuple[Advisory, ...]]:
    """The advisories that name these projects, in the order of their ids, each with what it says of that project."""
    records = await conn.fetch(
        "select project, advisory, modified, versions, ranges"
        " from advisory_affects join advisories on id = advisory where project = any($1::text[])"
        " order by project, advisory",
        sorted(set(names)),
    )
    found: dict[ProjectName, tuple[Advisory, ...]] = {}
    for record in records:
        name = ProjectName(record["project"])
        ranges = msgspec.json.decode(record["ranges"], type=tuple[VersionRange, ...])
        affected = Affected(tuple(record["versions"]), ranges)
        one = Advisory(record["advisory"], record["modified"], None, ((name, affected),))
        found[name] = (*found.get(name, ()), one)
    return found


async def modified(conn: Connection, ids: Iterable[str]) -> dict[str, datetime]:
    """When those of the advisories that are known had been modified when they were read."""
    records = await conn.fetch("select id, modified from advisories where id = any($1::text[])", list(ids))
    return {record["id"]: record["modified"] for record in records}


async def store(conn: Connection, changed: Sequence[Advisory]) -> set[ProjectName]:
    """Puts these in place of what was known of them, and says which projects they name or named before."""
    ids = [advisory.id for advisory in changed]
    await conn.execute(
        """
        insert into advisories (id, modified, withdrawn)
        select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
        on conflict (id) do update set modified = excluded.modified, withdrawn = excluded.withdrawn
        """,
        ids,
        [advisory.modified for advisory in changed],
        [advisory.withdrawn for advisory in changed],
    )
    gone = await conn.fetch("delete from advisory_affects where advisory = any($1::text[]) returning project", ids)
    new = [
        (name, advisory.id, list(affected.versions), msgspec.json.encode(affected.ranges).decode())
        for advisory in changed
        if advisory.withdrawn is None
        for name, affected in advisory.affected
    ]
    await conn.copy_records_to_table(
        "advisory_affects", records=new, columns=["project", "advisory", "versions", "ranges"]
    )
    return {ProjectName(record["project"]) for record in gone} | {name for name, *_ in new}


async def count(conn: Connection) -> int:
    """How many that were not withdrawn are known."""
    found: int = await conn.fetchval("select count(*) from advisories where withdrawn is null")
    return found


async def settling(conn: Connection, *, before: datetime) -> list[ProjectName]:
    """The projects with files that wait for advisories and left upstream before that time."""
    records = await conn.fetch(
        """
        select name from projects where id = any (array(
            select project from files where cause = 'settling' and departed_at <= $1
        ))
        order by name
        """,
        before,
    )
    return [ProjectName(record["name"]) for record in records]
