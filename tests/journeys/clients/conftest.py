"""The programs, each installed when a test first wants it."""

from pathlib import Path

import pytest

from tests.journeys.clients.programs import installed
from tests.journeys.clients.stories import Upstream, stocked
from tests.pypi_sim import PyPISim


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where they are installed."""
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="session")
def poetry(programs: Path) -> Path:
    """The directory with `poetry`."""
    return installed("poetry", programs)


@pytest.fixture(scope="session")
def pdm(programs: Path) -> Path:
    """The directory with `pdm`."""
    return installed("pdm", programs)


@pytest.fixture(scope="session")
def pip_tools(programs: Path) -> Path:
    """The directory with `pip-compile` and `pip-sync`."""
    return installed("pip-tools", programs)


@pytest.fixture(scope="session")
def pip_audit(programs: Path) -> Path:
    """The directory with `pip-audit`."""
    return installed("pip-audit", programs)


@pytest.fixture(scope="session")
def bandersnatch(programs: Path) -> Path:
    """The directory with `bandersnatch`."""
    return installed("bandersnatch", programs)


@pytest.fixture(scope="session")
def oldest_pip(programs: Path) -> Path:
    """The directory with the oldest pip that Python 3.11 runs."""
    return installed("pip-oldest", programs)


@pytest.fixture
def upstream(pypi: PyPISim) -> Upstream:
    """What there is to install."""
    return stocked(pypi)
