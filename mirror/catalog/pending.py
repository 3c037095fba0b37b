"""Yanks and unyanks that are not told yet."""

from collections.abc import Iterable
from datetime import datetime

from mirror.catalog.database import Connection, Record
from mirror.model import PendingYank, YankChange
from mirror.names import ProjectName, Serial


async def of_projects(conn: Connection, projects: Iterable[ProjectName]) -> dict[ProjectName, tuple[PendingYank, ...]]:
    """What waits to be told of these projects, in the order of the rows."""
    records = await conn.fetch(
        "select * from pending_yanks where project = any($1::text[]) order by serial", list(projects)
    )
    found: dict[ProjectName, tuple[PendingYank, ...]] = {}
    for record in records:
        name = ProjectName(record["project"])
        found[name] = (*found.get(name, ()), _pending(record))
    return found


async def due(conn: Connection, *, now: datetime) -> list[ProjectName]:
    """The projects of which something has waited long enough."""
    records = await conn.fetch("select distinct project from pending_yanks where due_at <= $1 order by 1", now)
    return [ProjectName(record["project"]) for record in records]


async def insert(conn: Connection, project: ProjectName, pending: Iterable[PendingYank]) -> None:
    """Lets these wait."""
    await conn.executemany(
        "insert into pending_yanks (serial, project, version, change, upstream_time, observed_at, due_at, told_before)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        [
            (p.serial, project, p.version, p.change, p.upstream_time, p.observed_at, p.due_at, p.told_before)
            for p in pending
        ],
    )


async def delete(conn: Connection, pending: Iterable[PendingYank]) -> None:
    """Forgets these: they were told, or a removal explained them."""
    await conn.execute("delete from pending_yanks where serial = any($1::bigint[])", [p.serial for p in pending])


def _pending(record: Record) -> PendingYank:
    return PendingYank(
        Serial(record["serial"]),
        record["version"],
        YankChange(record["change"]),
        record["upstream_time"],
        record["observed_at"],
        record["due_at"],
        record["told_before"],
    )
