"""Yanks and unyanks that are not settled yet."""

from collections.abc import Iterable
from datetime import datetime

from mirror.catalog.database import Connection, Record
from mirror.model import PendingYank, YankChange
from mirror.names import ProjectName, Serial, Sha256

_COLUMNS = (
    "project",
    "serial",
    "version",
    "change",
    "upstream_time",
    "observed_at",
    "due_at",
    "told_before",
    "filename",
    "sha256",
    "shown_serial",
)
_INSERT = (
    f"insert into pending_yanks ({', '.join(_COLUMNS)}) values ({', '.join(f'${n + 1}' for n in range(len(_COLUMNS)))})"  # noqa: S608 - made of the constant names above
    " on conflict do nothing"
)


async def of_projects(conn: Connection, projects: Iterable[ProjectName]) -> dict[ProjectName, tuple[PendingYank, ...]]:
    """What waits of these projects: in the order of the rows, then what only pages showed in the order of its time."""
    records = await conn.fetch(
        "select * from pending_yanks where project = any($1::text[]) order by serial, id", list(projects)
    )
    found: dict[ProjectName, list[PendingYank]] = {}
    for record in records:
        found.setdefault(ProjectName(record["project"]), []).append(_pending(record))
    return {name: tuple(waiting) for name, waiting in found.items()}


async def due(conn: Connection, *, now: datetime) -> list[ProjectName]:
    """The projects of which something has waited long enough."""
    records = await conn.fetch("select distinct project from pending_yanks where due_at <= $1 order by 1", now)
    return [ProjectName(record["project"]) for record in records]


async def insert(conn: Connection, project: ProjectName, pending: Iterable[PendingYank]) -> None:
    """Lets these wait. What a row says waits once."""
    await conn.executemany(_INSERT, [_values(project, waiting) for waiting in pending])


async def delete(conn: Connection, pending: Iterable[PendingYank]) -> None:
    """Forgets these, which were read from here: they were told, or explained."""
    await conn.execute("delete from pending_yanks where id = any($1::bigint[])", [waiting.id for waiting in pending])


def _values(project: ProjectName, waiting: PendingYank) -> tuple[object, ...]:
    return (
        project,
        waiting.serial,
        waiting.version,
        waiting.change,
        waiting.upstream_time,
        waiting.observed_at,
        waiting.due_at,
        waiting.told_before,
        waiting.filename,
        bytes.fromhex(waiting.sha256) if waiting.sha256 else None,
        waiting.shown_serial,
    )


def _pending(record: Record) -> PendingYank:
    return PendingYank(
        Serial(record["serial"]) if record["serial"] is not None else None,
        record["version"],
        YankChange(record["change"]),
        record["upstream_time"],
        record["observed_at"],
        record["due_at"],
        record["told_before"],
        record["filename"],
        Sha256(record["sha256"].hex()) if record["sha256"] is not None else None,
        Serial(record["shown_serial"]) if record["shown_serial"] is not None else None,
        record["id"],
    )
