"""The rows of the journal, of all projects."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from mirror.actions import read_action
from mirror.catalog.database import Connection, Record
from mirror.journal_rows import (
    JournalRow,
    ProjectCreated,
    ProjectQuarantineCleared,
    ProjectQuarantined,
    ProjectRemoved,
    ReleaseQuarantineCleared,
    ReleaseQuarantined,
    RoleChanged,
)
from mirror.names import ProjectName, Serial

_LASTING = (
    ProjectCreated,
    ProjectRemoved,
    ProjectQuarantined,
    ProjectQuarantineCleared,
    ReleaseQuarantined,
    ReleaseQuarantineCleared,
)


async def remember(conn: Connection, rows: Sequence[JournalRow]) -> None:
    """Stores rows; those stored before stay as they are."""
    await conn.execute(
        """
        insert into rows (serial, project, name, version, action, at, lasting)
        select * from unnest(
            $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bool[]
        )
        on conflict do nothing
        """,
        [row.serial for row in rows],
        [row.project for row in rows],
        [row.name for row in rows],
        [row.version for row in rows],
        [row.text for row in rows],
        [row.time for row in rows],
        [_is_lasting(row) for row in rows],
    )


async def of_project(conn: Connection, project: ProjectName) -> list[JournalRow]:
    """The remembered rows of a project, in order."""
    records = await conn.fetch(
        "select serial, project, name, version, action, at from rows where project = $1 order by serial",
        project,
    )
    return [_row(record) for record in records]


async def of_projects(conn: Connection, projects: Iterable[ProjectName]) -> dict[ProjectName, list[JournalRow]]:
    """The remembered rows of these projects, of each in order."""
    records = await conn.fetch(
        "select serial, project, name, version, action, at from rows where project = any($1::text[])"
        " order by project, serial",
        list(projects),
    )
    found: dict[ProjectName, list[JournalRow]] = {}
    for record in records:
        found.setdefault(ProjectName(record["project"]), []).append(_row(record))
    return found


async def at(conn: Connection, serial: Serial) -> JournalRow | None:
    """The row of that serial, if it is remembered."""
    record = await conn.fetchrow(
        "select serial, project, name, version, action, at from rows where serial = $1", serial
    )
    return _row(record) if record else None


async def forget(conn: Connection, serial: Serial) -> None:
    """Deletes the row of that serial."""
    await conn.execute("delete from rows where serial = $1", serial)


async def forget_passing(conn: Connection, before: datetime) -> int:
    """Deletes the rows older than that which need not be remembered for ever, and says how many."""
    done = await conn.execute("delete from rows where not lasting and at < $1", before)
    return int(done.removeprefix("DELETE "))


def _is_lasting(row: JournalRow) -> bool:
    # Of a change the role is the new one: an owner may have become something else.
    owner = isinstance(row.action, RoleChanged) and (row.action.role == "Owner" or row.action.verb == "change")
    return owner or isinstance(row.action, _LASTING)


def _row(record: Record) -> JournalRow:
    version = record["version"]
    return JournalRow(
        Serial(record["serial"]),
        ProjectName(record["project"]),
        record["name"],
        version,
        record["at"],
        record["action"],
        read_action(record["action"], version),
    )
