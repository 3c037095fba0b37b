"""How far the scope of what is kept was carried into the backlog: a cursor over all projects, for whoever leads."""

from collections.abc import Sequence
from dataclasses import dataclass

from mirror.catalog.database import Connection
from mirror.names import ProjectName
from mirror.setting_values import Scope


@dataclass(frozen=True, slots=True)
class Carried:
    """A scope, and the id of the project up to which it was carried over; None when that is done."""

    scope: Scope
    patterns: tuple[str, ...]
    done_up_to: int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known project, and whether it is on the watchlist."""

    id: int
    name: ProjectName
    is_listed: bool


async def read(conn: Connection, *, locked: bool = False) -> Carried | None:
    """What is being carried over; None before the first time. With `locked`, to itself until the transaction ends."""
    statement = "select scope, patterns, done_up_to from keep_scope"
    record = await conn.fetchrow(f"{statement} for update" if locked else statement)
    return Carried(Scope(record["scope"]), tuple(record["patterns"]), record["done_up_to"]) if record else None


async def begin(conn: Connection, scope: Scope, patterns: Sequence[str], *, done_up_to: int | None) -> None:
    """Carries another scope over from now on."""
    await conn.execute(
        """
        insert into keep_scope (scope, patterns, done_up_to) values ($1, $2, $3)
        on conflict (only_one) do update
            set scope = excluded.scope, patterns = excluded.patterns, done_up_to = excluded.done_up_to
        """,
        scope,
        list(patterns),
        done_up_to,
    )


async def advance(conn: Connection, done_up_to: int | None) -> None:
    """Notes how far it was carried."""
    await conn.execute("update keep_scope set done_up_to = $1", done_up_to)


async def after(conn: Connection, project: int, *, limit: int) -> list[Candidate]:
    """The next known projects by id."""
    records = await conn.fetch(
        """
        select id, name, exists (select from watchlist where watchlist.name = projects.name) as is_listed
        from projects where id > $1 order by id limit $2
        """,
        project,
        limit,
    )
    return [Candidate(record["id"], ProjectName(record["name"]), record["is_listed"]) for record in records]


async def ids_of(conn: Connection, names: Sequence[ProjectName]) -> dict[ProjectName, int]:
    """The ids of those of the projects that are known."""
    records = await conn.fetch("select id, name from projects where name = any($1::text[])", list(names))
    return {ProjectName(record["name"]): record["id"] for record in records}
