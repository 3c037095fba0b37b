"""What tests of where news come from share: houses that are impatient, and words for how they stand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from mirror.catalog import journal, news
from mirror.catalog.database import Catalog
from mirror.catalog.news import News, Source
from mirror.journal_rows import Position
from mirror.setting_sections import Watcher
from mirror.setting_values import Inventory, JournalSource
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, house_of
from watcher.poller import Poller, Sources

QUICK = timedelta(milliseconds=100)


@asynccontextmanager
async def house_with(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path, source: JournalSource, inventory: Inventory = Inventory.KNOWN
) -> AsyncIterator[House]:
    """A house that takes news from there and is never patient for long."""
    watcher = Watcher(source=source, poll_interval=QUICK, inventory=inventory)
    async with house_of(pypi, catalog, tmp_path, watcher=watcher) as house:
        yield house


def poller_of(house: House) -> Poller:
    """What a watcher that begins to lead polls with."""
    return Poller(
        catalog=house.catalog,
        sources=Sources(house.client, house.updates),
        settings=house.settings,
        rules=house.rules,
        now=house.pypi.now,
    )


async def news_of(house: House) -> News:
    """What tells of news, as the catalog says."""
    async with house.catalog.reading() as conn:
        return await news.read(conn)


async def position_of(house: House) -> Position:
    """How far the journal was read."""
    async with house.catalog.reading() as conn:
        position = await journal.position(conn)
    assert position is not None
    return position


async def until_source_is(house: House, poller: Poller, source: Source) -> None:
    """Ticks until news come from there, a minute later at the earliest."""
    house.pypi.advance(timedelta(minutes=1))

    async def is_so() -> bool:
        await poller.tick()
        return (await news_of(house)).source is source

    await eventually(is_so)


async def until_gap(house: House, poller: Poller, *, is_open: bool) -> None:
    """Ticks until a time without a journal has begun, or is over, a minute later at the earliest."""
    house.pypi.advance(timedelta(minutes=1))

    async def is_so() -> bool:
        await poller.tick()
        return ((await news_of(house)).gap_since is not None) is is_open

    await eventually(is_so)
