"""What is observed in a test, and what the catalog knows and has told afterwards."""

import asyncio
from collections.abc import Awaitable

from mirror import observe
from mirror.catalog import events, files, journal, projects, rows
from mirror.catalog.database import Catalog, Connection
from mirror.events import Event, Payload, read_payload
from mirror.journal_rows import JournalRow
from mirror.model import HashSource, Memory
from mirror.names import ProjectName, Serial
from tests.mirror.changes.histories import NAME, NOW, RULES, listed, page

DEADLINE_SECONDS = 30
START = Serial(50)


async def poll(catalog: Catalog, *new: JournalRow, expected: Serial = START) -> None:
    """What a poll does with the rows it read."""
    async with catalog.writing() as conn:
        await apply_rows(conn, *new, expected=expected)


async def apply_rows(conn: Connection, *new: JournalRow, expected: Serial = START) -> None:
    """The same, in a transaction that goes on."""
    assert await journal.advance(conn, expected=expected, serial=new[-1].serial, now=NOW)
    await rows.remember(conn, new)
    await observe.journal_rows(conn, new, rules=RULES, now=NOW)


async def see(catalog: Catalog, serial: int, *versions: str) -> bool:
    """A page with these versions is fetched; whether it was believed."""
    async with catalog.writing() as conn:
        seen = page(serial, *(listed(version) for version in versions))
        return await observe.page(conn, seen, rules=RULES, now=NOW)


async def memory_of(catalog: Catalog, name: ProjectName = NAME) -> Memory:
    """All that the catalog knows of a project."""
    async with catalog.reading() as conn:
        project = await projects.find(conn, name)
        assert project is not None
        return Memory(project, await files.of_project(conn, project))


async def states_of(catalog: Catalog) -> dict[str, str]:
    """The state of each version's file, with its cause."""
    return {f"{f.version}": f"{f.state} {f.cause or ''}".strip() for f in (await memory_of(catalog)).files}


async def events_told(catalog: Catalog) -> list[Event]:
    """All events, from the first on."""
    async with catalog.reading() as conn:
        return await events.after(conn, 0, limit=1_000, epoch=1)


async def payloads_told(catalog: Catalog) -> list[Payload]:
    """What the events say."""
    return [read_payload(event.payload) for event in await events_told(catalog) if event.payload is not None]


async def store_all(catalog: Catalog) -> None:
    """The store gets the bytes of every file."""
    for file in (await memory_of(catalog)).files:
        assert file.id is not None
        assert file.sha256 is not None
        async with catalog.writing() as conn:
            await observe.file_stored(
                conn, file.id, sha256=file.sha256, size=1, source=HashSource.UPSTREAM, rules=RULES, now=NOW
            )


async def until_one_waits(catalog: Catalog) -> None:
    """Until some statement in this database waits for a lock."""
    waiting = (
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
    )
    async with asyncio.timeout(DEADLINE_SECONDS), catalog.reading() as conn:
        while not await conn.fetchval(waiting):  # noqa: ASYNC110 - the database cannot tell us
            await asyncio.sleep(0.01)


async def finished(task: Awaitable[object]) -> None:
    """Until that task is done."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        await task
