"""A catalog as the watcher has it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from mirror.catalog import journal
from mirror.catalog.database import Catalog
from tests.mirror.changes.histories import NOW
from tests.mirror.observe.observations import START


@pytest_asyncio.fixture
async def watched(catalog: Catalog) -> AsyncIterator[Catalog]:
    """A catalog in which the journal was read up to `START`."""
    async with catalog.writing() as conn:
        assert await journal.begin(conn, START, now=NOW)
    yield catalog
