"""What tells of news: the journal, and while it cannot be read the feed of new releases."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mirror.catalog.database import Catalog
from mirror.catalog.news import News, Source
from mirror.errors import CatalogUnavailableError
from mirror.setting_values import Inventory, JournalSource
from tests.mirror.web.clients import ask
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, long_ago
from tests.watcher.news_sources import house_with, news_of, poller_of, position_of, until_gap, until_source_is
from tests.watcher.test_polling_journal import broken

Fault = Literal["503html", "gone", "garbage", "fault"]


@pytest.mark.parametrize("fault", ["503html", "gone", "garbage", "fault"])
async def test_a_journal_that_cannot_be_read_is_replaced_and_taken_back(
    auto: House, pypi: PyPISim, fault: Fault
) -> None:
    """New releases are noticed meanwhile; when the journal answers again nothing that it says is lost."""
    poller = poller_of(auto)
    before = await position_of(auto)
    pypi.faults.xmlrpc = fault
    await until_source_is(auto, poller, Source.RSS)
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=1))
    pypi.delete_release("demo", "1.0")
    await poller.tick()
    during = (await auto.memory("demo")).project.refresh_at
    unmoved = await position_of(auto)
    pypi.faults.xmlrpc = None

    await until_source_is(auto, poller, Source.CHANGELOG)

    assert during is not None
    assert unmoved == before
    assert (await position_of(auto)).serial == pypi.last_serial
    assert [kind for kind in await auto.kinds() if kind != "gap"] == ["release.deleted demo 1.0"]


async def test_a_gap_is_told_when_it_is_noticed_and_when_it_is_over(auto: House, pypi: PyPISim) -> None:
    """From the last time that the journal was read, until it was read again; the second event supersedes the first."""
    poller = poller_of(auto)
    read_at = (await position_of(auto)).checked_at
    pypi.faults.xmlrpc = "gone"
    await until_source_is(auto, poller, Source.RSS)
    pypi.faults.xmlrpc = None
    await until_source_is(auto, poller, Source.CHANGELOG)

    begun, over = await auto.payloads()

    events = await auto.events()
    assert [payload.kind for payload in (begun, over)] == ["gap", "gap"]
    assert (begun.project, begun.evidence, begun.supersedes, over.supersedes) == (None, None, None, events[0].id)
    assert begun.period is not None
    assert over.period is not None
    assert (begun.period.since, begun.period.until, begun.period.recovered) == (read_at, None, None)
    assert (over.period.since, over.period.until, over.period.recovered) == (read_at, over.observed_at, True)


async def test_a_gap_is_told_once_however_many_lead_meanwhile(auto: House, pypi: PyPISim) -> None:
    """Who begins to lead goes on with what the one before had found, and asks the feed at once."""
    pypi.faults.xmlrpc = "503html"
    await until_source_is(auto, poller_of(auto), Source.RSS)
    for _ in range(3):
        successor = poller_of(auto)
        asked = pypi.count(kind="rss")
        for _ in range(4):
            await successor.tick()
        await until_source_is(auto, successor, Source.RSS)
        assert pypi.count(kind="rss") > asked
    pypi.faults.xmlrpc = None
    for _ in range(3):
        await until_source_is(auto, poller_of(auto), Source.CHANGELOG)

    assert await auto.kinds() == ["gap", "gap"]


async def test_a_gap_that_could_not_be_stored_is_told_later_and_once(auto: House, pypi: PyPISim) -> None:
    """Source, gap and event are one transaction."""
    poller = poller_of(auto)
    pypi.faults.xmlrpc = "gone"
    async with broken(auto, "events"):
        with pytest.raises(CatalogUnavailableError):
            await until_source_is(auto, poller, Source.RSS)
        during = await news_of(auto)

    await until_source_is(auto, poller, Source.RSS)

    assert during == News(Source.CHANGELOG, None, is_set_back=False)
    assert await auto.kinds() == ["gap"]


async def test_a_few_failures_change_nothing(auto: House, pypi: PyPISim) -> None:
    """Twice, or for moments: that happens every day."""
    poller = poller_of(auto)
    pypi.faults.xmlrpc = "503html"
    pypi.advance(timedelta(hours=1))
    asked = pypi.count(kind="xmlrpc")
    await poller.tick()

    async def has_asked_twice() -> bool:
        if pypi.count(kind="xmlrpc") < asked + 2:
            await poller.tick()
        return pypi.count(kind="xmlrpc") == asked + 2

    await eventually(has_asked_twice)

    assert await news_of(auto) == News(Source.CHANGELOG, None, is_set_back=False)
    assert await auto.kinds() == []


async def test_a_rate_limit_of_known_length_is_no_failure(auto: House, pypi: PyPISim) -> None:
    """The journal is there and says when it will answer."""
    pypi.advance(timedelta(hours=1))
    pypi.faults.xmlrpc = "ratelimit"

    for _ in range(5):
        poller = poller_of(auto)
        # The pause itself belongs to the client; a successor that knows nothing of it asks at once.
        auto.client._not_before = 0.0
        await poller.tick()
        assert poller._with_journal.failures == 0

    assert await news_of(auto) == News(Source.CHANGELOG, None, is_set_back=False)


async def test_a_rate_limit_without_end_is_one(auto: House, pypi: PyPISim) -> None:
    """However politely it is announced: what is removed meanwhile is not told."""
    pypi.faults.xmlrpc = "ratelimit"
    poller = poller_of(auto)
    for _ in range(3):
        auto.client._not_before = 0.0
        await poller.tick()
        pypi.advance(timedelta(minutes=4))

    assert (await news_of(auto)).source is Source.RSS
    assert await auto.kinds() == ["gap"]


async def test_told_to_use_the_journal_alone_it_asks_no_feed(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """The gap is told all the same."""
    async with house_with(pypi, catalog, tmp_path, JournalSource.CHANGELOG) as house:
        await house.poll()
        poller = poller_of(house)
        pypi.faults.xmlrpc = "gone"
        await until_gap(house, poller, is_open=True)
        during = await news_of(house)
        pypi.faults.xmlrpc = None
        await until_gap(house, poller, is_open=False)

        assert during.source is Source.CHANGELOG
        assert pypi.count(kind="rss") == 0
        assert await house.kinds() == ["gap", "gap"]


async def test_told_to_use_the_feed_alone_it_never_asks_the_journal(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Nor is there a gap in a journal that nobody ever read."""
    async with house_with(pypi, catalog, tmp_path, JournalSource.RSS) as house:
        pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
        await house.page("demo")
        poller = poller_of(house)
        await poller.tick()
        await house.refresh()
        pypi.upload("demo", "1.1")
        await poller.tick()
        await house.refresh()

        assert pypi.count(kind="xmlrpc") == 0
        assert len(await house.states("demo")) == 2
        assert await house.kinds() == []
        assert not house.pages.is_vouched_for()


