"""A small catalog is filled and measured as a large one would be, so that doing so goes on working."""

import asyncpg

from tests.size.fill import Scale, fill
from tests.size.hot_paths import HOT_PATHS, READING_ALL
from tests.size.measure import measure, report


async def test_a_filled_catalog_is_measured_in_every_respect(database_url: str) -> None:
    """Every hot path has a plan that does not read all there is, every table a size, and ticks bring events."""
    await fill(database_url, Scale(projects=2_000, rows=4_000, events=2_000))

    measured = await measure(database_url, runs=2, ticks=1)

    assert {path for path, _ in measured.statements} == {*HOT_PATHS, "tick"}
    assert all(statement.plan for statement in measured.statements.values())
    assert {path for (path, _), statement in measured.statements.items() if statement.is_sequential} <= READING_ALL
    assert measured.rows["projects"] == 2_000
    assert measured.rows["files"] > 20_000
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
