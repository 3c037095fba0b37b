"""The queue of page refreshes, as rows that add something see it: many projects at a time, and little of each.

Nearly all rows only ask for a newer page. Of their projects nothing else is read or written: some have thousands of
versions, which would have to be carried back and forth with every tick.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.database import Connection
from mirror.names import ProjectName, Serial


@dataclass(frozen=True, slots=True)
class Place:
    """A known project's place in the queue; see `ProjectFacts`."""

    opened_serial: Serial | None
    page_serial: Serial | None
    wanted_serial: Serial | None


async def lock(conn: Connection, names: Iterable[ProjectName]) -> dict[ProjectName, Place]:
    """The places of those of the projects that are known, each project locked as by `projects.lock`."""
    records = await conn.fetch(
        "select name, opened_serial, page_serial, wanted_serial from projects where name = any($1::text[])"
        " order by name for update",
        sorted(set(names)),
    )
    return {ProjectName(r["name"]): Place(r["opened_serial"], r["page_serial"], r["wanted_serial"]) for r in records}


async def want(conn: Connection, wanted: Mapping[ProjectName, Serial], *, now: datetime) -> None:
    """Asks at once for pages of at least these serials. The served page changes where none was asked for before."""
    await conn.execute(
        """
        update projects set wanted_serial = new.serial, refresh_at = $3, attempts = 0,
            revision = revision + case when wanted_serial is null then 1 else 0 end
        from unnest($1::text[], $2::bigint[]) as new (name, serial) where projects.name = new.name
        """,
        list(wanted),
        list(wanted.values()),
        now,
    )