async def test_whoever_turns_from_the_feed_to_the_journal_goes_on_from_the_cursor(
    auto: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Settings change between two starts; the catalog follows them, and nothing is missed."""
    async with house_with(pypi, catalog, tmp_path / "rss", JournalSource.RSS) as house:
        await poller_of(house).tick()
        pypi.delete_release("demo", "1.0")
        await poller_of(house).tick()
        during = (await news_of(house)).source
    async with house_with(pypi, catalog, tmp_path / "changelog", JournalSource.CHANGELOG) as house:
        await poller_of(house).tick()

        assert during is Source.RSS
        assert await news_of(house) == News(Source.CHANGELOG, None, is_set_back=False)
        assert await house.kinds() == ["gap", "release.deleted demo 1.0", "gap"]


async def test_only_what_is_new_in_the_feed_is_asked_for(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """What it listed before was seen to before."""
    async with house_with(pypi, catalog, tmp_path, JournalSource.RSS) as house:
        for name in ("old", "new"):
            pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
            await house.page(name)
        poller = poller_of(house)
        first = await poller.tick()
        await house.refresh()
        second = await poller.tick()
        pypi.upload("new", "1.1")
        third = await poller.tick()

        assert (first, second, third) == (2, 0, 1)
        assert (await house.memory("old")).project.refresh_at is None
        assert (await house.memory("new")).project.refresh_at is not None


@pytest.mark.parametrize(("inventory", "wanted"), [(Inventory.KNOWN, []), (Inventory.TOUCHED, ["unheard"])])
async def test_unknown_projects_in_the_feed_are_wanted_where_the_inventory_says_so(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path, inventory: Inventory, wanted: list[str]
) -> None:
    """As those that a row of the journal names."""
    async with house_with(pypi, catalog, tmp_path, JournalSource.RSS, inventory) as house:
        pypi.upload("unheard", "1.0")

        await poller_of(house).tick()

        async with catalog.reading() as conn:
            assert [record["name"] for record in await conn.fetch("select name from wanted_projects")] == wanted


async def test_a_feed_that_is_not_well_either_is_left_alone_for_a_while(auto: House, pypi: PyPISim) -> None:
    """And costs the journal nothing."""
    poller = poller_of(auto)
    pypi.faults.xmlrpc, pypi.faults.updates = "503html", "503html"
    await until_source_is(auto, poller, Source.RSS)
    pypi.faults.xmlrpc = None

    await until_source_is(auto, poller, Source.CHANGELOG)

    assert await auto.kinds() == ["gap", "gap"]


async def test_health_says_what_tells_of_news(auto: House, pypi: PyPISim) -> None:
    """Ready all the same, degraded meanwhile; and as a figure."""
    poller = poller_of(auto)
    pypi.faults.xmlrpc = "gone"
    await until_source_is(auto, poller, Source.RSS)
    during = (json.loads((await ask(auto, "/readyz")).text), await _sources(auto))
    pypi.faults.xmlrpc = None
    await until_source_is(auto, poller, Source.CHANGELOG)
    # The patience of readyz is three intervals, which are short here.
    pypi.clock.freeze((await position_of(auto)).checked_at)

    after = (json.loads((await ask(auto, "/readyz")).text), await _sources(auto))

    assert (during[0]["status"], during[0]["source"], during[0]["degraded"]) == ("ready", "rss", ["journal"])
    assert (after[0]["status"], after[0]["source"], after[0]["degraded"]) == ("ready", "changelog", [])
    assert during[1] == {"changelog": 0, "rss": 1}
    assert after[1] == {"changelog": 1, "rss": 0}


async def _sources(house: House) -> dict[str, float]:
    text = (await ask(house, "/metrics")).text
    (family,) = [family for family in text_string_to_metric_families(text) if family.name == "everpin_source"]
    return {sample.labels["source"]: sample.value for sample in family.samples}
