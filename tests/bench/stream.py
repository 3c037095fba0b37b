"""Subscribers to the stream of events: what many idle ones cost one process, and how long one event takes to all."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from mirror.catalog import events
from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, EventFile, Evidence
from mirror.model import State
from mirror.names import ProjectName, Serial, Sha256
from mirror.settings import load
from tests.bench.load import cpu_seconds, resident, started
from tests.bench.rows import Effort
from tests.journeys.processes import Everpin, free_port, until
from tests.reachable import reachable_directory
from watcher.compose import catalog_of
from watcher.serving import allowed_files

_AT_ONCE = 100
_QUESTION = b"GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"


@dataclass(frozen=True, slots=True)
class _Idle:
    """What some subscribers for whom nothing happens cost, in MiB and in seconds on the processor each second."""

    before: float
    connected: float
    after: float
    cpu: float


class _Subscriber(asyncio.Protocol):
    """Notes when events arrive, as cheaply as can be."""

    def __init__(self) -> None:
        self.is_connected = False
        self.times: list[float] = []
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(_QUESTION)

    def data_received(self, data: bytes) -> None:
        # Each arrives in one piece: they are small, and nothing else is on its way.
        self.is_connected = True
        self.times += [time.perf_counter()] * data.count(b"\ndata: ")

    def connection_lost(self, _exc: Exception | None) -> None:
        self.is_lost = True


async def run(effort: Effort) -> str:
    """Measures idle subscribers for as long as heartbeats take to come round, then tells a few events."""
    allowed_files()
    async with AsyncExitStack() as stack:
        everpin, catalog = await stack.enter_async_context(_everpin())
        before = resident(everpin.pid)
        subscribers = await _connected(everpin, effort.subscribers)
        connected, cpu, idle = resident(everpin.pid), cpu_seconds(everpin.pid), max(16.0, effort.seconds)
        await asyncio.sleep(idle)
        spent = (cpu_seconds(everpin.pid) - cpu) / idle
        costs = _Idle(before, connected, resident(everpin.pid), spent)
        delays = [await _told(catalog, subscribers, number) for number in range(1, max(3, effort.rounds) + 1)]
        assert not any(subscriber.is_lost for subscriber in subscribers)
        return _table(effort.subscribers, costs, delays, resident(everpin.pid))


async def _connected(everpin: Everpin, count: int) -> list[_Subscriber]:
    loop = asyncio.get_running_loop()
    subscribers: list[_Subscriber] = []

    async def are_connected() -> bool:
        return all(subscriber.is_connected for subscriber in subscribers)

    while len(subscribers) < count:
        some = min(_AT_ONCE, count - len(subscribers))
        made = [loop.create_connection(_Subscriber, "127.0.0.1", everpin.port) for _ in range(some)]
        subscribers += [subscriber for _, subscriber in await asyncio.gather(*made)]
        await until(are_connected)
    return subscribers


async def _told(catalog: Catalog, subscribers: list[_Subscriber], number: int) -> list[float]:
    """Tells an event, and says how long after its commit each of them had it."""
    async with catalog.writing() as conn:
        await events.append(conn, [_draft(number)])
    told = time.perf_counter()

    async def have_it() -> bool:
        return all(len(subscriber.times) >= number for subscriber in subscribers)

    await until(have_it)
    return sorted(subscriber.times[number - 1] - told for subscriber in subscribers)


def _draft(number: int) -> EventDraft:
    now = datetime.now(UTC)
    wheel = EventFile(f"demo-1.{number}-py3-none-any.whl", Sha256("5f" * 32), 16_512, now, State.KEPT)
    return EventDraft(
        EventKind.RELEASE_DELETED,
        ProjectName("demo"),
        f"1.{number}",
        Serial(number),
        now,
        now,
        Evidence.JOURNAL,
        (wheel,),
    )


def _table(count: int, costs: _Idle, delays: list[list[float]], at_last: float) -> str:
    grown = 1024 * (costs.after - costs.before) / count
    first, middle, last = (
        1000 * median(one[place] for one in delays) for place in (0, len(delays[0]) // 2, len(delays[0]) - 1)
    )
    lines = [
        f"{count} subscribers of one process",
        f"{'RSS without any, MiB':<40}{costs.before:>10.1f}",
        f"{'RSS when all are connected, MiB':<40}{costs.connected:>10.1f}",
        f"{'RSS after heartbeats, MiB':<40}{costs.after:>10.1f}",
        f"{'RSS after some events, MiB':<40}{at_last:>10.1f}",
        f"{'each subscriber, KiB':<40}{grown:>10.1f}",
        f"{'idle, ms of processor each second':<40}{1000 * costs.cpu:>10.1f}",
        f"{'an event to the first of them, ms':<40}{first:>10.1f}",
        f"{'to half of them, ms':<40}{middle:>10.1f}",
        f"{'to all, ms':<40}{last:>10.1f}",
    ]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def _everpin() -> AsyncIterator[tuple[Everpin, Catalog]]:
    with reachable_directory() as directory:
        # Nobody asks upstream for anything.
        index_url = f"http://127.0.0.1:{free_port()}/simple/"
        everpin = Everpin.of("mirror", directory / "data", index_url=index_url)
        settings = load(None, data_dir=everpin.data_dir)
        async with started(everpin), catalog_of(settings, create=False) as catalog:
            # What is loaded at the first request of each kind is not what subscribers cost.
            for path in ("/metrics", "/api/v1/events", "/api/v1/events/stream?since=nonsense"):
                assert (await everpin.get(path)).status == 200
            yield everpin, catalog
