"""A catalog to deliver from, for each test that wants one."""

from collections.abc import AsyncIterator

import pytest_asyncio

from mirror.catalog.database import Catalog
from tests.watcher.webhooks.deliveries import Office, office_of


@pytest_asyncio.fixture
async def office(catalog: Catalog) -> AsyncIterator[Office]:
    """One in which nothing was told yet."""
    async with office_of(catalog) as office:
        yield office
