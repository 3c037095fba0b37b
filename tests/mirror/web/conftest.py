"""A whole everpin for each test of what clients see."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from mirror.catalog.database import Catalog
from tests.mirror.web.clients import CountingCatalog
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of


@pytest_asyncio.fixture
async def counting(catalog: Catalog) -> CountingCatalog:
    """The test's catalog, which counts how often it is used."""
    return CountingCatalog(catalog)


@pytest_asyncio.fixture
async def house(pypi: PyPISim, counting: CountingCatalog, tmp_path: Path) -> AsyncIterator[House]:
    """Everpin against an empty simulated PyPI, whose journal it already watches and which vouches for its pages."""
    async with house_of(pypi, counting, tmp_path) as house:
        await house.vouched()
        yield house
