"""Who of several processes does what one can do for all: fetch a file, ask for a page.

A claim is an advisory lock of a session of this process's own, beside the pool. PostgreSQL lets it go the moment the
process or its connection dies; one that falls silent without either, as a host that vanishes does, loses it after a
while. Claims only spare work: whoever cannot ask for one has it, and two who believe to have the same do the work twice
and nothing worse. Therefore nothing may be built on a claim that would be wrong without it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import structlog

from mirror.catalog import locks
from mirror.catalog.database import FAILURES
from mirror.meanwhile import meanwhile

if TYPE_CHECKING:
    _OwnConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]

log = structlog.get_logger()

_SILENCE_MILLISECONDS = "15000"
_SAY_SOMETHING_EVERY_SECONDS = 3.0
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 2.0
_RECONNECT_SECONDS = 1.0
_CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """What this process has taken upon itself, until it lets go. `session` is None where nobody else knows of it."""

    claims: "Claims"
    name: str
    session: int | None

    async def release(self) -> None:
        """Lets others have it, once; also where the caller is being cancelled."""
        await asyncio.shield(self.claims.let_go(self))


class Claims:
    """The claims of one process. Those not made by `connected` keep apart only those who ask in this process."""

    def __init__(self) -> None:
        self._mine: set[Claim] = set()
        self._names: set[str] = set()
        self._undoing: set[asyncio.Task[None]] = set()
        self._connection: _OwnConnection | None = None
        self._session = 0
        self._turn = asyncio.Lock()
        self._lost = asyncio.Event()

    async def try_claim(self, name: str) -> Claim | None:
        """The claim on what goes by this name; None while somebody else has it, in this process or another."""
        if name in self._names:
            return None
        self._names.add(name)
        asking = asyncio.create_task(self._ask(name), name="claim")
        try:
            claim = await asyncio.shield(asking)
        except asyncio.CancelledError:
            # The answer will come all the same, and then nobody would let go of it.
            asking.add_done_callback(self._undo)
            raise
        return claim

    async def let_go(self, claim: Claim) -> None:
        """See `Claim.release`."""
        if claim not in self._mine:
            return
        self._mine.discard(claim)
        self._names.discard(claim.name)
        # Whoever asks here from now on does so behind this.
        async with self._turn:
            conn = self._connection
            if conn is None or claim.session != self._session:
                return
            try:
                await conn.fetchval("select pg_advisory_unlock($1, $2)", *_numbers(claim.name), timeout=_ANSWER_SECONDS)
            except FAILURES as e:
                self._lose(e)

    async def stay_connected(self, url: str, first: asyncio.Event) -> None:
        """Shares the claims until cancelled; `first` is set once it was tried for the first time."""
        try:
            while True:
                try:
                    async with _own_connection(url) as conn:
                        await self._hold(conn, first)
                except FAILURES as e:
                    log.debug("claims.not_connected", error=str(e))
                first.set()
                await asyncio.sleep(_RECONNECT_SECONDS)
        finally:
            await asyncio.gather(*self._undoing, return_exceptions=True)

    async def _ask(self, name: str) -> Claim | None:
        async with self._turn:
            conn = self._connection
            session = self._session if conn is not None else None
            if conn is not None:
                try:
                    is_ours = await conn.fetchval(
                        "select pg_try_advisory_lock($1, $2)", *_numbers(name), timeout=_ANSWER_SECONDS
                    )
                except FAILURES as e:
                    self._lose(e)
                    session = None
                else:
                    if not is_ours:
                        self._names.discard(name)
                        return None
        claim = Claim(self, name, session)
        self._mine.add(claim)
        return claim

    def _undo(self, asked: "asyncio.Task[Claim | None]") -> None:
        if asked.cancelled() or asked.exception() is not None or (claim := asked.result()) is None:
            return
        undoing = asyncio.create_task(self.let_go(claim), name="let go of a claim")
        self._undoing.add(undoing)
        undoing.add_done_callback(self._undoing.discard)

    async def _hold(self, conn: "_OwnConnection", first: asyncio.Event) -> None:
        self._lost.clear()
        self._session += 1
        self._connection = conn
        conn.add_termination_listener(partial(_set, self._lost))
        first.set()
        try:
            while not self._lost.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._lost.wait(), _SAY_SOMETHING_EVERY_SECONDS)
                async with self._turn:
                    if not self._lost.is_set():
                        await conn.execute("select 1", timeout=_ANSWER_SECONDS)
        finally:
            self._connection = None
        log.warning("claims.lost", claims=len(self._mine))

    def _lose(self, error: Exception) -> None:
        """What state a session is in that failed nobody knows: its end makes sure."""
        log.warning("claims.failed", error=str(error))
        self._connection = None
        self._lost.set()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Claims]:
    """Claims that are shared until the end, as far as the database can be reached, with all who share them there."""
    claims, first = Claims(), asyncio.Event()
    async with meanwhile(claims.stay_connected(url, first), name="hold claims"):
        await first.wait()
        yield claims


@asynccontextmanager
async def _own_connection(url: str) -> AsyncIterator["_OwnConnection"]:
    settings = {"application_name": "everpin claims", "idle_session_timeout": _SILENCE_MILLISECONDS, "timezone": "UTC"}
    conn = await asyncpg.connect(url, timeout=_CONNECT_SECONDS, server_settings=settings)
    try:
        yield conn
    finally:
        # Closed, and with it all claims let go, also where this task is being cancelled.
        with suppress(*FAILURES):
            await conn.close(timeout=_CLOSE_SECONDS)


def _set(event: asyncio.Event, *_: object) -> None:
    event.set()


def _numbers(name: str) -> tuple[int, int]:
    """The two halves of the lock's number. Two names with the same one are in each other's way, and wait in vain."""
    digest = hashlib.sha256(name.encode()).digest()
    return locks.CLAIMS, int.from_bytes(digest[:4], "big", signed=True)
