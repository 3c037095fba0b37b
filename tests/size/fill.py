"""Fills a fresh catalog with as much as a whole PyPI would bring, so that sizes and plans can be looked at.

    python -m tests.size.fill DATA_DIR_OR_URL [--projects 750000] [--rows 1000000] [--events 100000]

A directory gets its own embedded PostgreSQL; it and a database that a URL names must be empty. 750,000 projects bring
about 20 million files: half of the projects have four files or fewer, and a few have tens of thousands, as on PyPI.
Nothing here is random from one run to the next.

Everything is made by the server (PostgreSQL 16 or newer), table by table, without indexes and foreign keys; they are
made afterwards exactly as the migrations had made them.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from mirror import clock
from mirror.catalog import instance, journal
from mirror.catalog.database import migrate, opened
from mirror.names import Serial
from mirror.postgres import embedded
from tests.size import invented

if TYPE_CHECKING:
    from typing import TypeAlias

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

LAST_SERIAL = 40_000_000
FIRST_WAVE, LATER_WAVES = 0.7, 3
"""Most of a project's files come with its first page and lie side by side; the rest is scattered over the table."""

_FILLED = ("projects", "files", "rows", "events", "event_payloads", "redactions", "backlog", "pending_yanks")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is filled in; the files follow from the projects, about 27 to each."""

    projects: int
    rows: int
    events: int


FULL = Scale(projects=750_000, rows=1_000_000, events=100_000)


@asynccontextmanager
async def database(place: str) -> AsyncIterator[str]:
    """The URL as it is given, or that of the embedded PostgreSQL of a directory."""
    if "://" in place:
        yield place
        return
    async with embedded(Path(place)) as url:
        yield url


async def fill(url: str, scale: Scale) -> None:
    """Fills the database, which must hold no project yet."""
    now = clock.now()
    async with opened(url, pool_size=2) as catalog:
        await migrate(catalog)
        async with catalog.writing() as conn:
            await instance.ensure(conn, "https://index.example.org/simple/", now=now)
            await instance.freeze_file_hosts(conn, ["files.example.org"])
            await journal.begin(conn, Serial(LAST_SERIAL), now=now)
    conn = await asyncpg.connect(url, server_settings={"jit": "off", "timezone": "UTC"})
    try:
        if await conn.fetchval("select exists (select from projects)"):
            raise SystemExit(f"{url} is not empty")
        await conn.execute("set synchronous_commit = off; set maintenance_work_mem = '1GB'; set work_mem = '256MB'")
        await _fill(conn, scale)
        await _say(conn, "vacuum analyze", "vacuum analyze")
    finally:
        await conn.close()


async def _fill(conn: "Connection", scale: Scale) -> None:
    now = clock.now()
    removed = await _without_indexes(conn)
    await conn.execute("select setseed(0.5)")
    await _say(conn, "shape", invented.SHAPE, scale.projects)
    await conn.execute("create index on shape (project); analyze shape")
    await _say(conn, "projects", invented.PROJECTS, now)
    begin = 0.0
    for wave in range(LATER_WAVES + 1):
        end = 1.0 if wave == LATER_WAVES else FIRST_WAVE + wave * (1 - FIRST_WAVE) / LATER_WAVES
        await _say(conn, f"files up to {end:.0%}", invented.FILES, begin, end, now)
        begin = end
    await _say(conn, "rows", invented.ROWS, scale.rows, LAST_SERIAL, now, scale.projects)
    await _say(conn, "events", invented.EVENTS, scale.events, LAST_SERIAL, now, scale.projects)
    await _say(conn, "payloads", invented.PAYLOADS)
    await conn.execute("update project_count set known = $1", scale.projects)
    await conn.execute("insert into event_counts (kind, told) select kind, count(*) from events group by kind")
    await conn.execute("update event_head set number = $1, chain = $2", scale.events, "0" * 64)
    await _say(conn, "backlog", invented.BACKLOG, now)
    await _say(conn, "pending yanks", invented.PENDING, now)
    await conn.execute("select setval(pg_get_serial_sequence('projects', 'id'), (select max(id) from projects))")
    for statement in removed:
        await _say(conn, statement[:100], statement)


async def _without_indexes(conn: "Connection") -> list[str]:
    """Takes the indexes and keys off the tables to be filled; returns the statements that put them back."""
    constraints = await conn.fetch(
        """
        select conrelid::regclass::text as of_table, conname, pg_get_constraintdef(oid) as definition
        from pg_constraint where conrelid = any($1::regclass[]) and contype in ('p', 'u', 'f')
        order by contype = 'f' desc, conname
        """,
        _FILLED,
    )
    indexes = await conn.fetch(
        """
        select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
        where indrelid = any($1::regclass[]) and not exists (select from pg_constraint where conindid = indexrelid)
        """,
        _FILLED,
    )
    for c in constraints:
        await conn.execute(f'alter table {c["of_table"]} drop constraint "{c["conname"]}"')
    for index in indexes:
        await conn.execute(f"drop index {index['name']}")
    return [
        *(index["definition"] for index in indexes),
        *(
            f'alter table {c["of_table"]} add constraint "{c["conname"]}" {c["definition"]}'
            for c in reversed(constraints)
        ),
    ]


async def _say(conn: "Connection", what: str, statement: str, *args: object) -> None:
    began = time.monotonic()
    done = await conn.execute(statement, *args)
    sys.stdout.write(f"{time.monotonic() - began:8.1f} s  {done:<24}  {what}\n")
    sys.stdout.flush()


async def main() -> None:
    """Reads the command line and fills."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", help="an empty directory, or the URL of an empty database")
    parser.add_argument("--projects", type=int, default=FULL.projects)
    parser.add_argument("--rows", type=int, default=FULL.rows)
    parser.add_argument("--events", type=int, default=FULL.events)
    given = parser.parse_args()
    async with database(given.place) as url:
        await fill(url, Scale(given.projects, given.rows, given.events))


if __name__ == "__main__":
    asyncio.run(main())
