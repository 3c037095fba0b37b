"""What tests share: one real PostgreSQL, a fresh database for each test that wants one, a simulated PyPI."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from mirror.catalog.database import Catalog, migrate, opened
from mirror.postgres import embedded
from tests.pypi_sim import PyPISim
from tests.reachable import reachable_directory
from tests.s3_server import S3Server, s3_environment, s3_server

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_dir() -> Iterator[Path]:
    """A directory that also the user PostgreSQL runs as can reach; pytest's own are private."""
    with reachable_directory() as path:
        yield path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_url(postgres_dir: Path) -> AsyncIterator[str]:
    """The address of a running PostgreSQL with a database in which every migration has run."""
    async with embedded(postgres_dir) as url:
        # A thousand databases come and go; none of them has to outlive a power cut.
        await _execute(url, "alter system set fsync = off")
        await _execute(url, "select pg_reload_conf()")
        await _execute(url, f"create database {_TEMPLATE}")
        async with opened(_named(url, _TEMPLATE), pool_size=2) as catalog:
            await migrate(catalog)
        yield url


@pytest_asyncio.fixture
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """The address of a database of the test's own, migrated and empty."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    await _execute(postgres_url, f"create database {name} template {_TEMPLATE}")
    yield _named(postgres_url, name)
    await _execute(postgres_url, f"drop database {name} with (force)")


@pytest_asyncio.fixture
async def catalog(database_url: str) -> AsyncIterator[Catalog]:
    """A catalog of the test's own."""
    async with opened(database_url, pool_size=8) as catalog:
        yield catalog


@pytest_asyncio.fixture
async def pypi() -> AsyncIterator[PyPISim]:
    """A simulated PyPI of the test's own."""
    async with PyPISim() as sim:
        yield sim


@pytest.fixture(scope="session")
def s3_process() -> Iterator[S3Server]:
    """A running S3 server."""
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(s3_process: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A running S3 server for buckets of the test's own, and the environment that programs find its keys in."""
    for name, value in s3_environment().items():
        monkeypatch.setenv(name, value)
    yield s3_process
    s3_process.clear()


@pytest.fixture
def reachable_tmp_path() -> Iterator[Path]:
    """A temporary directory that every user can enter, for data directories of commands that run as root."""
    with reachable_directory() as path:
        yield path


def _named(url: str, database: str) -> str:
    head, _, tail = url.partition("/everpin?")
    return f"{head}/{database}?{tail}"


async def _execute(url: str, statement: str) -> None:
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()
