"""Several processes that want the same page ask upstream for it once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mirror import refresh
from mirror.catalog.claims import Claim, connected
from mirror.catalog.database import Catalog
from mirror.errors import BusyElsewhereError, UpstreamUnavailableError
from mirror.names import ProjectName
from mirror.refresh import Refreshed
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of

DEMO = ProjectName("demo")


@asynccontextmanager
async def two_houses(pypi: PyPISim, catalog: Catalog, directory: Path) -> AsyncIterator[tuple[House, House]]:
    async with house_of(pypi, catalog, directory / "a") as one, house_of(pypi, catalog, directory / "b") as other:
        yield one, other


async def both(one: House, other: House) -> list[Refreshed | BaseException]:
    """What both get who want the page at the same time: neither begins before the other waits for it, too."""
    async with connected(one.catalog.url) as third:
        claim = await third.try_claim("page demo")
        assert claim is not None
        tried = [_tried(house) for house in (one, other)]
        wanting = [asyncio.create_task(house.refresher.refresh(DEMO)) for house in (one, other)]
        await asyncio.gather(*(event.wait() for event in tried))
        await claim.release()
        return list(await asyncio.gather(*wanting, return_exceptions=True))


def _tried(house: House) -> asyncio.Event:
    """Set as soon as this house has tried to claim something."""
    claims, tried = house.refresher._claims, asyncio.Event()
    original = claims.try_claim

    async def try_claim(name: str) -> Claim | None:
        claim = await original(name)
        tried.set()
        return claim

    claims.try_claim = try_claim  # type: ignore[method-assign]  # a fake that only listens
    return tried


def asked(pypi: PyPISim) -> int:
    return pypi.count(path="/simple/demo/")


async def test_the_second_takes_what_the_first_brought(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """New where it is new, the same where it is that."""
    pypi.upload("demo", "1.0")
    async with two_houses(pypi, catalog, tmp_path) as (one, other):
        first = await both(one, other)
        again = await both(one, other)

    assert (first, again) == ([Refreshed.NEW] * 2, [Refreshed.SAME] * 2)
    assert asked(pypi) == 2


async def test_what_failed_for_one_the_other_tries_for_itself(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """One after the other, since the catalog knows nothing newer."""
    pypi.upload("demo", "1.0")
    pypi.faults.page("demo", "503html")
    async with two_houses(pypi, catalog, tmp_path) as (one, other):
        outcomes = await both(one, other)

    assert [type(outcome) for outcome in outcomes] == [UpstreamUnavailableError] * 2
    assert asked(pypi) == 2


async def test_nobody_waits_for_ever_for_another(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes too long is left behind, and upstream is not bothered by two at a time."""
    monkeypatch.setattr(refresh, "_LONGEST_WAIT_FOR_OTHERS_SECONDS", 0.2)
    pypi.upload("demo", "1.0")
    async with connected(catalog.url) as slow, house_of(pypi, catalog, tmp_path) as house:
        claim = await slow.try_claim("page demo")
        assert claim is not None

        with pytest.raises(BusyElsewhereError):
            await house.refresher.refresh(DEMO)

        assert asked(pypi) == 0
        await claim.release()
        assert await house.refresher.refresh(DEMO) is Refreshed.NEW
