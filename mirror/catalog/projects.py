"""Projects that were observed at least once, and the queue of their page refreshes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from mirror.catalog.database import Connection, Record
from mirror.model import Life, ProjectFacts, ProjectStatus
from mirror.names import ProjectName, Serial

# With as many projects as PyPI has it takes 20 s on a fast disk, and nothing is watched before it is done.
_WANT_ALL_SECONDS = 3_600
_MOST_PASSING = 10_000

_UPDATE = """
update projects set incarnation = $3, opened_serial = $4, closed_serial = $5, closed_at = $6, status = $7,
    quarantined_by = $8, quarantined_at = $9, page_serial = $10, etag = $11,
    -- Thousands of versions lie apart from the row, and stay there unless they are written again.
    versions = case when versions = $12 then versions else $12 end, extra = $13,
    observed_at = $14, wanted_serial = $15, refresh_at = $16, attempts = $17, owners = $18,
    registered_at = $19, former_owners = $20, lives = $21, absent_since = $22, display_name = $23,
    revision = revision + case when $2 then 1 else 0 end
where id = $1
returning revision
"""


@dataclass(frozen=True, slots=True)
class Refresh:
    """A page that is wanted: at least of this serial, after so many attempts that brought an older one."""

    project: ProjectName
    wanted_serial: Serial | None
    attempts: int


async def find(conn: Connection, name: ProjectName) -> ProjectFacts | None:
    """The project, without locking it."""
    record = await conn.fetchrow("select * from projects where name = $1", name)
    return _facts(record) if record else None


async def known(conn: Connection, names: Iterable[ProjectName]) -> dict[ProjectName, ProjectFacts]:
    """Those of the projects that are known, without locking them."""
    records = await conn.fetch("select * from projects where name = any($1::text[])", sorted(set(names)))
    return {ProjectName(record["name"]): _facts(record) for record in records}


async def revision(conn: Connection, name: ProjectName) -> int | None:
    """The number that goes up with whatever changes the served page. None for an unknown project."""
    found: int | None = await conn.fetchval("select revision from projects where name = $1", name)
    return found


async def lock(conn: Connection, names: Iterable[ProjectName]) -> dict[ProjectName, ProjectFacts]:
    """Those of the projects that are known, each locked until the transaction ends, in the order of their names."""
    records = await conn.fetch(
        "select * from projects where name = any($1::text[]) order by name for update", sorted(set(names))
    )
    return {ProjectName(record["name"]): _facts(record) for record in records}


async def insert(conn: Connection, project: ProjectFacts) -> int | None:
    """Stores a project seen for the first time and returns its id, or None where another transaction was first."""
    inserted: int | None = await conn.fetchval(
        """
        with inserted as (
            insert into projects (name, display_name, known_since, incarnation, opened_serial, closed_serial, closed_at,
                status, quarantined_by, quarantined_at, page_serial, etag, versions, extra, observed_at, wanted_serial,
                refresh_at, attempts, owners, registered_at, former_owners, lives,
                absent_since, revision)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                $23, 1)
            on conflict do nothing
            returning id
        ), counted as (
            update project_count set known = known + 1 where exists (select from inserted)
        )
        select id from inserted
        """,
        project.name,
        project.display_name,
        project.known_since,
        *_mutable(project),
    )
    return inserted


async def update(conn: Connection, project: ProjectFacts, *, changed: bool) -> int:
    """Stores the project's facts and returns its revision, which goes up where the served page changed."""
    revision: int = await conn.fetchval(_UPDATE, *_updated(project, changed=changed))
    return revision


async def update_all(conn: Connection, changes: Iterable[tuple[ProjectFacts, bool]]) -> None:
    """Stores the facts of several projects; the second of each says whether the served page changed."""
    await conn.executemany(_UPDATE, [_updated(project, changed=changed) for project, changed in changes])


async def touch(conn: Connection, name: ProjectName, *, now: datetime) -> None:
    """Notes that upstream said: the page is still the same."""
    await conn.execute("update projects set observed_at = $2 where name = $1", name, now)


async def due_refreshes(conn: Connection, *, now: datetime, limit: int) -> list[Refresh]:
    """The refreshes whose time has come: those that a row wants before all others, the longest waiting first."""
    # Two indexes, each read only as far as is needed: there can be as many refreshes as projects.
    records = await conn.fetch(
        """
        (select 1 as turn, refresh_at, name, wanted_serial, attempts from projects
            where refresh_at <= $1 and wanted_serial is not null order by refresh_at limit $2)
        union all
        (select 2, refresh_at, name, wanted_serial, attempts from projects
            where refresh_at <= $1 and wanted_serial is null order by refresh_at limit $2)
        order by turn, refresh_at limit $2
        """,
        now,
        limit,
    )
    return [
        Refresh(
            ProjectName(record["name"]),
            Serial(record["wanted_serial"]) if record["wanted_serial"] is not None else None,
            record["attempts"],
        )
        for record in records
    ]


async def postpone_refresh(conn: Connection, name: ProjectName, *, until: datetime) -> None:
    """Asks again later: what came was too old, or nothing came."""
    await conn.execute(
        "update projects set refresh_at = $2, attempts = least(attempts + 1, 1000)"
        " where name = $1 and refresh_at is not null",
        name,
        until,
    )


