"""Looks at what a catalog costs: the plan of every statement on a hot path, sizes on disk, and a tick of 1,000 rows.

    python -m tests.size.measure DATA_DIR_OR_URL... [--runs 9] [--ticks 4]

Each place was filled by `tests.size.fill` and becomes a column: let a small catalog and a full one stand side by side.
The functions of `mirror.catalog` and `watcher.poll` themselves are called, with generic plans, and PostgreSQL's
auto_explain tells what became of their statements. Times are medians over distinct keys, in milliseconds as the server
counts them: the first time that a key is asked for / the second time. Buffers are pages of 8 kB, touched at the first.
A sequential scan that reads more than a thousand rows is marked SEQ. Ticks are committed: they change what is measured.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import asyncpg

from mirror import clock
from mirror.catalog.database import Catalog
from tests.size.fill import database
from tests.size.hot_paths import HOT_PATHS, Keys, keys_of
from tests.size.ticks import Ticked, tick

if TYPE_CHECKING:
    from typing import TypeAlias

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

FEW_ROWS = 1_000
"""What a sequential scan may read: that much is read as fast in no order."""

_NOT_OURS = ("typeinfo_tree", "set_config", "pg_catalog.")
_EXPLAINING = """
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_analyze = on;
set auto_explain.log_buffers = on;
set auto_explain.log_format = json;
set log_min_messages = panic;
set client_min_messages = log;
"""


@dataclass(slots=True)
class Statement:
    """What became of one statement of a hot path."""

    plan: str = ""
    is_sequential: bool = False
    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    buffers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Size:
    """One table or index: its bytes on disk."""

    table: str
    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All that was seen of one catalog. `statements` are by hot path and text."""

    statements: dict[tuple[str, str], Statement]
    sizes: tuple[Size, ...]
    rows: dict[str, int]
    ticks: tuple[Ticked, ...]


class Ear:
    """Hears what auto_explain says to a connection."""

    def __init__(self) -> None:
        self._heard: list[str] = []

    def __call__(self, _conn: object, message: Any) -> None:
        self._heard.append(str(message.message))

    async def plans(self) -> list[tuple[float, dict[str, Any]]]:
        """What was heard since: milliseconds and plan of each statement."""
        # Messages are handed over by callbacks that run before this goes on.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        heard, self._heard = self._heard, []
        found = [re.match(r"duration: ([0-9.]+) ms\s+plan:\s+(\{.*)", text, re.DOTALL) for text in heard]
        return [(float(match[1]), json.loads(match[2])) for match in found if match]


class Explained(Catalog):
    """A catalog of one connection, whose plans do not depend on values and are told to `ear`."""

    def __init__(self, conn: "Connection", ear: Ear) -> None:
        self._conn = conn
        self.ear = ear

    @asynccontextmanager
    async def reading(self) -> "AsyncIterator[Connection]":
        """The connection."""
        yield self._conn

    @asynccontextmanager
    async def writing(self) -> "AsyncIterator[Connection]":
        """The connection, inside one transaction."""
        async with self._conn.transaction():
            yield self._conn


@asynccontextmanager
async def explaining(url: str) -> AsyncIterator[Explained]:
    """A catalog that explains its statements."""
    settings = {"jit": "off", "timezone": "UTC", "plan_cache_mode": "force_generic_plan"}
    conn = await asyncpg.connect(url, server_settings=settings)
    try:
        await conn.execute(_EXPLAINING)
        ear = Ear()
        conn.add_log_listener(ear)
        yield Explained(conn, ear)
    finally:
        await conn.close()


async def measure(url: str, *, runs: int, ticks: int) -> Measured:
    """Everything about one catalog."""
    statements: dict[tuple[str, str], Statement] = {}
    conn = await asyncpg.connect(url)
    try:
        # Ticks come first: vacuuming after what follows would add to the log that they are measured by.
        done = [await _timed_tick(url, conn, number) for number in range(1, ticks + 1)]
        keys = await keys_of(conn)
        async with explaining(url) as catalog:
            for run in range(runs):
                await _run_all(catalog, keys, run, statements)
            await tick(catalog, conn, number=ticks + 1)
            for milliseconds, plan in await catalog.ear.plans():
                _note(statements, "tick", milliseconds, plan, first=True)
        sizes = await _sizes(conn)
        rows = {table: int(await conn.fetchval(f"select count(*) from {table}")) for table in {s.table for s in sizes}}  # noqa: S608 - names from the catalog
    finally:
        await conn.close()
    return Measured(statements, sizes, rows, tuple(done))


async def _run_all(catalog: Explained, keys: Keys, run: int, statements: dict[tuple[str, str], Statement]) -> None:
    for name, look in HOT_PATHS.items():
        for first in (True, False):
            async with catalog.reading() as conn:
                change = conn.transaction()
                await change.start()
                await look(conn, keys, run)
                await change.rollback()
            for milliseconds, plan in await catalog.ear.plans():
                _note(statements, name, milliseconds, plan, first=first)


