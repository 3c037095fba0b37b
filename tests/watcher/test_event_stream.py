"""Events as they are told, read with a client of server-sent events that is not everpin's."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from mirror.catalog import retention
from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.targets import EventTarget, Verb, order_of
from tests.pypi_sim import PyPISim
from tests.watcher.following import PATH, following
from tests.watcher.houses import House, house_of, until
from tests.watcher.test_feed_routes import draft, events_of, tell
from watcher.feed.hub import Pace
from watcher.feed.stream import HUB

_HASTY = Pace(tick=0.01, silence=0.05)


def address(house: House) -> str:
    """Where the house answers."""
    return str(house.http.make_url("/")).rstrip("/")


async def test_events_arrive_as_they_are_told(house: House) -> None:
    """From now on, in order, and as the same CloudEvents that a reader by cursor gets, each under its cursor."""
    await tell(house, draft(house, 1))
    async with following(address(house)) as follower:
        await tell(house, draft(house, 2), draft(house, 3))
        await tell(house, draft(house, 4, kind=EventKind.RESCUED))
        received = [await follower.next() for _ in range(3)]

    headers = follower.response.headers
    assert [one.json() for one in received if one] == (await events_of(house, "?since=1-1"))["events"]
    assert [(one.id, one.event) for one in received if one] == [(f"1-{n}", "message") for n in (2, 3, 4)]
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("text/event-stream", "no-store")
    assert (headers["X-Accel-Buffering"], headers.get("Content-Encoding")) == ("no", None)


async def test_a_client_that_comes_again_gets_each_event_once(
    house: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Cut off anywhere, between two processes on one database, while events are told all the time."""
    chance, total = random.Random(7), 300  # noqa: S311 - the same cuts in each run
    received: list[str] = []

    async def tell_all() -> None:
        serial = 0
        while serial < total:
            batch = range(serial + 1, min(total, serial + chance.choice([1, 1, 2, 30])) + 1)
            await tell(house, *(draft(house, each) for each in batch))
            serial = batch[-1]

    async with house_of(pypi, catalog, tmp_path / "beside") as beside:
        telling, place = asyncio.create_task(tell_all()), "1-0"
        while len(received) < total:
            async with following(address(chance.choice([house, beside])), place=place) as follower:
                for _ in range(min(chance.choice([1, 2, 20]), total - len(received))):
                    one = await follower.next()
                    assert one is not None
                    received.append(one.id)
            place = received[-1]
        await telling

    assert received == [f"1-{number}" for number in range(1, total + 1)]


async def test_one_that_was_cut_off_before_its_first_event_misses_none(house: House) -> None:
    """Who follows from now on is told at once where that is."""
    await tell(house, draft(house, 1))
    async with following(address(house), project="other") as first, following(address(house)) as follower:
        await tell(house, draft(house, 2, "other"))
        await first.next()
        await follower.next()
    place = str(first.place)
    async with following(address(house)) as unlucky:
        # It has read nothing but the beginning.
        await tell(house, draft(house, 3))
        await unlucky.next()
    async with following(address(house), place=place) as again:
        assert await again.serials(1) == [3]


@pytest.mark.parametrize("place", ["nonsense", "2-1", "1-4", "1-1"])
async def test_a_place_that_is_not_known_is_told_so_once(house: House, place: str) -> None:
    """One event of a type of its own, then the end: of no cursor, another history, the future, and what is forgotten.

    A browser comes again by itself, and then from the oldest event that is held.
    """
    await tell(house, draft(house, 1), draft(house, 2))
    house.pypi.advance(timedelta(days=40))
    await tell(house, draft(house, 3))
    async with house.catalog.writing() as conn:
        await retention.forget(conn, before=house.pypi.now() - timedelta(days=30), limit=10)

    async with following(address(house), place=place) as follower:
        told, end = await follower.next(), await follower.next()
    async with following(address(house), place=follower.place) as again:
        serials = await again.serials(1)

    assert told is not None
    assert end is None
    assert (told.event, told.json()) == ("resync", {"resync": True, "oldest": "1-2"})
    assert serials == [3]


async def test_a_place_can_also_stand_in_the_address(house: House) -> None:
    """For clients that cannot set a header; the header of a browser that comes again says what is newer."""
    await tell(house, *(draft(house, serial) for serial in (1, 2, 3)))

    async with following(address(house), since="1-0") as by_address:
        assert await by_address.serials(3) == [1, 2, 3]
    async with following(address(house), since="1-0", place="1-2") as again:
        assert await again.serials(1) == [3]
    async with following(address(house), since="2-0") as lost:
        assert (told := await lost.next()) is not None
        assert told.event == "resync"


