"""Archives of the feed: who was away follows them back and has every event."""

import json
from collections.abc import AsyncIterator
from itertools import chain
from pathlib import Path

import pytest
import pytest_asyncio

from mirror.catalog import acts, redactions, retention
from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.names import ProjectName
from mirror.targets import Verb, order_of
from tests.watcher.feed.feed_desks import ATOM, Desk, desk_of, serial_of
from tests.watcher.feed.made_documents import read_atom
from watcher.feed import contents


@pytest_asyncio.fixture
async def desk(catalog: Catalog, tmp_path: Path) -> AsyncIterator[Desk]:
    """A feed that shows two events at least, and has archives of five numbers."""
    async with desk_of(catalog, tmp_path, page_size=2) as desk:
        yield desk


async def redact(desk: Desk, event_id: str) -> None:
    """Takes the payload of an event away, as an operator's order does."""
    async with desk.catalog.writing() as conn:
        order = order_of(Verb.REDACT, f"event:{event_id}", actor="me", reason="a person asked for it")
        act = await acts.record(conn, order, name="1", at=desk.now())
        assert act is not None
        assert await redactions.redact(conn, event_id, act=act, now=desk.now())
        await redactions.count(conn)


async def forget(desk: Desk, count: int) -> None:
    """Forgets that many of the oldest events, as retention does."""
    async with desk.catalog.writing() as conn:
        assert await retention.forget(conn, before=desk.now(), limit=count) == count


async def test_who_was_away_gets_every_event_once(desk: Desk) -> None:
    """The current document has what is in no archive yet, and each archive leads to the one before."""
    await desk.tell(range(1, 23))
    desk.advance(days=40)

    documents = await desk.walk()

    assert documents == [[22, 21, 20], [19, 18, 17, 16, 15], [14, 13, 12, 11, 10], [9, 8, 7, 6, 5], [4, 3, 2, 1]]


@pytest.mark.parametrize("told", [1, 4, 5, 9, 10])
async def test_nothing_falls_between_the_current_document_and_the_newest_archive(desk: Desk, told: int) -> None:
    """Wherever the last archive ended: what was told last, page by page, makes the whole."""
    await desk.tell(range(1, told + 1))
    desk.advance(days=40)

    documents = await desk.walk()

    assert set(chain(*documents)) == set(range(1, told + 1))
    archived = list(chain(*documents[1:]))
    assert archived == sorted(set(archived), reverse=True)


async def test_a_day_is_in_the_current_document_as_a_whole(desk: Desk) -> None:
    """Whoever reads once a day needs no archive."""
    await desk.tell(range(1, 9))
    desk.advance(hours=25)
    await desk.tell(range(9, 21))
    desk.advance(hours=23)

    documents = await desk.walk()

    assert documents[0] == list(range(20, 8, -1))
    assert documents[1] == [19, 18, 17, 16, 15]


async def test_an_archive_stays_as_it_is_while_events_are_told(desk: Desk) -> None:
    """Byte for byte, in each form, of the whole feed and of a filtered one."""
    await desk.tell(range(1, 12))
    paths = [
        f"/feed/deletions.{form}?{filtered}archive={archive}"
        for form in ("atom", "rss", "json")
        for filtered in ("", "project=d*&", "min_age=1h&")
        for archive in (0, 1)
    ]
    before = [await desk.body(path) for path in paths]
    desk.advance(days=2)
    await desk.tell(range(12, 40), project=ProjectName("demo"))
    desk.advance(days=50)

    assert [await desk.body(path) for path in paths] == before


async def test_archives_in_which_a_reader_wants_nothing_are_passed_over(desk: Desk) -> None:
    """A project of which little is told has few documents."""
    await desk.tell([1, 2], project=ProjectName("rare"))
    await desk.tell(range(3, 17))
    await desk.tell([17], project=ProjectName("rare"))
    await desk.tell(range(18, 30))
    desk.advance(days=40)

    assert await desk.walk(f"{ATOM}?project=rare") == [[17, 2], [17], [2, 1]]
    assert await desk.walk(f"{ATOM}?project=r*") == [[17, 2], [17], [2, 1]]
    assert await desk.walk(f"{ATOM}?kind=restored") == [[]]


