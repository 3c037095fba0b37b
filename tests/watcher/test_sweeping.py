"""Sweeps: the list of all projects proposes pages to look at, decides nothing, and is not believed when it is wrong."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirror.catalog.database import Catalog
from mirror.catalog.looks import KnownProject
from mirror.names import ProjectName, Serial
from mirror.setting_sections import Watcher
from mirror.setting_values import Inventory
from mirror.upstream.listing import Listing
from tests.pypi_sim import PyPISim
from tests.pypi_sim.faults import PageFault
from tests.watcher.houses import House, house_of, long_ago
from tests.watcher.test_page_queue import known
from watcher.sweep import Swept, is_news, lacks

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
INTERVAL = timedelta(hours=6)


async def next_sweep(house: House) -> Swept | None:
    """Lets the time pass until one is due."""
    await house.sweep()
    house.pypi.advance(INTERVAL)
    return await house.sweep()


async def queued(house: House, *names: str) -> list[str]:
    """Those of the projects whose pages are wanted."""
    return [name for name in names if (await house.memory(name)).project.refresh_at is not None]


async def test_exactly_what_differs_is_proposed(house: House, pypi: PyPISim) -> None:
    """A project that is not listed, one with newer rows and one that lives again; not who is as known."""
    names = ("same", "gone", "newer", "again", "removed", "confined", "waiting")
    await known(house, *names)
    pypi.quarantine_project("confined")
    pypi.delete_project("again")
    pypi.delete_project("removed")
    await house.watch()
    pypi.vanish_project("gone")
    pypi.add_role("newer", "bob")
    pypi.upload("again", "2.0", uploaded_at=pypi.now())
    pypi.upload("unknown", "1.0", uploaded_at=pypi.now())

    swept = await next_sweep(house)

    assert swept == Swept(listed=5, missing=1, proposed=3, added=0)
    assert await queued(house, *names) == ["gone", "newer", "again"]
    await house.refresh()
    assert await queued(house, *names) == []
    assert (await house.memory("again")).project.incarnation == 2
    gone = (await house.memory("gone")).files
    assert [file.state for file in gone] == ["live"]
    assert all(file.missing_since is not None for file in gone)


async def test_who_is_in_the_queue_keeps_the_place(house: House, pypi: PyPISim) -> None:
    """A page that is waited for with patience is not asked for sooner because of a list."""
    await known(house, "demo")
    pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, days=100))
    pypi.faults.page("demo", "503html")
    await house.poll()
    await house.sweep()
    pypi.advance(INTERVAL)
    await house.refresh()
    before = (await house.memory("demo")).project

    swept = await house.sweep()

    assert swept == Swept(listed=1, missing=0, proposed=0, added=0)
    assert (await house.memory("demo")).project == before
    assert before.attempts == 1


async def test_the_list_is_asked_for_once_in_an_interval(house: House, pypi: PyPISim) -> None:
    """Not at start but after a part of the interval, whoever has led meanwhile."""
    await known(house, "demo")
    for _ in range(5):
        assert await house.sweep() is None
        pypi.advance(INTERVAL / 12)
    assert pypi.count(kind="list") == 0

    pypi.advance(INTERVAL / 12)
    first = await house.sweep()
    pypi.advance(INTERVAL * 0.9)
    too_early = await house.sweep()
    pypi.advance(INTERVAL * 0.1)
    second = await house.sweep()

    assert (first is None, too_early is None, second is None) == (False, True, False)
    assert pypi.count(kind="list") == 2


async def test_nothing_is_asked_while_nothing_is_known(house: House, pypi: PyPISim) -> None:
    """There would be nothing to compare."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))

    assert await next_sweep(house) is None

    assert pypi.count(kind="list") == 0


@pytest.mark.parametrize(
    "fault", ["503html", "429", "404", "garbage", "empty", "no-files", "truncated", "reset", "bomb"]
)
async def test_a_broken_list_proposes_nothing_and_is_asked_for_again_soon(
    house: House, pypi: PyPISim, fault: PageFault
) -> None:
    """But not at once, lest a list that does harm be asked for again and again."""
    await known(house, "demo", "gone")
    pypi.vanish_project("gone")
    pypi.faults.listing = fault

    assert await next_sweep(house) is None

    assert await queued(house, "demo", "gone") == []
    pypi.faults.listing = None
    pypi.advance(timedelta(minutes=14))
    assert await house.sweep() is None
    pypi.advance(timedelta(minutes=1))
    assert await house.sweep() == Swept(listed=1, missing=1, proposed=1, added=0)


