"""A whole everpin for each test that wants one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from mirror.catalog.database import Catalog
from mirror.setting_values import JournalSource
from tests.osv_sim import OsvSim
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago
from tests.watcher.news_sources import house_with


@pytest_asyncio.fixture
async def house(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """Everpin against an empty simulated PyPI, whose journal it already watches."""
    async with house_of(pypi, catalog, tmp_path) as house:
        await house.poll()
        yield house


@pytest_asyncio.fixture
async def osv(pypi: PyPISim) -> AsyncIterator[OsvSim]:
    """A source of advisories that knows none yet."""
    async with OsvSim(pypi.now) as osv:
        yield osv


@pytest_asyncio.fixture
async def auto(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """A house that takes what it can get, and knows the journal and one project."""
    async with house_with(pypi, catalog, tmp_path, JournalSource.AUTO) as house:
        pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
        await house.poll()
        await house.page("demo")
        yield house
