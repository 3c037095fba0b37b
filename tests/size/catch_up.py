"""Looks at how fast a watcher catches up after days away, and how fast it takes in a burst of removals.

    python -m tests.size.catch_up DATA_DIR_OR_URL [--projects 100000] [--rows 50000] [--removals 1000] [--runs 3]

An empty place is filled first, as `tests.size.fill` does. Then `watcher.poll` reads pages from a journal that answers
over HTTP, and applies them: one as long as PyPI answers at most, in the mixture of its journal; and a thousand removals
of releases of as many projects, of whole projects, of releases of one project, and of the project with the most files.
Printed are the medians over runs, each with other projects, in seconds by phase, how often the database was asked and
how much it wrote to its log, and the memory of this process in MB. Pages are committed: they change what is measured.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

import aiohttp
import asyncpg
import structlog

from mirror import clock
from mirror.catalog import events
from mirror.catalog.database import Catalog, Connection, migrate, opened
from mirror.settings import Settings
from tests.size.fill import Scale, database, fill
from tests.size.journal_page import Page, answering, mixed, releases_of_one, removed_projects, removed_releases
from tests.size.phases import APPLYING, READING, Counting, Memory, Phases, WatchedClient, forget_most, held
from watcher.poll import poll
from watcher.rules import rules_of

if TYPE_CHECKING:
    Raw: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Draw: TypeAlias = Callable[[Raw, int], Awaitable[Page]]

_RULES = rules_of(Settings())


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What one page took and brought. `calls` is how often the database was asked.

    `seconds` are what a clock shows, `busy_seconds` those of this process: the database is another one.
    """

    title: str
    rows: int
    projects: int
    events: int
    calls: int
    seconds: float
    busy_seconds: float
    wal_bytes: int
    phases: Phases
    memory: Memory


async def catch_up(url: str, page: Page) -> CaughtUp:
    """Has a watcher read and apply the page, as far as nothing is left of it."""
    pool = await asyncpg.create_pool(
        url, min_size=1, max_size=2, connection_class=Counting, server_settings={"jit": "off", "timezone": "UTC"}
    )
    phases, memory = Phases(), Memory()
    async with pool, answering(page) as address, aiohttp.ClientSession(trust_env=False) as session:
        catalog = Catalog(pool, url)
        client = WatchedClient(session, address, timeout=60)
        client.memory = memory
        async with catalog.reading() as conn:
            told, log = await events.last_number(conn), await _log_position(conn)
        forget_most()
        memory.before, Counting.calls = held("VmRSS"), 0
        began, busy = time.perf_counter(), time.process_time()
        with phases.measuring():
            await poll(catalog, client, rules=_RULES, now=clock.now)
        seconds, busy, calls = time.perf_counter() - began, time.process_time() - busy, Counting.calls
        memory.while_applying = held("VmHWM")
        async with catalog.reading() as conn:
            brought, log = await events.last_number(conn) - told, await _log_position(conn) - log
    names = {row[0] for row in page.rows}
    return CaughtUp(page.title, len(page.rows), len(names), brought, calls, seconds, busy, log, phases, memory)


def pages(*, rows: int, removals: int) -> "tuple[Draw, ...]":
    """What is caught up with; each draws a page by its number."""
    return (
        lambda conn, number: mixed(conn, rows=rows, number=number),
        lambda conn, number: removed_releases(conn, count=removals, number=number),
        lambda conn, number: removed_projects(conn, count=removals, number=number),
        lambda conn, number: releases_of_one(conn, count=removals, number=number),
        lambda conn, number: releases_of_one(conn, count=removals, number=number, largest=True),
    )


async def measure(url: str, draws: "Sequence[Draw]", *, runs: int) -> list[list[CaughtUp]]:
    """All pages, so often each."""
    async with _connected(url) as conn:
        measured: list[list[CaughtUp]] = [[] for _ in draws]
        for number in range(runs):
            for place, draw in enumerate(draws):
                page = await draw(conn, number)
                # After it the first change of each page of the database is logged as a whole page, in every run alike.
                await conn.execute("checkpoint")
                measured[place].append(await catch_up(url, page))
        return measured


def report(measured: Sequence[Sequence[CaughtUp]]) -> str:
    """A column for each page, and what they are."""
    lines = [f"{'':22}" + "".join(f"{f'({n})':>10}" for n in range(1, len(measured) + 1))]

    def line(what: str, figure: Callable[[CaughtUp], float], form: str = ",.2f") -> None:
        lines.append(f"{what:22}" + "".join(f"{median(figure(one) for one in runs):>10{form}}" for runs in measured))

    line("rows", lambda one: one.rows, ",.0f")
    line("projects", lambda one: one.projects, ",.0f")
    line("events", lambda one: one.events, ",.0f")
    line("database asked", lambda one: one.calls, ",.0f")
    for phase in READING:
        line(f"s {phase}", lambda one, phase=phase: one.phases.of((phase,)))  # type: ignore[misc]  # bound early
    for phase in APPLYING:
        line(f"s {phase}", lambda one, phase=phase: one.phases.of((phase,)))  # type: ignore[misc]  # bound early
    line("s after rows were read", lambda one: one.phases.of(APPLYING))
    line("s in all", lambda one: one.seconds)
    line("s of CPU, without SQL", lambda one: one.busy_seconds)
    line("MB of WAL", lambda one: one.wal_bytes / 1e6, ",.0f")
    line("MB before", lambda one: one.memory.before / 1e6, ",.0f")
    line("MB most, reading", lambda one: one.memory.while_reading / 1e6, ",.0f")
    line("MB when rows were read", lambda one: one.memory.read / 1e6, ",.0f")
    line("MB most, applying", lambda one: one.memory.while_applying / 1e6, ",.0f")
    lines += [f"({n}) {runs[-1].title}" for n, runs in enumerate(measured, start=1)]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def _connected(url: str) -> "AsyncIterator[Raw]":
    conn = await asyncpg.connect(url, server_settings={"jit": "off", "timezone": "UTC"})
    try:
        yield conn
    finally:
        await conn.close()


async def _log_position(conn: Connection) -> int:
    written: int = await conn.fetchval("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    return written


async def _is_empty(url: str) -> bool:
    async with _connected(url) as conn:
        return await conn.fetchval("select to_regclass('projects')") is None


async def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", help="an empty or filled directory, or the URL of a database")
    parser.add_argument("--projects", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--removals", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="the numbers of the pages, such as 1,4")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    draws = pages(rows=given.rows, removals=given.removals)
    if given.only:
        draws = tuple(draws[int(number) - 1] for number in given.only.split(","))
    async with database(given.place) as url:
        if await _is_empty(url):
            await fill(url, Scale(given.projects, rows=given.projects * 3, events=given.projects // 3))
        async with opened(url, pool_size=1) as catalog:
            await migrate(catalog)
        sys.stdout.write(report(await measure(url, draws, runs=given.runs)))


if __name__ == "__main__":
    asyncio.run(main())
