"""A running everpin and its clients for each journey."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journeys.installers import Installer, pip_in, uv_in
from tests.journeys.processes import Everpin, running
from tests.journeys.users import Users
from tests.pypi_sim import PyPISim


@pytest_asyncio.fixture
async def everpin(pypi: PyPISim, reachable_tmp_path: Path) -> AsyncIterator[Everpin]:
    """`everpin up` on an empty data directory; it has read the journal of the still empty upstream."""
    command = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url)
    async with running(command):
        yield command


@pytest.fixture
def pip(tmp_path: Path) -> Installer:
    """pip, with fresh directories to install into."""
    return pip_in(tmp_path)


@pytest.fixture
def uv(tmp_path: Path) -> Installer:
    """uv, with fresh directories to install into."""
    return uv_in(tmp_path)


@pytest.fixture
def installers(pip: Installer, uv: Installer) -> tuple[Installer, ...]:
    """Both."""
    return pip, uv


@pytest.fixture
def users(everpin: Everpin, installers: tuple[Installer, ...], tmp_path: Path) -> Users:
    """All who install from the running everpin."""
    return Users(everpin, installers, tmp_path)
