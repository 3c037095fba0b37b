"""What subscribers of one process rely on, whatever becomes of the notices and of other subscribers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mirror.catalog import events
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.events import Held
from mirror.catalog.notices import EventsTold, NoticesLost
from mirror.errors import CatalogUnavailableError
from mirror.events import EventFile
from mirror.model import State
from mirror.targets import Verb, order_of
from mirror.web.problems import Problem
from tests.pypi_sim import PyPISim
from tests.watcher.following import PATH, following
from tests.watcher.houses import House, house_of, until
from tests.watcher.test_feed_routes import draft, tell
from watcher.feed.asking import Resync
from watcher.feed.filters import EventFilter
from watcher.feed.hub import Hub, Pace, Seat
from watcher.feed.stream import HUB


class MoodyCatalog(Catalog):
    """A catalog that cannot be read whenever it fails."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog._pool, catalog.url)
        self.fails = False
        self.failures = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """As `Catalog.reading`, unless it fails."""
        if self.fails:
            self.failures += 1
            raise CatalogUnavailableError("the database failed")
        async with super().reading() as conn:
            yield conn


@asynccontextmanager
async def _hub(
    house: House, *, catalog: Catalog | None = None, most: int = 10, look_anyway: float = 3600
) -> AsyncIterator[Hub]:
    """A hub that hears nothing but what the test tells it, and whose subscribers look up only when they are woken."""
    hub = Hub(
        catalog or house.catalog, house.settings, pace=Pace(tick=3600, look=0.01, look_anyway=look_anyway), most=most
    )
    async with hub.running():
        yield hub


async def _numbers(hub: Hub, seat: Seat, number: int, *, up_to: int) -> list[int]:
    """The ends of what is told until then."""
    ends: list[int] = []
    async with asyncio.timeout(30):
        while number < up_to:
            change = hub.change(seat)
            part = await hub.after(number, seat=seat, wanted=EventFilter())
            if part.end == number:
                await change.wait()
            elif part.body:
                number = part.end
                ends.append(part.body.count(b"\nid: ") + part.body.startswith(b"id: "))
    return ends


async def test_events_come_without_notices(house: House) -> None:
    """While they cannot be heard, it is looked for them; when they can again, for those that were missed."""
    async with _hub(house) as hub:
        with hub.seated(lambda: None) as seat:
            await tell(house, draft(house, 1), draft(house, 2))
            unheard = await _numbers(hub, seat, 0, up_to=2)
            hub.heard(NoticesLost(hearing=True))
            await tell(house, draft(house, 3))
            hub.heard(EventsTold(3))
            heard = await _numbers(hub, seat, 2, up_to=3)

    assert (sum(unheard), sum(heard)) == (2, 1)


async def test_notices_of_what_is_known_or_of_what_nobody_waits_for_change_nothing(house: House) -> None:
    """Late and repeated ones; and without subscribers nothing is read, but nothing is missed by the next one either."""
    async with _hub(house) as hub:
        hub.heard(NoticesLost(hearing=True))
        await tell(house, *(draft(house, serial) for serial in range(1, 6)))
        for number in (5, 3, 5):
            hub.heard(EventsTold(number))
        with hub.seated(lambda: None) as seat:
            from_before = await _numbers(hub, seat, 2, up_to=5)
            nothing = await hub.after(5, seat=seat, wanted=EventFilter())

    assert sum(from_before) == 3
    assert (nothing.body, nothing.end) == (b"", 5)


async def test_events_that_could_not_be_read_come_when_they_can(house: House) -> None:
    """The notice of them does not come again, and need not."""
    moody = MoodyCatalog(house.catalog)
    async with _hub(house, catalog=moody) as hub:
        hub.heard(NoticesLost(hearing=True))
        with hub.seated(lambda: None) as seat:
            moody.fails = True
            await tell(house, draft(house, 1))
            hub.heard(EventsTold(1))
            await until(lambda: moody.failures > 1)
            moody.fails = False
            told = await _numbers(hub, seat, 0, up_to=1)

    assert told == [1]


async def test_what_is_taken_away_while_events_are_read_is_not_overlooked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notice of the act, which is an event too, is not taken for one of what was read already."""
    redaction = order_of(Verb.REDACT, "event:1-release.deleted", actor="olga", reason="so be it")
    held_now, acted = events.held, asyncio.Event()

    async def held(conn: Connection) -> Held:
        found = await held_now(conn)
        if found.last == 2 and not acted.is_set():
            acted.set()
            await house.orders.carry_out(redaction)
        return found

    async with _hub(house) as hub:
        hub.heard(NoticesLost(hearing=True))
        with hub.seated(lambda: None) as seat:
            await tell(house, draft(house, 1))
            hub.heard(EventsTold(1))
            await _numbers(hub, seat, 0, up_to=1)
            monkeypatch.setattr(events, "held", held)
            await tell(house, draft(house, 2))
            hub.heard(EventsTold(2))
            await acted.wait()
            await _numbers(hub, seat, 1, up_to=2)
            hub.heard(EventsTold(3))
            await _numbers(hub, seat, 2, up_to=3)
            part = await hub.after(0, seat=seat, wanted=EventFilter())

    assert part.body.count(b'"redacted":true') == 1


async def test_who_follows_another_history_is_told_to_read_anew(house: House) -> None:
    """The database was put back under a process that runs, and hears nothing of that."""
    async with _hub(house, look_anyway=0.01) as hub:
        hub.heard(NoticesLost(hearing=True))
        with hub.seated(lambda: None) as seat:
            async with house.catalog.writing() as conn:
                await conn.execute("update instance set epoch = 2")
            with pytest.raises(Resync) as told:
                await _numbers(hub, seat, 0, up_to=1)

    assert str(told.value.oldest) == "2-0"


async def test_there_are_only_so_many_subscribers(house: House) -> None:
    """One more is refused until another has left."""
    async with _hub(house, most=1) as hub:
        with hub.seated(lambda: None), pytest.raises(Problem) as refused, hub.seated(lambda: None):
            pass
        with hub.seated(lambda: None):
            again = hub.count

    assert (refused.value.status, again) == (503, 1)


async def test_one_that_does_not_read_is_cut_off(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """And costs nobody anything: others get all events, and of it hardly more is kept waiting than of them."""
    pace = Pace(tick=0.01, patience=1.5)
    large = tuple(EventFile("x" * 200 + str(number), None, None, None, State.KEPT) for number in range(10_000))
    async with house_of(pypi, catalog, tmp_path, pace=pace) as house:
        url = str(house.http.make_url("/")).rstrip("/")
        hub = house.http.app[HUB]
        reader, writer = await asyncio.open_connection(sock=_narrow(house), limit=1024)
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await until(lambda: hub.count == 1)
        async with following(url, place="1-0") as follower:
            for serial in (1, 2, 3):
                await tell(house, draft(house, serial, files=large))
            serials = await follower.serials(3)
            await until(lambda: hub.count == 1)
            await tell(house, draft(house, 4))
            serials += await follower.serials(1)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(100_000_000)
        writer.close()

    assert serials == [1, 2, 3, 4]


def _narrow(house: House) -> socket.socket:
    """A connection that takes little before somebody reads from it."""
    url = house.http.make_url("/")
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((url.host, url.port))
    narrow.setblocking(False)
    return narrow