async def test_only_what_is_wished_for_is_told(house: House) -> None:
    """The wishes are those of `/api/v1/events`, and apply to what was told before as to what comes."""
    await tell(house, draft(house, 1, "other"), draft(house, 2), draft(house, 3, "demo-thing"))
    wishes: dict[str, str | list[str]] = {"project": ["Demo", "demo-*"], "kind": "release.deleted"}
    async with following(address(house), "1-0", **wishes) as follower:
        before = await follower.serials(2)
        await tell(house, draft(house, 4, kind=EventKind.RELEASE_YANKED), draft(house, 5, "other"), draft(house, 6))
        after = await follower.serials(1)
    async with httpx.AsyncClient() as client:
        refused = await client.get(f"{address(house)}{PATH}", params={"kind": "nonsense"})

    assert (before, after, refused.status_code) == ([2, 3], [6], 400)


async def test_silence_is_broken_and_places_move_on(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """With comments; and a client for whom nothing was told for long learns how far it is, without an event."""
    async with (
        house_of(pypi, catalog, tmp_path, pace=_HASTY) as house,
        httpx.AsyncClient(timeout=30) as client,
        client.stream("GET", f"{address(house)}{PATH}?project=nobody", headers={"Last-Event-ID": "1-0"}) as answer,
    ):
        lines = answer.aiter_lines()
        beginning = [await anext(lines) for _ in range(3)]
        await tell(house, *(draft(house, serial) for serial in range(1, 151)))
        rest = [await anext(lines)]
        while not rest[-1].startswith("id"):
            rest.append(await anext(lines))
        rest.append(await anext(lines))

    assert beginning == ["retry: 3000", ":", ":"]
    assert rest[-2:] == ["id: 1-150", ""]
    assert set(rest[:-2]) <= {":"}


async def test_streams_end_when_everpin_stops(house: House) -> None:
    """At once and in good order, so that clients know that nothing was cut off."""
    async with following(address(house)) as follower, following(address(house), place="1-0") as other:
        stopping = asyncio.create_task(house.http.server.close())
        ends = [await follower.next(), await other.next()]
        await stopping

    assert ends == [None, None]


async def test_what_was_taken_away_is_not_told_any_more(house: House) -> None:
    """Also not by a process that had it at hand."""
    await tell(house, draft(house, 1))
    async with following(address(house)) as follower:
        await tell(house, draft(house, 2))
        (told,) = await follower.events(1)
        target = EventTarget(told["id"])
        await house.orders.carry_out(order_of(Verb.REDACT, str(target), actor="tester", reason="names a person"))
        await follower.next()
        async with following(address(house), place="1-1") as later:
            (redacted, act) = await later.events(2)

    assert told["data"]["project"] == "demo"
    assert (redacted["id"], redacted["data"]["redacted"]) == (told["id"], True)
    assert act["data"]["kind"] == "operator.act"


async def test_a_head_of_a_stream_comes_without_the_stream(house: House) -> None:
    """Who only asks what there would be is not kept waiting."""
    async with house.http.head(PATH) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
        assert await answer.read() == b""

    assert (await house.get("/metrics"))[1].count(b"everpin_sse_subscribers 0.0") == 1


async def test_an_old_client_gets_a_plain_body(house: House) -> None:
    """One of HTTP/1.0 knows no chunks, and takes what comes until the end of the connection."""
    url = house.http.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"GET {PATH}?since=2-0 HTTP/1.0\r\n\r\n".encode())

    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()

    assert head.startswith(b"HTTP/1.0 200 ")
    assert body == b'id: 1-0\nevent: resync\ndata: {"resync":true,"oldest":"1-0"}\n\n'


async def test_subscribers_are_counted(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """While they are there."""
    async with house_of(pypi, catalog, tmp_path, pace=_HASTY) as house:

        async def counted() -> bytes:
            lines = (await house.get("/metrics"))[1].splitlines()
            return next(line for line in lines if line.startswith(b"everpin_sse_subscribers "))

        async with following(address(house)), following(address(house)):
            during = await counted()
        await until(lambda: house.http.app[HUB].count == 0)

        assert (during, await counted()) == (b"everpin_sse_subscribers 2.0", b"everpin_sse_subscribers 0.0")
