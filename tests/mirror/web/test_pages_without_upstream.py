"""Pages while upstream is down, hangs or talks nonsense: what is known goes on being served, and says how old it is."""

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from mirror.catalog.database import Catalog
from mirror.catalog.notices import PagesChanged
from mirror.names import ProjectName
from tests.mirror.web.clients import ask, old_wheel, pages_asked
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, until

PageFault = Literal["503html", "garbage", "empty", "refuse", "hang"]
FAULTS: tuple[PageFault, ...] = ("503html", "garbage", "empty", "refuse", "hang")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_page_never_seen_cannot_be_had_now(house: House, pypi: PyPISim, fault: PageFault) -> None:
    """503 and a wait that pip can bear; never 404, which would send pip to another index. Soon after, it is there."""
    filename = old_wheel(pypi)
    pypi.faults.page("demo", fault)

    answer = await ask(house, "/simple/demo/")
    pypi.faults.page("demo", None)
    afterwards = await ask(house, "/simple/demo/")

    assert answer.status == 503
    assert 0 <= int(answer.headers["Retry-After"]) <= 2
    assert answer.headers["Cache-Control"] == "no-store"
    assert filename in afterwards.text


async def test_nobody_waits_for_a_first_page_longer_than_pip_does(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Upstream may hang for longer than a client waits: the answer comes before the client gives up."""
    old_wheel(pypi)
    async with house_of(pypi, catalog, tmp_path, upstream_timeout=timedelta(seconds=60)) as house:
        pypi.faults.page("demo", "hang")

        async with asyncio.timeout(14):
            answer = await ask(house, "/simple/demo/")

        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) <= 2


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_known_page_is_served_though_upstream_cannot_be_asked(
    house: House, pypi: PyPISim, fault: PageFault
) -> None:
    """It says its age, and upstream is not asked again for each client."""
    filename = old_wheel(pypi)
    await ask(house, "/simple/demo/")
    # Only then is the page in memory for good.
    await until(lambda: PagesChanged((ProjectName("demo"),)) in house.heard)
    pypi.advance(timedelta(minutes=6))
    pypi.faults.page("demo", fault)

    answers = [await ask(house, "/simple/demo/")]
    asked = pages_asked(pypi, "demo")
    answers += [await ask(house, "/simple/demo/") for _ in range(5)]
    together = await asyncio.gather(*(ask(house, "/simple/demo/") for _ in range(10)))

    for answer in itertools.chain(answers, together):
        assert answer.status == 200
        assert filename in answer.text
        assert int(answer.headers["X-Everpin-Stale"]) >= 360
    assert pages_asked(pypi, "demo") == asked


async def test_what_is_vouched_for_needs_no_upstream(house: House, pypi: PyPISim) -> None:
    """The journal answers, the index does not: a page that the journal calls unchanged is not stale."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    pypi.faults.page("demo", "hang")
    pypi.advance(timedelta(minutes=6))
    await house.vouched()

    answer = await ask(house, "/simple/demo/")

    assert answer.status == 200
    assert "X-Everpin-Stale" not in answer.headers
    assert pages_asked(pypi, "demo") == 1


async def test_a_mirror_that_starts_while_upstream_is_down_serves_what_it_knows(
    house: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """After a restart the memory is empty and nobody vouches; the catalog still has the page."""
    filename = old_wheel(pypi)
    await ask(house, "/simple/demo/")
    pypi.advance(timedelta(hours=5))
    await pypi.stop()

    async with house_of(pypi, catalog, tmp_path) as restarted:
        answers = [await ask(restarted, "/simple/demo/") for _ in range(3)]
        never_seen = await ask(restarted, "/simple/never-seen/")
        listing = await ask(restarted, "/simple/")

    assert all(answer.status == 200 and filename in answer.text for answer in answers)
    assert all(int(answer.headers["X-Everpin-Stale"]) >= 5 * 3600 for answer in answers)
    assert never_seen.status == 503
    assert "demo" in listing.text


async def test_one_hanging_page_delays_no_other(house: House, pypi: PyPISim) -> None:
    """Clients of other projects are answered while one page hangs."""
    old_wheel(pypi, "slow")
    old_wheel(pypi, "quick")
    pypi.faults.page("slow", "hang")
    waiting = asyncio.create_task(ask(house, "/simple/slow/"))
    await pypi.until(1, kind="page", path="/simple/slow/")

    quick = await ask(house, "/simple/quick/")

    assert quick.status == 200
    assert not waiting.done()
    assert (await waiting).status == 503


async def test_a_404_for_a_known_page_takes_nothing_away(house: House, pypi: PyPISim) -> None:
    """One answer that there is no such project is an observation, not a deletion; it is not asked for each client."""
    filename = old_wheel(pypi)
    await ask(house, "/simple/demo/")
    pypi.advance(timedelta(minutes=6))
    pypi.faults.page("demo", "404")

    answers = [await ask(house, "/simple/demo/") for _ in range(3)]

    assert all(answer.status == 200 and filename in answer.text for answer in answers)
    assert pages_asked(pypi, "demo") == 2