async def test_where_too_much_had_to_be_looked_at_an_archive_is_named_on_suspicion(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can turn out to be empty, and leads on."""
    monkeypatch.setattr(contents, "MOST_LOOKED_AT", 7)
    await desk.tell([1, 2], project=ProjectName("rare"))
    await desk.tell(range(3, 30))
    desk.advance(days=40)

    documents = await desk.walk(f"{ATOM}?project=r*")

    assert [serials for serials in documents if serials] == [[2, 1]]
    assert 2 < len(documents) < 6


async def test_a_burst_beyond_measure_is_in_the_archives(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current document says that it does not hold the whole day."""
    monkeypatch.setattr(contents, "MOST_ENTRIES", 7)
    await desk.tell(range(1, 31))

    documents = await desk.walk()

    assert documents[0] == [30, 29, 28, 27, 26, 25, 24]
    assert set(chain(*documents)) == set(range(1, 31))
    assert "the rest is in the archives" in (await desk.atom()).feed.subtitle
    assert "the rest" not in (await desk.atom(f"{ATOM}?project=other")).feed.subtitle


async def test_bookkeeping_is_in_no_archive_unless_it_is_asked_for(desk: Desk) -> None:
    """The numbers are those of all events."""
    await desk.tell(range(1, 4))
    await desk.tell(range(4, 7), kind=EventKind.RESCUED)
    await desk.tell([7])

    assert [serial_of(entry.id) for entry in (await desk.atom(f"{ATOM}?archive=0")).entries] == [3, 2, 1]
    assert len((await desk.atom(f"{ATOM}?archive=0&kind=rescued")).entries) == 1


@pytest.mark.parametrize(
    ("archive", "status"),
    [("1", 200), ("2", 404), ("999999999999", 404), ("-1", 400), ("x", 400), ("", 400), ("٣", 400)],
)
async def test_only_archives_that_are_complete_are_there(desk: Desk, archive: str, status: int) -> None:
    """What is not there yet would have to change."""
    await desk.tell(range(1, 14))

    for form in ("atom", "rss", "json"):
        assert (await desk.answer(f"/feed/deletions.{form}?archive={archive}"))[0] == status


async def test_what_is_not_held_any_more_is_gone_from_archives(desk: Desk) -> None:
    """An archive of which something is left has that; one of which nothing is left is 410, and nothing leads there."""
    await desk.tell(range(1, 22))
    desk.advance(days=40)
    assert (await desk.answer(f"{ATOM}?archive=0"))[0] == 200
    await forget(desk, 7)

    documents = await desk.walk()

    assert documents == [[21, 20], [19, 18, 17, 16, 15], [14, 13, 12, 11, 10], [9, 8]]
    assert (await desk.answer(f"{ATOM}?archive=0"))[0] == 410


async def test_another_history_has_other_archives(desk: Desk) -> None:
    """After a backup was put back, the same numbers can be those of other events."""
    await desk.tell(range(1, 8))
    desk.advance(days=40)
    assert (await desk.answer(f"{ATOM}?archive=0"))[0] == 200
    async with desk.catalog.writing() as conn:
        await conn.execute("update instance set epoch = 2")

    assert await desk.walk() == [[7, 6, 5], [4, 3, 2, 1]]
    links = {link.rel: link.href for link in (await desk.atom()).feed.links}
    assert links["prev-archive"].endswith("?archive=2-0")
    assert (await desk.answer(f"{ATOM}?archive=0"))[0] == 410
    assert (await desk.answer(f"{ATOM}?archive=3-0"))[0] == 404


async def test_what_was_redacted_is_withdrawn(desk: Desk) -> None:
    """From the archive, and for a month by the current document, since nobody looks at archives twice."""
    await desk.tell(range(1, 12), yanked_reason="my telephone number")
    desk.advance(days=40)
    before = await desk.body(f"{ATOM}?archive=0")
    assert serial_of(read_atom(before).entries[1].id) == 3
    await redact(desk, "3-release.deleted")

    for path in (ATOM, f"{ATOM}?archive=0", f"{ATOM}?min_age=1h", f"{ATOM}?project=demo"):
        body = await desk.body(path)
        assert body.count(b"<at:deleted-entry ") == 1, path
        assert f'/3-release.deleted" when="{desk.now():%Y-%m-%dT%H:%M:%S}Z"'.encode() in body
        assert 3 not in [serial_of(entry.id) for entry in read_atom(body).entries]
    for path in ("/feed/deletions.rss?archive=0", "/feed/deletions.json?archive=0"):
        assert b"/3-release.deleted" not in await desk.body(path)
        assert b"/2-release.deleted" in await desk.body(path)
    assert b"at:deleted-entry " not in await desk.body(f"{ATOM}?project=other")
    desk.advance(days=31)
    assert b"at:deleted-entry " not in await desk.body(ATOM)


async def test_json_feed_is_walked_by_its_own_means(desk: Desk) -> None:
    """`next_url` leads through the same archives, each item with its event."""
    await desk.tell(range(1, 13))
    desk.advance(days=40)
    serials: list[list[int]] = []
    path = "/feed/deletions.json"
    while path:
        feed = json.loads(await desk.body(path))
        serials.append([item["_everpin"]["data"]["serial"] for item in feed["items"]])
        url = feed.get("next_url", "")
        path = url[url.index("/feed/") :] if url else ""

    assert serials == [[12, 11, 10], [9, 8, 7, 6, 5], [4, 3, 2, 1]]
