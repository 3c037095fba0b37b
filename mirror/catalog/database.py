"""Connections, transactions and migrations.

Whatever PostgreSQL or the way to it does wrong arrives as `CatalogUnavailableError`; nobody else imports asyncpg.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
import structlog

from mirror.catalog import locks
from mirror.errors import CatalogUnavailableError, StartError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Record: TypeAlias = asyncpg.Record
else:
    Connection = asyncpg.Connection
    Record = asyncpg.Record

log = structlog.get_logger()

FAILURES: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # how a connection that is torn down in the middle of a call can look
)
"""What a connection can fail by, for who holds one of its own beside the pool."""

_CONNECT_TIMEOUT_SECONDS = 10
_COMMAND_TIMEOUT_SECONDS = 60
# An index on the files of a whole PyPI takes minutes to build; one that is given up would be begun anew for ever.
_MIGRATION_TIMEOUT_SECONDS = 24 * 3_600
_MIGRATION_NAME = re.compile(r"\A(\d{4})_[a-z0-9_]+\.sql\Z")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str
    sql: str


class Catalog:
    """A pool of connections to one database."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", url: str) -> None:
        self._pool = pool
        self.url = url

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for statements that are each their own transaction."""
        async with self._connection() as conn:
            yield conn

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A connection inside one transaction, committed at the end, rolled back by any exception."""
        async with self._connection() as conn, conn.transaction():
            yield conn

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with _translated():
            try:
                conn = await self._pool.acquire(timeout=_CONNECT_TIMEOUT_SECONDS)
            except TimeoutError as e:
                raise CatalogUnavailableError(
                    f"no connection to the database became free within {_CONNECT_TIMEOUT_SECONDS:.0f} s"
                ) from e
            except OSError as e:
                # Also a socket that is not there while the server is down, or a name that nobody resolves. Only here:
                # a file that is missing for what is done inside is not the database's failure.
                raise CatalogUnavailableError(f"the database cannot be reached: {_first_line(e)}") from e
            try:
                yield conn
            finally:
                await self._pool.release(conn)


@asynccontextmanager
async def opened(url: str, *, pool_size: int) -> AsyncIterator[Catalog]:
    """A catalog whose connections are closed at the end. Raises StartError where the database cannot be reached."""
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=pool_size,
            timeout=_CONNECT_TIMEOUT_SECONDS,
            command_timeout=_COMMAND_TIMEOUT_SECONDS,
            server_settings={
                "application_name": "everpin",
                # Plans must not depend on values; and JIT costs more than it saves on lookups.
                "jit": "off",
                "timezone": "UTC",
                # A process that is paused in the middle of a transaction must not hold up all others with its locks.
                "idle_in_transaction_session_timeout": "30s",
            },
        )
    except ValueError as e:
        # Such a sentence may quote the part of the URL it stumbled over, and that may be the password.
        raise StartError("database.url is not a usable PostgreSQL URL; write postgresql://user@host/database") from e
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as e:
        raise StartError(f"the database cannot be reached ({_first_line(e)}); check database.url") from e
    try:
        yield Catalog(pool, url)
    finally:
        await _close(pool)


async def still_here(conn: Connection) -> None:
    """Says something inside a transaction that has long been busy without it: one that says nothing is ended."""
    await conn.execute("select 1")


async def migrate(catalog: Catalog) -> list[str]:
    """Brings the schema up to date and returns the names of the migrations that ran. Safe to run concurrently."""
    async with catalog.reading() as conn:
        # Polled: one who waits inside pg_advisory_lock deadlocks with CREATE INDEX CONCURRENTLY.
        while not await conn.fetchval("select pg_try_advisory_lock($1)", locks.MIGRATIONS):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.1)
        try:
            ran = []
            for migration in await _missing(conn):
                async with conn.transaction():
                    await conn.execute(migration.sql, timeout=_MIGRATION_TIMEOUT_SECONDS)
                    await conn.execute(
                        "insert into migrations (number, name) values ($1, $2)", migration.number, migration.name
                    )
                log.info("catalog.migrated", migration=migration.name)
                ran.append(migration.name)
            return ran
        finally:
            await conn.fetchval("select pg_advisory_unlock($1)", locks.MIGRATIONS)


async def require_schema(catalog: Catalog) -> None:
    """Raises StartError unless every migration of this version has run."""
    async with catalog.reading() as conn:
        missing = await _missing(conn)
    if missing:
        raise StartError(f"the database is not migrated ({missing[0].name} is missing); run `everpin migrate` first")


def migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    found = [
        Migration(int(matched[1]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in resources.files("mirror.catalog").joinpath("migrations").iterdir()
        if (matched := _MIGRATION_NAME.match(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


async def _missing(conn: Connection) -> list[Migration]:
    await conn.execute(
        "create table if not exists migrations"
        " (number integer primary key, name text not null, ran_at timestamptz not null default now())"
    )
    done = {record["number"] for record in await conn.fetch("select number from migrations")}
    return [migration for migration in migrations() if migration.number not in done]


async def _close(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    try:
        await asyncio.wait_for(pool.close(), timeout=5)
    except TimeoutError:
        pool.terminate()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # how a connection that is torn down in the middle of a call can look
        ConnectionError,
        TimeoutError,
    ) as e:
        raise CatalogUnavailableError(f"the database failed: {_first_line(e)}") from e


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