async def test_a_list_that_lacks_too_many_is_not_believed(house: House, pypi: PyPISim) -> None:
    """It is the list that is broken then, and proposes nothing else either; some three may always be missing."""
    names = [f"demo{number}" for number in range(20)]
    await known(house, *names)
    pypi.add_role("demo19", "bob")
    for name in names[:4]:
        pypi.vanish_project(name)

    distrusted = await next_sweep(house)
    pypi.upload("demo0", "2.0", uploaded_at=pypi.now())
    believed = await next_sweep(house)

    assert distrusted == Swept(listed=16, missing=4, proposed=0, added=0)
    assert believed == Swept(listed=17, missing=3, proposed=5, added=0)


async def test_a_pause_of_the_index_holds_for_the_list(house: House, pypi: PyPISim) -> None:
    """The sweep comes when it is over."""
    await known(house, "demo")
    await house.sweep()
    pypi.advance(INTERVAL)
    house.refresher.index.turns.heed(429, lambda name: ["30"] if name == "Retry-After" else [])

    in_the_pause = await house.sweep()
    pypi.advance(timedelta(seconds=30))

    assert in_the_pause is None
    assert await house.sweep() is not None


@asynccontextmanager
async def watching_all(pypi: PyPISim, catalog: Catalog, data_dir: Path) -> AsyncIterator[House]:
    """A house that observes all projects."""
    async with house_of(pypi, catalog, data_dir, watcher=Watcher(inventory=Inventory.ALL)) as house:
        yield house


async def test_with_all_the_first_sweep_comes_at_once_and_wants_every_name(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Later ones come as always, also in the next process, and want only who is new."""
    for name in ("a", "b", "Known.Too"):
        pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    async with watching_all(pypi, catalog, tmp_path) as house:
        await house.poll()
        await house.page("known-too")

        assert await house.sweep() == Swept(listed=3, missing=0, proposed=0, added=2)
        assert await house.sweep() is None

    async with watching_all(pypi, catalog, tmp_path) as house:
        assert await house.sweep() is None
        pypi.upload("c", "1.0", uploaded_at=long_ago(pypi, days=200))
        pypi.advance(INTERVAL)
        assert await house.sweep() == Swept(listed=4, missing=0, proposed=0, added=1)


def project(
    *, page: int | None = 5, closed: int | None = None, quarantined: bool = False, seen: timedelta = INTERVAL
) -> KnownProject:
    """One that is known, seen so long ago."""
    serials = [None if serial is None else Serial(serial) for serial in (page, closed)]
    return KnownProject(ProjectName("demo"), serials[0], serials[1], quarantined, NOW - seen)


@pytest.mark.parametrize(
    ("listed", "found", "news"),
    [
        ({"demo": 5}, project(), False),
        ({"demo": 4}, project(), False),
        ({"demo": 6}, project(), True),
        ({"demo": None}, project(), False),
        ({"demo": 6}, project(page=None), False),
        ({}, project(), True),
        ({}, project(seen=timedelta(minutes=30)), False),
        ({}, project(quarantined=True), False),
        ({"demo": 6}, project(quarantined=True), True),
        ({}, project(closed=9), False),
        ({"demo": 9}, project(closed=9), False),
        ({"demo": 10}, project(closed=9), True),
        ({"demo": None}, project(closed=9), False),
    ],
)
def test_what_the_list_says_is_compared_with_what_is_known(
    listed: Mapping[ProjectName, Serial | None], found: KnownProject, news: bool
) -> None:
    """A list may be older than our page, and leaves out who is in quarantine."""
    assert is_news(Listing(listed), found, NOW) is news


def test_only_who_should_be_listed_counts_as_missing() -> None:
    """What is listed with an old serial is not missing."""
    assert lacks(Listing({}), project(), NOW)
    assert not lacks(Listing({ProjectName("demo"): None}), project(), NOW)
