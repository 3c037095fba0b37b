"""Opening, migrating and losing a database."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from mirror import clock
from mirror.catalog import instance
from mirror.catalog.database import Catalog, migrate, migrations, opened, require_schema
from mirror.errors import CatalogUnavailableError, StartError


@pytest_asyncio.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """A database without any table."""
    conn = await asyncpg.connect(postgres_url)
    await conn.execute("create database bare")
    yield postgres_url.replace("/everpin?", "/bare?")
    await conn.execute("drop database bare with (force)")
    await conn.close()


def test_migrations_are_numbered_without_gaps() -> None:
    """The order in which they run is the order of their numbers, from 1 on."""
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


async def test_migrating_twice_at_once_runs_each_migration_once(empty_url: str) -> None:
    """Processes that start together do not get in each other's way."""
    async with opened(empty_url, pool_size=2) as one, opened(empty_url, pool_size=2) as other:
        ran = await asyncio.gather(migrate(one), migrate(other))
        again = await migrate(one)

    assert sorted(ran, key=len) == [[], [migration.name for migration in migrations()]]
    assert again == []


async def test_an_old_schema_is_refused_with_the_way_out(empty_url: str) -> None:
    """A database that lacks a migration is not used."""
    async with opened(empty_url, pool_size=2) as catalog:
        with pytest.raises(StartError, match=r"not migrated \(0001_create.sql is missing\); run `everpin migrate`"):
            await require_schema(catalog)


async def test_a_migrated_schema_is_accepted(catalog: Catalog) -> None:
    """Nothing is missing after all migrations ran."""
    await require_schema(catalog)

    assert await migrate(catalog) == []


async def test_an_unreachable_database_is_told_in_one_line() -> None:
    """Nothing listens there."""
    with pytest.raises(StartError, match="the database cannot be reached") as refusal:
        async with opened("postgresql://nobody@127.0.0.1:1/nothing", pool_size=2):
            pass

    assert "\n" not in str(refusal.value)


async def test_a_connection_that_breaks_is_not_mistaken_for_an_answer(catalog: Catalog, database_url: str) -> None:
    """The one who asked learns that the catalog could not be asked; the next one gets a new connection."""
    killer = await asyncpg.connect(database_url)

    async def interrupted() -> None:
        async with catalog.reading() as conn:
            pid = await conn.fetchval("select pg_backend_pid()")
            await killer.execute("select pg_terminate_backend($1)", pid)
            await conn.fetchval("select 1")

    with pytest.raises(CatalogUnavailableError):
        await interrupted()
    await killer.close()

    async with catalog.reading() as conn:
        assert await conn.fetchval("select 1") == 1


async def test_a_transaction_that_fails_leaves_nothing(catalog: Catalog) -> None:
    """An error of ours rolls back as one of PostgreSQL's would."""

    async def failing() -> None:
        async with catalog.writing() as conn:
            await instance.ensure(conn, "http://index.example.org/simple/", now=clock.now())
            raise StartError("enough")

    with pytest.raises(StartError, match="enough"):
        await failing()

    async with catalog.reading() as conn:
        with pytest.raises(StartError, match="the database is empty"):
            await instance.read(conn)


async def test_a_database_belongs_to_one_index(catalog: Catalog) -> None:
    """What is remembered of one index must not be served as another's."""
    async with catalog.writing() as conn:
        first = await instance.ensure(conn, "http://one.example.org/simple/", now=clock.now())
        again = await instance.ensure(conn, "http://one.example.org/simple/", now=clock.now())
    assert first == again

    with pytest.raises(StartError, match=r"this database mirrors http://one\.example\.org/simple/, not http://other"):
        async with catalog.writing() as conn:
            await instance.ensure(conn, "http://other.example.org/simple/", now=clock.now())


async def test_file_hosts_are_frozen_once(catalog: Catalog) -> None:
    """A later page cannot add hosts that files are fetched from."""
    async with catalog.writing() as conn:
        await instance.ensure(conn, "http://one.example.org/simple/", now=clock.now())
        await instance.freeze_file_hosts(conn, ["one.example.org"])
        await instance.freeze_file_hosts(conn, ["evil.example.org"])
        found = await instance.read(conn)

    assert found.file_hosts == ("one.example.org",)


async def test_a_server_that_is_away_is_told_apart_from_a_defect() -> None:
    """A Unix socket is not there while its server is down; that too means that the catalog could not be asked."""
    async with asyncpg.create_pool("postgresql://nobody@/nothing?host=/nowhere", min_size=0) as pool:
        catalog = Catalog(pool, "")

        for connection in (catalog.reading, catalog.writing):
            with pytest.raises(CatalogUnavailableError, match="the database cannot be reached"):
                await connection().__aenter__()


async def test_what_fails_beside_the_database_is_not_blamed_on_it(catalog: Catalog) -> None:
    """A file that is missing is a file that is missing, also in the middle of a transaction."""
    with pytest.raises(FileNotFoundError):
        async with catalog.writing():
            raise FileNotFoundError("a file")
