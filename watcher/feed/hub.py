"""Where the subscribers of one process wait for events, and get them from.

A subscriber is nothing but a number: that of the last event it was told or that its filter passed over. What comes
after it is taken from the newest events, which are read once for all, or where it is further behind from the catalog.
So nothing is lost and nothing is told twice, however the notices come in. They only say when to look; while they cannot
be heard, the hub looks by itself.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import structlog

from mirror import metrics
from mirror.catalog import events, instance
from mirror.catalog.database import Catalog
from mirror.catalog.events import Held
from mirror.catalog.notices import EventsTold, Notice, NoticesLost
from mirror.errors import EverpinError
from mirror.events import Cursor, Event
from mirror.meanwhile import meanwhile
from mirror.settings import Settings
from mirror.web.problems import Problem
from watcher.feed import frames
from watcher.feed.asking import Resync
from watcher.feed.filters import Filter
from watcher.feed.newest import Newest, Told
from watcher.feed.parts import source_of
from watcher.feed.reading import page_after

MOST_SUBSCRIBERS = 5_000
"""How many may follow in one process, each with a connection of its own."""

_PAGE = 50
_PART_BYTES = 64 * 1024
_REMEMBERED_SECONDS = 60.0
# Subscribers are woken bench by bench, so that others get their turn between, and a part of the benches each second.
_BENCHES = 16
_TICKS_OF_A_ROUND = 4
# The others' pages come from the same pool of connections.
_READERS = 2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds.

    Subscribers look up every fourth tick, and one that was told nothing for `silence` is then told that we are still
    there: at the latest after 14 s. Proxies cut what is silent for longer than they like, some after 15 s.
    """

    tick: float = 1.0
    silence: float = 10.0
    look: float = 2.0
    """How often is looked for events while notices cannot be heard."""
    look_anyway: float = 60.0
    """And while they can: nothing tells of a database that was put back, whose numbers are lower ones."""
    patience: float = 20.0
    """How long a subscriber may take for the next few kilobytes."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what comes after a number. `told` is the last event in the body, `end` where to go on."""

    body: bytes
    told: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """A subscriber's place. `leave` is called where it must go at once."""

    epoch: int
    bench: int
    leave: Callable[[], None]


