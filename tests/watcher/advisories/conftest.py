"""An everpin that is about to read a source of advisories."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from mirror.catalog.database import Catalog
from mirror.setting_sections import Safety
from tests.osv_sim import OsvSim
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of


@pytest_asyncio.fixture
async def house(pypi: PyPISim, osv: OsvSim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """Everpin that has not read any yet."""
    async with house_of(pypi, catalog, tmp_path, safety=Safety(osv_url=osv.url)) as house:
        await house.poll()
        yield house
