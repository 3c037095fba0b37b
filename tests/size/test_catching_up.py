"""A small catalog is caught up with as a large one would be, and costs no statement for each row or project."""

from dataclasses import dataclass

import asyncpg
import pytest_asyncio

from mirror.catalog import events, journal
from mirror.catalog.database import opened
from tests.size.catch_up import CaughtUp, catch_up, measure, pages, report
from tests.size.fill import Scale, fill
from tests.size.journal_page import Page, Wire

_NOTICES = 5
"""So many more statements tell other processes the names of hundreds of projects, which do not fit into one."""


@pytest_asyncio.fixture
async def filled_url(database_url: str) -> str:
    """A hundredth of the catalog that the command measures."""
    await fill(database_url, Scale(projects=1_000, rows=3_000, events=300))
    return database_url


async def test_a_journal_of_days_is_applied_to_its_end(filled_url: str) -> None:
    """Every row is remembered and the cursor is behind the last; removals, yanks and quarantines are told."""
    before = await _state_of(filled_url)
    # No project of a catalog so small has as many releases as a large one's.
    draws = pages(rows=500, removals=10)

    measured = await measure(filled_url, draws, runs=1)

    applied = sum(one.rows for (one,) in measured)
    after = await _state_of(filled_url)
    assert [one.rows for (one,) in measured] == [500, 10, 10, 10, 10]
    assert [one.projects for (one,) in measured][1:] == [10, 10, 1, 1]
    assert after.serial == before.serial + applied
    assert after.rows == before.rows + applied
    assert after.events == before.events + sum(one.events for (one,) in measured)
    assert [one.events >= 10 for (one,) in measured][1:] == [True] * 4
    assert after.releases_deleted == before.releases_deleted + after.releases_removed - before.releases_removed


async def test_what_was_measured_is_reported_by_phases(filled_url: str) -> None:
    """Reading and applying take time each, and what the process held is told."""
    (mixed, *_) = pages(rows=100, removals=1)

    measured = await measure(filled_url, (mixed,), runs=2)

    (one, _) = measured[0]
    assert one.phases.of(("XML decoded", "rows parsed")) > 0
    assert one.phases.of(("rows stored", "facts read", "decided", "facts stored", "events")) > 0
    assert 0 < one.memory.before <= one.memory.while_applying
    assert "(1) 100 rows" in report(measured)


async def test_additions_take_as_many_statements_for_hundreds_of_projects_as_for_a_few(filled_url: str) -> None:
    """Of projects that nobody asked for, and of known ones."""
    few, many = await _caught_up(filled_url, projects=10), await _caught_up(filled_url, projects=400)

    assert (few.projects, many.projects) == (20, 800)
    assert many.calls <= few.calls + _NOTICES


async def test_removals_take_few_statements_for_hundreds_of_projects(filled_url: str) -> None:
    """Ten times as many removals of different projects' releases: not even twice as many statements."""
    (_, few, *_), (_, many, *_) = pages(rows=1, removals=20), pages(rows=1, removals=200)

    ((of_few,), (of_many,)) = await measure(filled_url, (few, many), runs=1)

    assert (of_few.projects, of_many.projects) == (20, 200)
    assert of_many.calls < 2 * of_few.calls


@dataclass(frozen=True, slots=True)
class _State:
    """How far the journal was read, and what came of it: rows in all, those that remove releases, and events."""

    serial: int
    rows: int
    releases_removed: int
    events: int
    releases_deleted: int


async def _state_of(url: str) -> _State:
    async with opened(url, pool_size=1) as catalog, catalog.reading() as conn:
        position = await journal.position(conn)
        assert position is not None
        counts = await events.counts(conn)
        rows = await conn.fetchval("select count(*) from rows")
        removed = await conn.fetchval("select count(*) from rows where action = 'remove release'")
        return _State(position.serial, rows, removed, await events.last_number(conn), counts["release.deleted"])


async def _caught_up(url: str, *, projects: int) -> CaughtUp:
    """One tick of rows that add something to so many known projects and to as many unknown ones."""
    conn = await asyncpg.connect(url)
    try:
        known = await conn.fetch("select name from projects where wanted_serial is null order by id limit $1", projects)
        since = await conn.fetchval("select serial from journal")
        at_cursor = await conn.fetch("select * from rows where serial = $1", since)
    finally:
        await conn.close()
    names = [name for place, one in enumerate(known) for name in (one["name"], f"new-{since}-{place}")]
    rows: list[Wire] = [
        (name, "9.0", 1_790_000_000, "add source file new-9.0.tar.gz", since + 1 + place)
        for place, name in enumerate(names)
    ]
    before: list[Wire] = [(r["name"], r["version"], int(r["at"].timestamp()), r["action"], since) for r in at_cursor]
    return await catch_up(url, Page("additions", since, tuple(before), tuple(rows)))
