"""Reading the journal: everything once, in order, by one at a time, and patiently when upstream is not well."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal

import aiohttp
import pytest
from prometheus_client import REGISTRY

from mirror.catalog import journal
from mirror.errors import CatalogUnavailableError, NotTheLeaderError
from mirror.journal_rows import JournalRow
from mirror.names import Serial
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago
from watcher.journal.client import JournalClient
from watcher.patience import Patience
from watcher.poll import poll
from watcher.poller import Poller, Sources


class OvertakenClient(JournalClient):
    """A client that lets somebody else do something between the journal's answer and its use."""

    meanwhile: Callable[[], Awaitable[None]]

    async def since(self, serial: Serial) -> tuple[JournalRow, ...]:
        """As `JournalClient.since`."""
        rows = await super().since(serial)
        await self.meanwhile()
        return rows


async def serial_of(house: House) -> int:
    """How far the journal was read."""
    async with house.catalog.reading() as conn:
        position = await journal.position(conn)
    assert position is not None
    return position.serial


async def rows_of(house: House) -> list[int]:
    """The serials of all remembered rows."""
    async with house.catalog.reading() as conn:
        return [record["serial"] for record in await conn.fetch("select serial from rows order by serial")]


def poller_of(house: House) -> Poller:
    """What a watcher polls with."""
    sources = Sources(house.client, house.updates)
    return Poller(
        catalog=house.catalog, sources=sources, settings=house.settings, rules=house.rules, now=house.pypi.now
    )


@asynccontextmanager
async def broken(house: House, table: str, act: str = "insert", condition: str = "true") -> AsyncIterator[None]:
    """The database refuses to write to a table."""
    async with house.catalog.writing() as conn:
        await conn.execute(
            "create function refuse() returns trigger language plpgsql as $$ begin raise 'disk full'; end $$"
        )
        await conn.execute(
            f"create trigger refuse before {act} on {table} for each row when ({condition}) execute function refuse()"
        )
    yield
    async with house.catalog.writing() as conn:
        await conn.execute("drop function refuse cascade")


def unheard_of(pypi: PyPISim, count: int) -> None:
    """Projects that nobody knows here come and go: three rows for the upload and one for the removal of each."""
    for number in range(count):
        pypi.upload(f"unheard{number}", "1.0", uploaded_at=long_ago(pypi, days=200))
        pypi.delete_project(f"unheard{number}")


async def test_a_long_journal_is_read_page_by_page(house: House, pypi: PyPISim) -> None:
    """To its end in one go, each row once and in order."""
    pypi.journal_page_size = 3
    unheard_of(pypi, 4)

    polled = await poll(house.catalog, house.client, rules=house.rules, now=pypi.now, page_size=3)

    assert (polled.rows, polled.serial) == (len(pypi.rows_since(0)), pypi.last_serial)
    assert await rows_of(house) == [row.serial for row in pypi.rows_since(0)]
    assert await house.kinds() == [f"project.deleted unheard{number}" for number in range(4)]


async def test_a_journal_that_ends_with_a_full_page_ends_there(house: House, pypi: PyPISim) -> None:
    """One more question, with an empty answer, and no loop."""
    pypi.journal_page_size = 4
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.yank("demo", "1.0")
    rows = len(pypi.rows_since(0))
    pypi.journal_page_size = rows

    polled = await poll(house.catalog, house.client, rules=house.rules, now=pypi.now, page_size=rows)

    assert (polled.rows, await serial_of(house)) == (rows, pypi.last_serial)


async def test_gaps_between_serials_are_nothing_special(house: House, pypi: PyPISim) -> None:
    """Serials are lost upstream all the time."""
    unheard_of(pypi, 1)
    pypi.skip_serial(500)
    pypi.delete_project(pypi.upload("later", "1.0", uploaded_at=long_ago(pypi, days=200)).project)

    await house.poll()

    assert await serial_of(house) == pypi.last_serial
    assert await house.kinds() == ["project.deleted unheard0", "project.deleted later"]


async def test_of_two_who_poll_at_once_one_is_sent_away(house: House, pypi: PyPISim) -> None:
    """Both asked from the same place: the later one stores nothing, and nothing is told twice."""
    unheard_of(pypi, 3)
    async with aiohttp.ClientSession() as session:
        overtaken = OvertakenClient(session, pypi.xmlrpc_url, timeout=3)
        overtaken.meanwhile = house.poll

        with pytest.raises(NotTheLeaderError):
            await poll(house.catalog, overtaken, rules=house.rules, now=pypi.now)

    assert await house.kinds() == [f"project.deleted unheard{number}" for number in range(3)]
    assert await rows_of(house) == [row.serial for row in pypi.rows_since(0)]


async def test_who_is_sent_away_does_not_vouch_for_anything(house: House, pypi: PyPISim) -> None:
    """Also where there was nothing new, a heartbeat from somebody who was overtaken does not count."""
    async with aiohttp.ClientSession() as session:
        overtaken = OvertakenClient(session, pypi.xmlrpc_url, timeout=3)

        async def meanwhile() -> None:
            unheard_of(pypi, 1)
            await house.poll()

        overtaken.meanwhile = meanwhile

        with pytest.raises(NotTheLeaderError):
            await poll(house.catalog, overtaken, rules=house.rules, now=pypi.now)

    assert await serial_of(house) == pypi.last_serial


