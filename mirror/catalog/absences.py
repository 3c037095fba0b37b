"""Files that are missing from the index though no row says why: which, for how long, and whether it is too many."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from mirror.catalog import acts, locks
from mirror.catalog.database import Connection
from mirror.names import ProjectName

_LEAST_PROJECTS = 3
# As the index has it, to the letter.
_OPEN = "missing_since is not null and disappeared_at is null"
_BELIEVED = "missing_since is not null and disappeared_at is not null"


@dataclass(frozen=True, slots=True)
class Picture:
    """How many projects lack files unexplained, how many are too many, and what an operator said of it.

    Absences that began no later than `released_at` are not counted. `engaged_at` is since when it was too many, as
    noted last.
    """

    projects: int
    threshold: int
    released_at: datetime | None
    engaged_at: datetime | None

    @property
    def is_too_much(self) -> bool:
        """Whether it is the index that is broken, rather than that so much was removed."""
        return self.projects >= self.threshold


@dataclass(frozen=True, slots=True)
class Look:
    """A page that shall be looked at once more, after so many attempts that brought nothing."""

    project: ProjectName
    attempts: int


async def claim_confirming(conn: Connection) -> bool:
    """Whether nobody else confirms absences; then nobody does until the transaction ends."""
    claimed: bool = await conn.fetchval("select pg_try_advisory_xact_lock($1)", locks.CONFIRMING)
    return claimed


async def picture(conn: Connection, share: float, *, since: datetime | None = None) -> Picture:
    """What is missing, against that share of the known projects.

    With `since`, what is believed counts as well where it began after that and is still unexplained: that an index
    lost all it had is found out bit by bit, and each bit would be believed before there are many.
    """
    released_at = await acts.brake_released_at(conn)
    record = await conn.fetchrow(
        f"""
        select
            (
                select count(distinct project) from (
                    select project from files
                        where {_OPEN} and missing_since > coalesce($3::timestamptz, '-infinity')
                    union all
                    select project from files
                        where {_BELIEVED} and missing_since > greatest($3::timestamptz, $4::timestamptz)
                            and $4::timestamptz is not null
                ) as missing
            ) as projects,
            greatest($1, ceil($2::numeric * project_count.known))::integer as threshold,
            brake.engaged_at
        from project_count, brake
        """,  # noqa: S608 - a constant
        _LEAST_PROJECTS,
        Decimal(str(share)),
        released_at,
        since,
    )
    if record is None:
        raise LookupError("a statement that always has a row had none")
    return Picture(record["projects"], record["threshold"], released_at, record["engaged_at"])


async def engaged_at(conn: Connection) -> datetime | None:
    """Since when too much is missing to be believed; None while it is not."""
    found: datetime | None = await conn.fetchval("select engaged_at from brake")
    return found


async def note_engaged(conn: Connection, at: datetime | None) -> None:
    """Notes since when too much is missing, or that it no longer is."""
    await conn.execute("update brake set engaged_at = $1", at)


async def settled(
    conn: Connection, *, interval: timedelta, begun_by: datetime, but: Collection[ProjectName]
) -> ProjectName | None:
    """The project of the oldest absence that was seen again after `interval` and began no later than `begun_by`."""
    name: str | None = await conn.fetchval(
        f"""
        select projects.name from files join projects on projects.id = files.project
        where {_OPEN} and missing_seen - missing_since >= $1 and missing_since <= $2
            and projects.name <> all ($3::text[])
        order by missing_since, projects.name limit 1
        """,  # noqa: S608 - a constant
        interval,
        begun_by,
        list(but),
    )
    return ProjectName(name) if name is not None else None


async def take_looks(
    conn: Connection, *, interval: timedelta, again: timedelta, until: datetime, now: datetime, limit: int
) -> list[Look]:
    """Pages that are due to be looked at once more, put into the queue for `until` in case nobody gets to it.

    Due is what was seen missing only once, or not for `interval`; and what is held back by the brake, every `again`.
    A page that somebody else waits for, or could not get lately, is left to the queue.
    """
    records = await conn.fetch(
        f"""
        update projects set refresh_at = $4, attempts = least(attempts + 1, 1000)
        where id = any (array(
            select projects.id from projects join (
                select project, min(
                    case when missing_seen - missing_since < $1 then missing_since + $1 else missing_seen + $2 end
                ) as due_at
                from files where {_OPEN} group by project
            ) as lacking on lacking.project = projects.id
            where due_at <= $3 and (refresh_at is null or refresh_at <= $3 or attempts = 0)
            order by due_at limit $5 for update of projects skip locked
        ))
        returning name, attempts - 1 as attempts
        """,  # noqa: S608 - a constant
        interval,
        again,
        now,
        until,
        limit,
    )
    return [Look(ProjectName(record["name"]), record["attempts"]) for record in records]


async def end_look(conn: Connection, name: ProjectName) -> None:
    """Takes the page out of the queue, unless a newer one is wanted."""
    await conn.execute(
        "update projects set refresh_at = null, attempts = 0 where name = $1 and wanted_serial is null", name
    )


async def postpone_look(conn: Connection, name: ProjectName, *, until: datetime) -> None:
    """Puts the page back for later."""
    await conn.execute("update projects set refresh_at = $2 where name = $1 and refresh_at is not null", name, until)


async def seen_again(conn: Connection, project_id: int, *, now: datetime) -> None:
    """Notes that what is missing from the project's page is still missing."""
    await conn.execute(f"update files set missing_seen = $2 where project = $1 and {_OPEN}", project_id, now)  # noqa: S608 - a constant
