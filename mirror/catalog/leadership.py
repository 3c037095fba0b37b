"""Who of several watchers does what only one may do.

The leader holds an advisory lock with a connection of its own, outside the pool, and says something over it every few
seconds. One that dies, is paused or is cut off falls silent, PostgreSQL ends its session, and the lock is free for
another. One that was paused does not know that yet when it wakes up: therefore each time of leading has a number, the
term, and what a leader writes it writes through `Led`, whose transactions are refused once another term has begun.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NewType, TypeAlias

import asyncpg
import structlog

from mirror.catalog import locks
from mirror.catalog.database import FAILURES, Catalog, Connection
from mirror.errors import NotTheLeaderError
from mirror.meanwhile import meanwhile

if TYPE_CHECKING:
    _OwnConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]

log = structlog.get_logger()

Term = NewType("Term", int)
"""One time of leading; a later one has a higher number."""

_CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly leadership passes on. Who says nothing for `silence` leads no longer, by PostgreSQL's own clock."""

    silence: timedelta = timedelta(seconds=15)
    say_something_every: timedelta = timedelta(seconds=3)
    try_every: timedelta = timedelta(seconds=2)


PACE = Pace()
"""Slow enough for a busy process and a busy database, quick enough that no deletion waits long."""


class Led(Catalog):
    """The catalog as the leader of one term uses it: once another term has begun it writes nothing more."""

    def __init__(self, catalog: Catalog, term: Term, *, silence: timedelta) -> None:
        super().__init__(catalog._pool, catalog.url)  # noqa: SLF001 - of the class that this one extends
        self.term = term
        self._silence = _milliseconds(silence)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """As `Catalog.writing`; raises NotTheLeaderError where another term has begun.

        None can begin before the transaction ends. Therefore one that is paused in the middle is ended as well.
        """
        async with super().writing() as conn:
            await conn.execute("select set_config('idle_in_transaction_session_timeout', $1, true)", self._silence)
            if not await conn.fetchval("select true from leadership where term = $1 for share", self.term):
                raise NotTheLeaderError(f"another watcher leads since term {self.term}")
            yield conn


@asynccontextmanager
async def competing(
    catalog: Catalog, *, holder: str, lead: Callable[[Led], AbstractAsyncContextManager[None]], pace: Pace
) -> AsyncIterator[None]:
    """Competes for leadership meanwhile. `lead` is entered whenever it is won, and left when it is lost or given up.

    Any number compete on one database; `holder` is what the others are told of this one.
    """
    async with meanwhile(_compete(catalog, holder, lead, pace), name="compete for leadership"):
        yield


async def _compete(
    catalog: Catalog, holder: str, lead: Callable[[Led], AbstractAsyncContextManager[None]], pace: Pace
) -> None:
    following: str | None = None
    while True:
        try:
            async with _own_connection(catalog.url, pace) as conn:
                while (term := await _win(conn, holder)) is None:
                    if following != (following := await _leader(conn)):
                        log.info("watch.following", leader=following)
                    await asyncio.sleep(pace.try_every.total_seconds())
                following = None
                log.info("watch.leading", term=term)
                async with lead(Led(catalog, term, silence=pace.silence)):
                    await _say_something(conn, pace)
        except FAILURES as e:
            log.debug("watch.not_leading", error=str(e))
            await asyncio.sleep(pace.try_every.total_seconds())
        except Exception:
            # Whatever it is, a watcher that silently never leads again would be worse.
            log.exception("watch.leading_crashed")
            await asyncio.sleep(pace.try_every.total_seconds())


@asynccontextmanager
async def _own_connection(url: str, pace: Pace) -> AsyncIterator["_OwnConnection"]:
    settings = {
        "application_name": "everpin leadership",
        "idle_session_timeout": _milliseconds(pace.silence),
        "timezone": "UTC",
    }
    conn = await asyncpg.connect(
        url, timeout=_CONNECT_SECONDS, command_timeout=pace.silence.total_seconds() / 3, server_settings=settings
    )
    try:
        yield conn
    finally:
        # Closed, and with it the lock let go, also where this task is being cancelled.
        with suppress(*FAILURES):
            await conn.close(timeout=_CLOSE_SECONDS)


async def _win(conn: "_OwnConnection", holder: str) -> Term | None:
    if not await conn.fetchval("select pg_try_advisory_lock($1)", locks.LEADERSHIP):
        return None
    return Term(
        await conn.fetchval("update leadership set term = term + 1, holder = $1, since = now() returning term", holder)
    )


async def _leader(conn: "_OwnConnection") -> str:
    leader: str = await conn.fetchval("select holder from leadership")
    return leader


async def _say_something(conn: "_OwnConnection", pace: Pace) -> None:
    """Goes on until the connection is of no use any more; then it returns."""
    try:
        while True:
            await asyncio.sleep(pace.say_something_every.total_seconds())
            await conn.execute("select 1")
    except FAILURES as e:
        log.warning("watch.leadership_lost", error=str(e))


def _milliseconds(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))