def _note(
    statements: dict[tuple[str, str], Statement], path: str, milliseconds: float, plan: dict[str, Any], *, first: bool
) -> None:
    text = " ".join(plan["Query Text"].split())
    if any(word in text for word in _NOT_OURS):
        return  # asyncpg's own, or a foreign key's
    statement = statements.setdefault((path, text), Statement())
    root = plan["Plan"]
    nodes = list(_nodes(root))
    statement.plan = " < ".join(dict.fromkeys(_word(node) for node in nodes))
    statement.is_sequential |= any(
        node["Node Type"] == "Seq Scan" and node["Actual Rows"] + node.get("Rows Removed by Filter", 0) > FEW_ROWS
        for node in nodes
    )
    if first:
        statement.first.append(milliseconds)
        statement.buffers.append(root["Shared Hit Blocks"] + root["Shared Read Blocks"])
    else:
        statement.again.append(milliseconds)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _word(node: dict[str, Any]) -> str:
    on = node.get("Index Name") or node.get("Relation Name")
    return f"{node['Node Type']} {on}" if on else str(node["Node Type"])


async def _timed_tick(url: str, conn: "Connection", number: int) -> Ticked:
    pool = await asyncpg.create_pool(url, min_size=1, max_size=1, server_settings={"jit": "off", "timezone": "UTC"})
    try:
        if number % 2:
            # After a checkpoint the first change of each page writes the whole page to the log.
            await conn.execute("checkpoint")
        return await tick(Catalog(pool, url), conn, number=number)
    finally:
        await pool.close()


async def _sizes(conn: "Connection") -> tuple[Size, ...]:
    records = await conn.fetch(
        """
        select t.relname as of_table, c.relname as name, pg_relation_size(c.oid)
            + case when c.oid = t.oid and t.reltoastrelid <> 0 then pg_total_relation_size(t.reltoastrelid) else 0 end
            as bytes
        from pg_class t join pg_class c
            on c.oid = t.oid or c.oid in (select indexrelid from pg_index where indrelid = t.oid)
        where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace order by 1, c.oid <> t.oid, 3 desc
        """
    )
    return tuple(Size(record["of_table"], record["name"], record["bytes"]) for record in records)


def report(places: list[str], measured: list[Measured]) -> str:
    """Everything as text, a column for each catalog."""
    lines = ["# Statements: first / again ms, buffers (plan at the last place)"]
    path = ""
    for key, last in measured[-1].statements.items():
        if key[0] != path:
            path = key[0]
            lines.append(f"\n{path}")
        columns = [_column(one.statements.get(key)) for one in measured]
        lines.append(f"  {' | '.join(columns)}  {'SEQ ' if last.is_sequential else ''}{key[1][:88]}")
        lines.append(f"      {last.plan}")
    for place, one in zip(places, measured, strict=True):
        lines += ["", f"# {place}: " + ", ".join(f"{count:,} {table}" for table, count in sorted(one.rows.items()))]
        lines += [_sized(size, one) for size in one.sizes if size.bytes > 65536]
        total = sum(size.bytes for size in one.sizes)
        lines.append(f"  {total / 1e6:10.1f} MB  all; {total / max(one.rows['projects'], 1):.0f} bytes a project")
        lines += [
            f"  tick of {t.rows} rows: {t.seconds:.2f} s, {t.wal_bytes / 1e6:.2f} MB of WAL, {t.events} events,"
            f" {t.projects} projects ({t.known} known){', after a checkpoint' if number % 2 == 0 else ''}"
            for number, t in enumerate(one.ticks)
        ]
    return "\n".join(lines) + "\n"


def _column(statement: Statement | None) -> str:
    if statement is None or not statement.first:
        return f"{'-':>27}"
    again = f"{median(statement.again):9.3f}" if statement.again else f"{'x' + str(len(statement.first)):>9}"
    return f"{median(statement.first):9.3f} /{again}{median(statement.buffers):7.0f}"


def _sized(size: Size, measured: Measured) -> str:
    count = max(measured.rows[size.table], 1)
    return f"  {size.bytes / 1e6:10.1f} MB  {size.bytes / count:8.1f} bytes a row of {size.table:<16} {size.name}"


async def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", help="directories or URLs of filled databases")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--ticks", type=int, default=4)
    given = parser.parse_args()
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(database(place)) for place in given.places]
        began = clock.now()
        measured = [await measure(url, runs=given.runs, ticks=given.ticks) for url in urls]
        sys.stdout.write(report(given.places, measured))
        sys.stdout.write(f"measured in {(clock.now() - began).total_seconds():.0f} s\n")


if __name__ == "__main__":
    asyncio.run(main())