async def end_refresh(conn: Connection, name: ProjectName) -> None:
    """Stops asking for a newer page."""
    await conn.execute(
        "update projects set wanted_serial = null, refresh_at = null, attempts = 0 where name = $1", name
    )


async def want_all(conn: Connection, *, now: datetime) -> None:
    """Asks for the page of every known project: nobody watched until now."""
    await conn.execute(
        """
        update projects set refresh_at = $1, attempts = 0 where id = any (array(
            select id from projects where refresh_at is null order by name for update
        ))
        """,
        now,
        timeout=_WANT_ALL_SECONDS,
    )


async def want_soon(conn: Connection, names: Iterable[ProjectName], *, now: datetime) -> int:
    """Asks for the pages of those of the projects that are known, and says how many these are."""
    done = await conn.execute(
        """
        update projects set refresh_at = least(refresh_at, $2) where id in (
            select id from projects where name = any($1::text[]) order by name for update
        )
        """,
        sorted(set(names)),
        now,
    )
    return int(done.removeprefix("UPDATE "))


async def listed_after(conn: Connection, name: str, *, limit: int) -> list[tuple[ProjectName, str, Serial | None]]:
    """Name, spelling and serial of the next known projects by name that upstream still has and does not quarantine.

    The first ones come after "".
    """
    records = await conn.fetch(
        "select name, display_name, page_serial from projects"
        " where name > $1 and closed_serial is null and quarantined_by is null order by name limit $2",
        name,
        limit,
    )
    return [(ProjectName(r["name"]), r["display_name"], r["page_serial"]) for r in records]


async def count(conn: Connection) -> int:
    """How many projects are known."""
    found: int = await conn.fetchval("select known from project_count")
    return found


async def judged_by_rules(conn: Connection) -> list[ProjectName]:
    """The projects with files that other rules can judge otherwise: withdrawn ones, or newcomers of another life."""
    records = await conn.fetch(
        """
        select name from projects where exists
            (select from files where files.project = projects.id and state not in ('live', 'yanked'))
        union
        select name from projects where incarnation > 1
        order by name
        """
    )
    return [ProjectName(record["name"]) for record in records]


async def with_files_born_after(conn: Connection, moment: datetime) -> list[ProjectName]:
    """The projects with files that are served and were put up after that. Reads all files: for a change of rules."""
    records = await conn.fetch(
        """
        select name from projects where id in
            (select project from files where least(upload_time, first_seen_at) > $1 and state in ('live', 'yanked'))
        order by name
        """,
        moment,
        timeout=_WANT_ALL_SECONDS,
    )
    return [ProjectName(record["name"]) for record in records]


async def with_passing_states(conn: Connection, *, now: datetime) -> list[ProjectName]:
    """The projects of files whose state the clock has ended, the longest ended first, and not all of very many."""
    # Ordered and limited, so that the index is used: the planner takes a third of all files for possible otherwise.
    records = await conn.fetch(
        """
        select name from projects where id = any (array(
            select project from files where state_until <= $1 order by state_until limit $2::bigint
        ))
        order by name
        """,
        now,
        _MOST_PASSING,
    )
    return [ProjectName(record["name"]) for record in records]


def _updated(project: ProjectFacts, *, changed: bool) -> tuple[object, ...]:
    return project.id, changed, *_mutable(project), project.display_name


def _mutable(project: ProjectFacts) -> tuple[object, ...]:
    return (
        project.incarnation,
        project.opened_serial,
        project.closed_serial,
        project.closed_at,
        project.status,
        project.quarantined_by,
        project.quarantined_at,
        project.page_serial,
        project.etag,
        list(project.versions),
        project.extra.decode(),
        project.observed_at,
        project.wanted_serial,
        project.refresh_at,
        project.attempts,
        list(project.owners),
        project.registered_at,
        list(project.former_owners),
        msgspec.json.encode(project.lives).decode(),
        project.absent_since,
    )


def _facts(record: Record) -> ProjectFacts:
    return ProjectFacts(
        id=record["id"],
        name=ProjectName(record["name"]),
        display_name=record["display_name"],
        known_since=record["known_since"],
        incarnation=record["incarnation"],
        opened_serial=record["opened_serial"],
        closed_serial=record["closed_serial"],
        closed_at=record["closed_at"],
        status=ProjectStatus(record["status"]),
        quarantined_by=record["quarantined_by"],
        quarantined_at=record["quarantined_at"],
        page_serial=record["page_serial"],
        etag=record["etag"],
        versions=tuple(record["versions"]),
        extra=record["extra"].encode(),
        observed_at=record["observed_at"],
        wanted_serial=record["wanted_serial"],
        refresh_at=record["refresh_at"],
        attempts=record["attempts"],
        revision=record["revision"],
        owners=tuple(record["owners"]),
        registered_at=record["registered_at"],
        former_owners=tuple(record["former_owners"]),
        lives=msgspec.json.decode(record["lives"], type=tuple[Life, ...]),
        absent_since=record["absent_since"],
    )
