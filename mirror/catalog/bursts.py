"""The deletion that was told last of each project, and the burst it belongs to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.database import Connection
from mirror.names import ProjectName


@dataclass(frozen=True, slots=True)
class Burst:
    """Deletions of one project that follow each other closely: the id of the first, and upstream's time of the last."""

    first_event: str
    last_at: datetime


async def of_projects(conn: Connection, projects: Iterable[ProjectName]) -> dict[ProjectName, Burst]:
    """The last burst of each of the projects, however long ago; a deletion that stands alone is one, too."""
    records = await conn.fetch("select * from bursts where project = any($1::text[])", sorted(set(projects)))
    return {ProjectName(record["project"]): Burst(record["first_event"], record["last_at"]) for record in records}


async def remember(conn: Connection, bursts: Mapping[ProjectName, Burst]) -> None:
    """Stores how far each of these has come."""
    names = sorted(bursts)
    await conn.execute(
        """
        insert into bursts (project, first_event, last_at)
        select * from unnest($1::text[], $2::text[], $3::timestamptz[])
        on conflict (project) do update set first_event = excluded.first_event, last_at = excluded.last_at
        """,
        names,
        [bursts[name].first_event for name in names],
        [bursts[name].last_at for name in names],
    )


async def forget(conn: Connection, *, before: datetime) -> int:
    """Deletes those that ended before, and says how many."""
    done = await conn.execute("delete from bursts where last_at < $1", before)
    return int(done.removeprefix("DELETE "))