class Hub:
    """The subscribers of this process."""

    def __init__(
        self, catalog: Catalog, settings: Settings, *, pace: Pace | None = None, most: int = MOST_SUBSCRIBERS
    ) -> None:
        self._catalog = catalog
        self._settings = settings
        self.pace = pace or Pace()
        self._most = most
        self._newest = Newest()
        self._oldest = Cursor(0, 0)
        self._redacted = 0
        self._source = ""
        self._seats: dict[Seat, None] = {}
        self._was_empty = True
        self._seated = 0
        self._benches = [asyncio.Event() for _ in range(_BENCHES)]
        self._due = asyncio.Event()
        self._readers = asyncio.Semaphore(_READERS)
        self._is_hearing = False
        self._is_reading = True
        self.is_closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks after the subscribers until the end."""
        metrics.sse_subscribers.set(0)
        await self._look()
        async with (
            meanwhile(self._look_when_due(), name="look for events"),
            meanwhile(self._tick(), name="wake subscribers"),
        ):
            try:
                yield
            finally:
                self.close()

    @property
    def count(self) -> int:
        """How many follow at the moment."""
        return len(self._seats)

    def heard(self, notice: Notice) -> None:
        """Takes notice of events."""
        match notice:
            case EventsTold(number=number) if not self._seats:
                # Nobody waits for it, so it need not be read.
                if number > self._newest.end:
                    self._newest.skip_to(number)
            case EventsTold(number=number):
                if number > self._newest.end:
                    self._due.set()
            case NoticesLost(hearing=is_hearing):
                self._is_hearing = is_hearing
                self._due.set()

    def close(self) -> None:
        """Has every subscriber leave; those who still have to take what they were sent, at once."""
        self.is_closed = True
        for seat in tuple(self._seats):
            seat.leave()
        for bench in range(_BENCHES):
            self._wake(bench)

    @contextmanager
    def seated(self, leave: Callable[[], None]) -> Iterator[Seat]:
        """A place for one more subscriber. Raises Problem (503) where there is none."""
        if self.is_closed or len(self._seats) >= self._most:
            raise Problem(503, "Too Many Subscribers", "this mirror has as many subscribers as it can serve")
        self._seated += 1
        seat = Seat(self._oldest.epoch, self._seated % _BENCHES, leave)
        if not self._seats:
            # While there was nobody, nothing was read, and without notices not even noticed.
            self._was_empty = True
            self._due.set()
        self._seats[seat] = None
        metrics.sse_subscribers.set(len(self._seats))
        try:
            yield seat
        finally:
            del self._seats[seat]
            metrics.sse_subscribers.set(len(self._seats))

    def change(self, seat: Seat) -> asyncio.Event:
        """What is set when there may be something to do. To be taken before one looks, and then waited for."""
        return self._benches[seat.bench]

    async def after(self, number: int, *, seat: Seat, wanted: Filter) -> Part:
        """The next events after the number that the filter admits, as far as they are there and in bounded portions.

        Raises Resync where they cannot all be told.
        """
        if seat.epoch != self._oldest.epoch:
            raise Resync(self._oldest)
        if number >= self._newest.start:
            return self._at_hand(number, wanted)
        async with self._readers, self._catalog.reading() as conn:
            page = await page_after(conn, number, epoch=seat.epoch, wanted=wanted, limit=_PAGE)
        body = b"".join(frames.told(event, source=self._source) for event in page.events)
        return Part(body, page.events[-1].cursor.number if page.events else number, page.end)

    def _at_hand(self, number: int, wanted: Filter) -> Part:
        admitted: list[bytes] = []
        last, end, size = number, number, 0
        for told in self._newest.after(number):
            end = told.event.cursor.number
            if not wanted.admits(told.event):
                continue
            last, size = end, size + len(told.frame)
            admitted.append(told.frame)
            if size >= _PART_BYTES:
                break
        # Of one alone no copy is made: there are as many of these as there are subscribers.
        return Part(admitted[0] if len(admitted) == 1 else b"".join(admitted), last, end)

    async def _look_when_due(self) -> None:
        while True:
            is_told = self._is_hearing and self._is_reading
            with suppress(TimeoutError):
                rest = self.pace.look_anyway if is_told else self.pace.look
                async with asyncio.timeout(rest if self._seats else None):
                    await self._due.wait()
            self._due.clear()
            try:
                while await self._look():
                    await self._wake_in_turn(range(_BENCHES))
                self._is_reading = True
            except EverpinError as e:
                if self._is_reading:
                    log.warning("stream.read_failed", error=str(e))
                self._is_reading = False

    async def _look(self) -> bool:
        """Reads the next events, and says whether there were any."""
        async with self._catalog.reading() as conn:
            held = await events.held(conn)
            end = self._newest.end
            is_other = self._note(held)
            if not self._source:
                self._source = source_of(await instance.read(conn), self._settings)
            if not self._seats or self._was_empty:
                self._newest.skip_to(max(held.last, self._newest.end))
                self._was_empty = False
            has_moved = is_other or self._newest.end > end
            found: list[Event] = []
            if held.last > self._newest.end:
                # None beyond what was looked at: what is taken away meanwhile is told of in an event behind it.
                limit = min(_PAGE, held.last - self._newest.end)
                found = await events.after(conn, self._newest.end, limit=limit, epoch=held.epoch)
        now = asyncio.get_running_loop().time()
        for event in found:
            self._newest.add(Told(event, frames.told(event, source=self._source), now))
        return bool(found) or has_moved

    def _note(self, held: Held) -> bool:
        """Takes in what is held, and says whether it is another history."""
        is_other = held.epoch != self._oldest.epoch
        if is_other:
            self._newest.skip_to(held.last)
        elif held.redacted != self._redacted:
            self._newest.skip_to(self._newest.end)
        self._oldest, self._redacted = Cursor(held.epoch, held.forgotten), held.redacted
        return is_other

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        for tick in itertools.count():
            await asyncio.sleep(self.pace.tick)
            self._newest.forget_before(loop.time() - _REMEMBERED_SECONDS)
            await self._wake_in_turn(range(tick % _TICKS_OF_A_ROUND, _BENCHES, _TICKS_OF_A_ROUND))

    async def _wake_in_turn(self, benches: Iterable[int]) -> None:
        for bench in benches:
            self._wake(bench)
            await asyncio.sleep(0)

    def _wake(self, bench: int) -> None:
        woken, self._benches[bench] = self._benches[bench], asyncio.Event()
        woken.set()
