"""Download counts are written now and then, all at once, and wait in memory while the catalog is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import structlog

from mirror.catalog import downloads
from mirror.catalog.database import Catalog, Connection
from mirror.errors import CatalogUnavailableError
from mirror.web.downloads import DownloadCounts

NOW = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


class FailingCatalog(Catalog):
    """A catalog that is away for a while, and counts the transactions it was asked for."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog._pool, catalog.url)
        self.is_away = False
        self.asked = 0

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """As `Catalog.writing`, if it is there."""
        self.asked += 1
        if self.is_away:
            raise CatalogUnavailableError("away")
        async with super().writing() as conn:
            yield conn


async def _in_catalog(catalog: Catalog) -> dict[tuple[int, date], int]:
    async with catalog.reading() as conn:
        return {(r["file"], r["day"]): r["count"] for r in await conn.fetch("select * from downloads")}


async def test_many_downloads_are_one_transaction(catalog: Catalog) -> None:
    """Added to what others counted."""
    failing = FailingCatalog(catalog)
    counts = DownloadCounts(failing, lambda: NOW)
    async with catalog.writing() as conn:
        await downloads.add(conn, {(1, TODAY): 5})

    for _ in range(1_000):
        counts.count(1)
        counts.count(2)
    await counts.write()
    await counts.write()

    assert await _in_catalog(catalog) == {(1, TODAY): 1_005, (2, TODAY): 1_000}
    assert failing.asked == 1


async def test_counts_wait_while_the_catalog_is_away(catalog: Catalog) -> None:
    """And go on being counted meanwhile."""
    failing = FailingCatalog(catalog)
    counts = DownloadCounts(failing, lambda: NOW)
    failing.is_away = True

    counts.count(1)
    with structlog.testing.capture_logs() as logs:
        await counts.write()
    counts.count(1)
    failing.is_away = False
    await counts.write()

    assert [log["event"] for log in logs] == ["downloads.not_written"]
    assert await _in_catalog(catalog) == {(1, TODAY): 2}


async def test_not_more_waits_than_memory_has_room_for(catalog: Catalog) -> None:
    """Files beyond that are not counted, which is said; those that are counted already still are."""
    counts = DownloadCounts(catalog, lambda: NOW, most_waiting=2)

    for file in (1, 2, 3, 1):
        counts.count(file)
    with structlog.testing.capture_logs() as logs:
        await counts.write()

    assert await _in_catalog(catalog) == {(1, TODAY): 2, (2, TODAY): 1}
    assert [(log["event"], log["downloads"]) for log in logs] == [("downloads.not_counted", 1)]


async def test_many_different_files_are_written_early(catalog: Catalog) -> None:
    """Before the time is up."""
    counts = DownloadCounts(catalog, lambda: NOW, every_seconds=3_600)

    async with counts.written():
        for file in range(5_000):
            counts.count(file)
        async with asyncio.timeout(30):
            while not await _in_catalog(catalog):  # noqa: ASYNC110 - the catalog tells nobody
                await asyncio.sleep(0.01)

    assert len(await _in_catalog(catalog)) == 5_000


async def test_sums_are_of_each_group_and_of_the_last_days(catalog: Catalog) -> None:
    """Thirty of them, today included."""
    days = [date(2026, 7, 11), date(2026, 7, 12), TODAY]
    async with catalog.writing() as conn:
        await downloads.add(conn, {(file, day): 10**file for file in (1, 2) for day in days})

        found = await downloads.of_groups(conn, [[1], [], [1, 2], [3]], today=TODAY)
        nothing = await downloads.of_groups(conn, [[]], today=TODAY)
        forgotten = await downloads.forget(conn, before=days[1])

    assert found == [20, 0, 220, 0]
    assert nothing == [0]
    assert forgotten == 2
