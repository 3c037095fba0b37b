"""Projects that nobody asked for and whose pages are wanted all the same: a queue that outlives every process."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import IntEnum

from mirror.catalog.database import Connection
from mirror.journal_rows import FileRemoved, JournalRow, ProjectRemoved, ReleaseRemoved
from mirror.names import ProjectName, project_name

FIRST_WAIT = timedelta(minutes=1)
"""Until the second try, when the first brought nothing; then twice as long each time. That there is no such project is
remembered for a minute by a CDN."""
LONGEST_WAIT = timedelta(hours=6)

MOST_DENIALS = 3
"""After so many answers that there is no such project it is wanted no more."""

_MOST_DOUBLINGS = 10


class Reason(IntEnum):
    """Why a project is wanted; the smaller the more urgent."""

    WATCHED = -1
    TOUCHED = 0
    LISTED = 1


async def touched(
    conn: Connection, rows: Iterable[JournalRow], reason: Reason = Reason.TOUCHED, *, now: datetime
) -> None:
    """Wants the unknown projects that these rows name, in their order; what was removed is wanted no more."""
    wanted: set[ProjectName] = set()
    gone: set[ProjectName] = set()
    for row in rows:
        if project_name(row.name) is None:
            continue  # some old rows are about users, and none may choose the address that is asked for
        if isinstance(row.action, ProjectRemoved):
            wanted.discard(row.project)
            gone.add(row.project)
        elif not isinstance(row.action, FileRemoved | ReleaseRemoved):
            wanted.add(row.project)
    if leaving := gone - wanted:
        await conn.execute("delete from wanted_projects where name = any($1::text[])", sorted(leaving))
    if wanted:
        await want(conn, wanted, reason, now=now)


async def want(conn: Connection, names: Iterable[ProjectName], reason: Reason, *, now: datetime) -> int:
    """Wants those of the projects that are not known, and says how many were not wanted before for that reason."""
    done = await conn.execute(
        """
        insert into wanted_projects (name, priority, due_at)
        select name, $2, $3 from unnest($1::text[]) as given (name)
        where not exists (select from projects where projects.name = given.name)
        order by name
        on conflict (name) do update set
            priority = excluded.priority, due_at = excluded.due_at, attempts = 0, denials = 0
        where wanted_projects.priority > excluded.priority
        """,
        sorted(set(names)),
        reason,
        now,
    )
    return int(done.rsplit(" ", 1)[1])


async def most_urgent(
    conn: Connection, reasons: Iterable[Reason], *, now: datetime
) -> tuple[ProjectName, Reason] | None:
    """The most urgent project whose time has come."""
    for reason in sorted(set(reasons)):
        name: str | None = await conn.fetchval(
            "select name from wanted_projects where priority = $1 and due_at <= $2 order by due_at limit 1", reason, now
        )
        if name is not None:
            return ProjectName(name), reason
    return None


async def note_try(conn: Connection, name: ProjectName, *, now: datetime) -> None:
    """Notes that the page is asked for: should that bring nothing, it waits for its next try."""
    await conn.execute(
        """
        update wanted_projects set
            attempts = least(attempts + 1, 1000),
            due_at = $2::timestamptz + least($3::interval * power(2, least(attempts, $5::integer)), $4::interval)
        where name = $1
        """,
        name,
        now,
        FIRST_WAIT,
        LONGEST_WAIT,
        _MOST_DOUBLINGS,
    )


async def drop(conn: Connection, name: ProjectName) -> None:
    """Wants the project no more, mostly since it is known now."""
    await conn.execute("delete from wanted_projects where name = $1", name)


async def deny(conn: Connection, name: ProjectName) -> None:
    """Notes that upstream said that there is no such project; said often enough, it is wanted no more."""
    denials = await conn.fetchval(
        "update wanted_projects set denials = denials + 1 where name = $1 returning denials", name
    )
    if denials is not None and denials >= MOST_DENIALS:
        await drop(conn, name)


async def count(conn: Connection) -> int:
    """How many projects are wanted."""
    found: int = await conn.fetchval("select count(*) from wanted_projects")
    return found
