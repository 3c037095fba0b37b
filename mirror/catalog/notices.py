"""What processes tell each other: pages that changed, events that were told, and that the journal was read.

Notices go out with the commit of the transaction that caused them (LISTEN/NOTIFY). A process that may have missed some
hears `NoticesLost`, and must then look at the catalog again for everything it holds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias

import asyncpg
import msgspec
import structlog

from mirror.catalog.database import FAILURES, Connection
from mirror.meanwhile import meanwhile
from mirror.names import ProjectName

log = structlog.get_logger()

_CHANNEL = "everpin"
# PostgreSQL takes payloads below 8,000 bytes.
_LARGEST_PAYLOAD = 7_500
_LONGEST_RETRY_SECONDS = 5.0
# A connection that was cut without a word would otherwise look like one on which nothing happens.
_CHECK_SECONDS = 15.0
_CHECK_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PagesChanged:
    """These projects' pages must be rendered again."""

    projects: tuple[ProjectName, ...]


@dataclass(frozen=True, slots=True)
class JournalRead:
    """A heartbeat: the journal was read up to this serial at this time."""

    serial: int
    at: datetime


@dataclass(frozen=True, slots=True)
class BacklogGrew:
    """Files are wanted at once."""


@dataclass(frozen=True, slots=True)
class EventsTold:
    """There are events up to this number."""

    number: int


@dataclass(frozen=True, slots=True)
class NoticesLost:
    """Anything may have changed unheard. `hearing` says whether notices come in again from now on."""

    hearing: bool = False


Notice: TypeAlias = PagesChanged | JournalRead | BacklogGrew | EventsTold | NoticesLost


class _Wire(msgspec.Struct, omit_defaults=True):
    projects: tuple[str, ...] = ()
    serial: int | None = None
    at: datetime | None = None
    backlog: bool = False
    event: int | None = None


async def pages_changed(conn: Connection, projects: Iterable[ProjectName]) -> None:
    """Tells every process, when the transaction commits, that these pages changed."""
    batch: list[ProjectName] = []
    size = 0
    for project in projects:
        if batch and size + len(project) + 3 > _LARGEST_PAYLOAD:
            await _notify(conn, _Wire(projects=tuple(batch)))
            batch, size = [], 0
        batch.append(project)
        size += len(project) + 3
    if batch:
        await _notify(conn, _Wire(projects=tuple(batch)))


async def journal_read(conn: Connection, serial: int, *, now: datetime) -> None:
    """Tells every process, when the transaction commits, that what the catalog says is true up to now."""
    await _notify(conn, _Wire(serial=serial, at=now))


async def backlog_grew(conn: Connection) -> None:
    """Tells every process, when the transaction commits, that files are wanted at once."""
    await _notify(conn, _Wire(backlog=True))


async def events_told(conn: Connection, number: int) -> None:
    """Tells every process, when the transaction commits, that there are events up to this number."""
    await _notify(conn, _Wire(event=number))


@asynccontextmanager
async def listening(url: str, heard: Callable[[Notice], None]) -> AsyncIterator[None]:
    """Calls `heard` with every notice while inside; see `listen`."""
    async with meanwhile(listen(url, heard), name="listen to notices"):
        yield


async def listen(url: str, heard: Callable[[Notice], None]) -> None:
    """Calls `heard` with every notice until cancelled.

    Uses a connection of its own, which is made again whenever it breaks.
    """
    wait = 0.1
    while True:
        try:
            conn = await asyncpg.connect(url, timeout=10)
        except FAILURES as e:
            log.debug("catalog.listen_failed", error=str(e))
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_RETRY_SECONDS)
            continue
        wait = 0.1
        broken = asyncio.Event()
        try:
            conn.add_termination_listener(partial(_set, broken))
            await conn.add_listener(_CHANNEL, lambda *args: heard(_read(str(args[-1]))))
            # Whatever happened before this moment was not heard.
            heard(NoticesLost(hearing=True))
            await _until_broken(conn, broken)
            log.warning("catalog.listener_lost")
            heard(NoticesLost())
        except FAILURES as e:
            log.warning("catalog.listener_lost", error=str(e))
            heard(NoticesLost())
        finally:
            with suppress(*FAILURES):
                await conn.close(timeout=2)


async def _until_broken(conn: "asyncpg.Connection[asyncpg.Record]", broken: asyncio.Event) -> None:
    """Returns, or raises what asyncpg raises, when the connection is of no use any more."""
    while not broken.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(broken.wait(), _CHECK_SECONDS)
        if not broken.is_set():
            await conn.execute("select 1", timeout=_CHECK_ANSWER_SECONDS)


def _set(event: asyncio.Event, *_: object) -> None:
    event.set()


async def _notify(conn: Connection, wire: _Wire) -> None:
    await conn.execute("select pg_notify($1, $2)", _CHANNEL, msgspec.json.encode(wire).decode())


def _read(payload: str) -> Notice:
    try:
        wire = msgspec.json.decode(payload, type=_Wire)
    except msgspec.DecodeError:
        # Somebody else's words on our channel: the safe reading is that anything may have changed.
        return NoticesLost(hearing=True)
    if wire.serial is not None and wire.at is not None:
        return JournalRead(wire.serial, wire.at)
    if wire.backlog:
        return BacklogGrew()
    if wire.event is not None:
        return EventsTold(wire.event)
    return PagesChanged(tuple(ProjectName(name) for name in wire.projects))
