"""A whole everpin for each test that wants one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from mirror.catalog.database import Catalog
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of


@pytest_asyncio.fixture
async def house(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """Everpin against an empty simulated PyPI, whose journal it already watches."""
    async with house_of(pypi, catalog, tmp_path) as house:
        await house.poll()
        yield house