@pytest.mark.parametrize("table", ["events", "event_payloads", "rows"])
async def test_the_cursor_never_moves_without_what_it_covers(house: House, pypi: PyPISim, table: str) -> None:
    """Rows, events and cursor are one transaction: where one fails nothing is stored, and later all of it."""
    unheard_of(pypi, 2)
    before = await serial_of(house)
    async with broken(house, table):
        with pytest.raises(CatalogUnavailableError):
            await house.poll()
        during = (await serial_of(house), await rows_of(house), await house.kinds())

    await house.poll()

    assert during == (before, [], [])
    assert await house.kinds() == ["project.deleted unheard0", "project.deleted unheard1"]


async def test_facts_of_known_projects_are_in_that_transaction_too(house: House, pypi: PyPISim) -> None:
    """A removal whose event could not be stored has not happened yet."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.watch()
    await house.page("demo")
    pypi.delete_release("demo", "1.0")
    async with broken(house, "events"):
        with pytest.raises(CatalogUnavailableError):
            await house.poll()
        during = await house.states("demo")

    await house.poll()

    assert during == {file.filename: "live"}
    assert await house.states("demo") == {file.filename: "held rescue"}


async def test_unknown_actions_are_counted_and_ask_for_the_page(house: House, pypi: PyPISim) -> None:
    """Upstream may invent actions any day: they are remembered, counted, and fatal to nobody."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.watch()
    await house.page("demo")
    before = REGISTRY.get_sample_value("everpin_unknown_actions_total") or 0.0
    (row,) = pypi.raw_row("demo", "1.0", "frobnicate release \u202e with bells")

    await house.poll()

    assert REGISTRY.get_sample_value("everpin_unknown_actions_total") == before + 1
    assert (await house.memory("demo")).project.wanted_serial == row.serial
    assert await house.kinds() == []


async def test_a_removal_of_a_project_nobody_knows_is_told(house: House, pypi: PyPISim) -> None:
    """All of upstream is watched, not only what was asked for."""
    unheard_of(pypi, 1)

    await house.poll()

    (told,) = await house.payloads()
    assert (told.kind, told.files, told.serial) == ("project.deleted", None, pypi.last_serial)


async def test_a_used_up_rate_limit_is_waited_out(house: House, pypi: PyPISim) -> None:
    """A refused call counts as well: none is made before the limit resets."""
    poller = poller_of(house)
    pypi.rate_limit.calls = 0
    assert await poller.tick() == 0
    calls = len(pypi.xmlrpc_calls)

    for _ in range(5):
        assert await poller.tick() == 0

    assert house.client.pause_seconds > 0
    assert len(pypi.xmlrpc_calls) == calls


@pytest.mark.parametrize("fault", ["503html", "garbage", "fault", "ratelimit"])
async def test_a_journal_that_is_not_well_is_left_alone_for_a_while(
    house: House, pypi: PyPISim, fault: Literal["503html", "garbage", "fault", "ratelimit"]
) -> None:
    """The failure is handled where it is, nothing moves, and the next ticks ask nobody."""
    unheard_of(pypi, 1)
    pypi.faults.xmlrpc = fault
    poller = poller_of(house)
    before = await serial_of(house)
    assert await poller.tick() == 0
    asked = pypi.count(kind="xmlrpc")
    pypi.faults.xmlrpc = None

    for _ in range(3):
        assert await poller.tick() == 0

    assert pypi.count(kind="xmlrpc") == asked
    assert await serial_of(house) == before


@pytest.mark.parametrize(("interval", "longest"), [(30, 60), (5, 60), (1, 20), (600, 60)])
def test_failures_are_waited_out_longer_and_longer_but_never_long(interval: int, longest: int) -> None:
    """Doubling from the interval on, and at most a minute or twenty intervals."""
    patience = Patience(timedelta(seconds=interval))

    waits = [patience.failed().total_seconds() for _ in range(30)]

    assert waits[0] == min(interval, longest)
    assert waits == sorted(waits)
    assert max(waits) == longest


def test_who_asks_at_ticks_of_the_interval_waits_no_longer_for_that() -> None:
    """An answer takes a moment: without patience for that moment each tick that is meant would be missed."""
    moment = 0.0
    patience = Patience(timedelta(seconds=30), clock=lambda: moment)
    asked = []

    for tick in range(0, 600, 30):
        moment = float(tick)
        if not patience.is_waiting:
            asked.append(tick)
            moment += 12
            patience.failed()

    assert asked[:4] == [0, 30, 90, 150]


async def test_when_nobody_watched_yet_every_known_page_is_wanted(house: House, pypi: PyPISim) -> None:
    """What happened before the first look at the journal nobody saw."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.page("demo")
    async with house.catalog.writing() as conn:
        await conn.execute("delete from journal")
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))

    await house.poll()
    await house.refresh()

    assert len(await house.states("demo")) == 2
    assert (await house.memory("demo")).project.refresh_at is None
