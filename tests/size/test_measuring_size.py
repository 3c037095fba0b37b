"""A small catalog is filled and measured as a large one would be, so that doing so goes on working."""

from statistics import median

import asyncpg

from tests.size.fill import Scale, fill
from tests.size.hot_paths import HOT_PATHS, READING_A_PROJECT, READING_ALL
from tests.size.measure import FEW_ROWS, Measured, measure, report

_A_FEW = 20
"""Buffers by which a statement may differ for other reasons: an index is a page deeper, other keys have more rows."""


async def test_a_filled_catalog_is_measured_in_every_respect(database_url: str) -> None:
    """No hot path reads all there is, nor ten times as much in a catalog ten times as large; ticks bring events."""
    await fill(database_url, Scale(projects=400, rows=400, events=6_000))
    small = await measure(database_url, runs=3, ticks=0)
    await _wipe(database_url)
    await fill(database_url, Scale(projects=4_000, rows=4_000, events=20_000))

    measured = await measure(database_url, runs=3, ticks=1)

    assert measured.rows["projects"] == 4_000
    assert measured.rows["files"] > 40_000
    assert min(measured.rows[table] for table in ("rows", "events", "backlog", "pending_yanks")) > FEW_ROWS
    assert {path for path, _ in measured.statements} == {*HOT_PATHS, "tick"}
    assert all(statement.plan for statement in measured.statements.values())
    assert {path for (path, _), statement in measured.statements.items() if statement.is_sequential} <= READING_ALL
    touched, touched_when_small = _touched(measured), _touched(small)
    assert touched.keys() == touched_when_small.keys()
    grown = {
        key: (touched_when_small[key], most)
        for key, most in touched.items()
        if most > 2 * touched_when_small[key] + _A_FEW
    }
    assert {path for path, _ in grown} <= READING_ALL | READING_A_PROJECT, grown
    assert {size.table for size in measured.sizes} >= {"projects", "files", "rows", "events"}
    (ticked,) = measured.ticks
    assert 500 < ticked.rows <= 1_000
    assert 0 < ticked.known < ticked.projects
    assert ticked.events >= 50
    assert ticked.wal_bytes > 0
    assert all(path in report(["here"], [measured]) for path in HOT_PATHS)


async def test_a_filled_catalog_has_the_indexes_of_the_migrations(database_url: str) -> None:
    """What was taken off for the filling is put back as it was."""
    before = await _indexes(database_url)

    await fill(database_url, Scale(projects=50, rows=50, events=50))

    assert await _indexes(database_url) == before


def _touched(measured: Measured) -> dict[tuple[str, str], float]:
    """Buffers of each statement of each hot path at its first run with a key."""
    found = {key: median(one.buffers) for key, one in measured.statements.items() if key[0] in HOT_PATHS}
    assert {path for path, _ in found} == set(HOT_PATHS)
    return found


async def _wipe(url: str) -> None:
    """Leaves a database as it was before the migrations."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute("drop schema public cascade; create schema public")
    finally:
        await conn.close()


async def _indexes(url: str) -> list[tuple[str, str]]:
    conn = await asyncpg.connect(url)
    try:
        found = await conn.fetch(
            """
            select relname as name, pg_get_indexdef(oid) as definition from pg_class
            where relkind = 'i' and relnamespace = 'public'::regnamespace
            union all
            select conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
            where connamespace = 'public'::regnamespace
            order by 1, 2
            """
        )
    finally:
        await conn.close()
    return [(record["name"], record["definition"]) for record in found]
