"""A running simulator and a client for it."""

from collections.abc import AsyncIterator

import pytest

from tests.pypi_sim import PyPISim
from tests.pypi_sim_tests.client import Client, client


@pytest.fixture
async def sim() -> AsyncIterator[PyPISim]:
    """An empty index that listens."""
    async with PyPISim() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[Client]:
    """A client without manners of its own."""
    async with client() as ready:
        yield ready
