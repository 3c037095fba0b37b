"""A terminal for each test of the command line."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.pypi_sim import PyPISim
from tests.watcher.cli.shells import Operator, Shell
from tests.watcher.houses import House


@pytest_asyncio.fixture
async def shell(reachable_tmp_path: Path, pypi: PyPISim) -> AsyncIterator[Shell]:
    """Somebody at a terminal, with a data directory that is not there yet."""
    yield Shell(reachable_tmp_path / "data", pypi.index_url)


@pytest.fixture
def operator(shell: Shell, house: House, database_url: str) -> Operator:
    """Somebody at a terminal beside an everpin that serves."""
    return Operator(shell, house, database_url)
