"""The projects that operators watch, beside those that the settings name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog import locks
from mirror.catalog.database import Connection
from mirror.names import ProjectName


@dataclass(frozen=True, slots=True)
class Watched:
    """A project by its name, whether it is on the list, and what is known of it: nothing where `files` is None."""

    name: ProjectName
    is_listed: bool
    files: int | None
    kept: int


async def hold(conn: Connection) -> None:
    """Has nothing be added to the list until the transaction ends.

    Who becomes known meanwhile is then seen by the one who adds it, or sees that it was added.
    """
    await conn.execute("select pg_advisory_xact_lock_shared($1)", locks.WATCHLIST)


async def add(conn: Connection, names: Iterable[ProjectName], *, now: datetime) -> list[ProjectName]:
    """Watches these projects from now on, and says which were not on the list before."""
    await conn.execute("select pg_advisory_xact_lock($1)", locks.WATCHLIST)
    records = await conn.fetch(
        "insert into watchlist (name, added_at) select unnest($1::text[]), $2 on conflict do nothing returning name",
        sorted(set(names)),
        now,
    )
    return sorted(ProjectName(record["name"]) for record in records)


async def remove(conn: Connection, names: Iterable[ProjectName]) -> list[ProjectName]:
    """Takes these projects off the list, and says which were on it."""
    records = await conn.fetch("delete from watchlist where name = any($1::text[]) returning name", sorted(set(names)))
    return sorted(ProjectName(record["name"]) for record in records)


async def among(conn: Connection, names: Iterable[ProjectName]) -> set[ProjectName]:
    """Those of the names that are on the list."""
    records = await conn.fetch("select name from watchlist where name = any($1::text[])", sorted(set(names)))
    return {ProjectName(record["name"]) for record in records}


async def count(conn: Connection) -> int:
    """How many projects are on the list."""
    found: int = await conn.fetchval("select count(*) from watchlist")
    return found


async def names_after(conn: Connection, name: str, *, limit: int) -> list[ProjectName]:
    """The next names on the list, in their order; the first ones come after ""."""
    records = await conn.fetch("select name from watchlist where name > $1 order by name limit $2", name, limit)
    return [ProjectName(record["name"]) for record in records]


async def look(conn: Connection, patterns: Sequence[str]) -> list[Watched]:
    """What is on the list, is one of these names or matches one of these patterns, with how much of it is kept."""
    records = await conn.fetch(
        r"""
        with named as (
            select name from watchlist
            union
            select name from projects where name like any($1::text[])
            union
            select unnest($2::text[])
        )
        select named.name, watchlist.name is not null as is_listed, projects.id is not null as is_known,
            of_project.files, of_project.kept
        from named
            left join watchlist on watchlist.name = named.name
            left join projects on projects.name = named.name
            cross join lateral (
                select count(*) as files, count(*) filter (where stored_at is not null) as kept
                from files where files.project = projects.id
            ) as of_project
        order by named.name
        """,
        like_patterns(patterns),
        [pattern for pattern in patterns if "*" not in pattern],
    )
    return [
        Watched(
            ProjectName(record["name"]),
            record["is_listed"],
            record["files"] if record["is_known"] else None,
            record["kept"],
        )
        for record in records
    ]


def like_patterns(patterns: Iterable[str]) -> list[str]:
    """The patterns as SQL writes them. Names have no character that means anything there, once they are normalised."""
    return [
        pattern.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%").replace("*", "%") for pattern in patterns
    ]
