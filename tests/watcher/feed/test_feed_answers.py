"""How feed documents are answered: with what readers and caches need to ask for no more than is new."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mirror.catalog import journal
from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.names import ProjectName, Serial
from tests.watcher.feed.feed_desks import ATOM, Desk, desk_of, serial_of
from tests.watcher.feed.made_documents import read_atom, read_json_feed, read_rss

FORMS = ("atom", "rss", "json")


@pytest_asyncio.fixture
async def desk(catalog: Catalog, tmp_path: Path) -> AsyncIterator[Desk]:
    """A feed as the settings have it by default, with archives of five numbers."""
    async with desk_of(catalog, tmp_path) as desk:
        yield desk


async def test_all_forms_tell_the_same_under_the_same_names(desk: Desk) -> None:
    """Newest first, each with the type of its form, each valid."""
    await desk.tell(range(1, 4))

    atom, rss, feed = [await desk.answer(f"/feed/deletions.{form}") for form in FORMS]

    assert atom[1]["Content-Type"] == "application/atom+xml"
    assert rss[1]["Content-Type"] == "application/rss+xml"
    assert feed[1]["Content-Type"] == "application/feed+json"
    names = [entry.id for entry in read_atom(atom[2]).entries]
    assert [serial_of(name) for name in names] == [3, 2, 1]
    assert [entry.id for entry in read_rss(rss[2]).entries] == names
    assert [item["id"] for item in read_json_feed(feed[2])["items"]] == names
    for _, headers, _ in (atom, rss, feed):
        assert headers["Cache-Control"] == "public, max-age=30"
        assert headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("form", FORMS)
async def test_a_reader_that_has_the_document_is_told_so(desk: Desk, form: str) -> None:
    """304 by its ETag until something is told, also for a feed without entries; however much time passes."""
    path = f"/feed/deletions.{form}"
    empty = (await desk.answer(path))[1]["ETag"]
    desk.advance(minutes=10)
    still_empty = await desk.answer(path, If_None_Match=empty)
    await desk.tell([1])
    told = await desk.answer(path, If_None_Match=empty)
    unchanged = await desk.answer(path, If_None_Match=f'"other", {told[1]["ETag"]}')
    await desk.tell([2])
    changed = await desk.answer(path, If_None_Match=told[1]["ETag"])

    assert [answer[0] for answer in (still_empty, told, unchanged, changed)] == [304, 200, 304, 200]
    assert unchanged[2] == b""
    assert unchanged[1]["ETag"] == told[1]["ETag"]
    assert {"Cache-Control", "Vary", "Last-Modified"} <= set(unchanged[1])


async def test_a_reader_that_knows_only_the_time_misses_nothing(desk: Desk) -> None:
    """Also of two changes within a second; and an ETag counts for more than a time."""
    await desk.tell([1])
    first = (await desk.answer(ATOM))[1]["Last-Modified"]
    same = await desk.answer(ATOM, If_Modified_Since=first)
    await desk.tell([2])
    within_the_second = await desk.answer(ATOM, If_Modified_Since=first)
    desk.advance(seconds=30)
    second = (await desk.answer(ATOM))[1]["Last-Modified"]
    later = await desk.answer(ATOM, If_Modified_Since=second)
    other_etag = await desk.answer(ATOM, If_Modified_Since=second, If_None_Match='"other"')
    nonsense = await desk.answer(ATOM, If_Modified_Since="yesterday")
    desk.advance(hours=-1)
    set_back = await desk.answer(f"{ATOM}?kind=gap", If_Modified_Since=second)

    assert [answer[0] for answer in (same, within_the_second, later, other_etag, nonsense)] == [304, 200, 304, 200, 200]
    assert set_back[0] == 200


@pytest.mark.parametrize("form", FORMS)
async def test_documents_are_packed_for_those_who_can_unpack_them(desk: Desk, form: str) -> None:
    """The same document under another ETag, since its bytes are others."""
    await desk.tell(range(1, 4))
    path = f"/feed/deletions.{form}"

    _, plain, body = await desk.answer(path)
    _, packed, gzipped = await desk.answer(path, Accept_Encoding="br, gzip;q=0.5")

    assert packed["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain
    assert gzip.decompress(gzipped) == body
    assert packed["ETag"] != plain["ETag"]
    assert (await desk.answer(path, Accept_Encoding="gzip", If_None_Match=packed["ETag"]))[0] == 304


async def test_head_is_get_without_the_body(desk: Desk) -> None:
    """The same headers, for those who look before they load."""
    await desk.tell([1])

    got, headers, body = await desk.answer(ATOM)
    status, looked, nothing = await desk.answer(ATOM, method="HEAD")

    assert (got, status, nothing) == (200, 200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Cache-Control", "Vary"):
        assert looked[name] == headers[name]
    assert looked["Content-Length"] == str(len(body))


async def test_archives_may_be_kept_for_a_day(desk: Desk) -> None:
    """They do not change, unless something is taken away."""
    await desk.tell(range(1, 6))

    _, headers, _ = await desk.answer(f"{ATOM}?archive=0")

    assert headers["Cache-Control"] == "public, max-age=86400"
    assert (await desk.answer(f"{ATOM}?archive=0", If_None_Match=headers["ETag"]))[0] == 304


async def test_entries_grow_older_than_a_day_without_anything_being_told(catalog: Catalog, tmp_path: Path) -> None:
    """What is kept ready is looked at again in time."""
    async with desk_of(catalog, tmp_path, page_size=1) as desk:
        await desk.tell(range(1, 11))
        assert len((await desk.atom()).entries) == 10
        desk.advance(hours=24, minutes=11)

        assert [serial_of(entry.id) for entry in (await desk.atom()).entries] == [10]


async def test_the_feed_says_since_when_it_can_know_anything(desk: Desk, catalog: Catalog) -> None:
    """Nobody is to take it for the whole history."""
    unwatched = (await desk.atom()).feed.subtitle
    async with catalog.writing() as conn:
        await journal.begin(conn, Serial(1), now=desk.now())

    assert "does not watch the journal" in unwatched
    for form, read in (("atom", read_atom), ("rss", read_rss)):
        subtitle = read(await desk.body(f"/feed/deletions.{form}")).feed.subtitle
        assert "since 2026-03-01 12:00:00 UTC; what happened before is not told here" in subtitle
    assert "since 2026-03-01" in read_json_feed(await desk.body("/feed/deletions.json"))["description"]


async def test_a_reader_may_want_only_some_of_it(desk: Desk) -> None:
    """Filters repeat and add up; bookkeeping comes only by its name; the title says what is left."""
    await desk.tell([1])
    await desk.tell([2], project=ProjectName("other"), version="2.0rc1")
    await desk.tell([3], kind=EventKind.RESCUED)
    await desk.tell([4], project=ProjectName("zope-interface"), kind=EventKind.RELEASE_YANKED)

    async def told(query: str) -> tuple[str, list[str]]:
        feed = await desk.atom(f"{ATOM}?{query}")
        return feed.feed.title, [entry.title for entry in feed.entries]

    assert await told("project=Zope.Interface") == (
        "Deleted from PyPI (project zope-interface)",
        ["zope-interface 1.4 was yanked"],
    )
    assert await told("kind=rescued&project=demo") == (
        "Deleted from PyPI (project demo; kind rescued)",
        ["demo 1.3 was saved after it had left"],
    )
    assert await told("stable_only=true&project=o*&project=demo") == (
        "Deleted from PyPI (projects o*, demo; no pre-releases)",
        ["demo 1.1 was deleted"],
    )
    assert (await told("min_age=72h&verdict=pep763:refuse"))[0] == (
        "Deleted from PyPI (files at least 3d old; policy pep763: refuse)"
    )
    assert (await told(""))[0] == "Deleted from PyPI"


@pytest.mark.parametrize(
    "query", ["project=-", "kind=nothing", "min_age=x", "stable_only=", "verdict=x", "archive=0&archive=1"]
)
async def test_what_cannot_be_meant_is_refused(desk: Desk, query: str) -> None:
    """400 in every form."""
    for form in FORMS:
        assert (await desk.answer(f"/feed/deletions.{form}?{query}"))[0] == 400


async def test_what_is_no_filter_makes_no_other_feed(desk: Desk) -> None:
    """Some who pass on links add to them."""
    feed = (await desk.atom(f"{ATOM}?utm_source=chat&project=demo")).feed

    assert feed.id == (await desk.atom(f"{ATOM}?project=demo")).feed.id
    assert {link.rel: link.href for link in feed.links}["self"].endswith("/feed/deletions.atom?project=demo")


async def test_two_filters_do_not_get_each_others_document(desk: Desk) -> None:
    """Neither do two addresses of the mirror."""
    await desk.tell([1])
    await desk.tell([2], project=ProjectName("other"))

    assert len((await desk.atom(f"{ATOM}?project=demo")).entries) == 1
    assert len((await desk.atom()).entries) == 2
    for host in ("one.example.org", "two.example.org"):
        feed = read_atom(await desk.body(ATOM, Host=host)).feed
        assert {link.href.split("/")[2] for link in feed.links} == {host}


@pytest.mark.parametrize("below", ["", "/python"])
async def test_addresses_in_feeds_are_those_clients_use(catalog: Catalog, tmp_path: Path, below: str) -> None:
    """Behind a proxy and below a prefix `base_url` says where that is, whether the proxy cuts the prefix or not."""
    async with desk_of(catalog, tmp_path, base_url="https://mirror.example.org/python/") as desk:
        await desk.tell(range(1, 6))

        atom = await desk.atom(f"{below}{ATOM}?project=demo&archive=0")
        feed = read_json_feed(await desk.body(f"{below}/feed/deletions.json"))

    base = "https://mirror.example.org/python"
    links = {link.rel: link.href for link in atom.feed.links}
    assert links["self"] == f"{base}/feed/deletions.atom?project=demo&archive=0"
    assert links["current"] == f"{base}/feed/deletions.atom?project=demo"
    assert links["alternate"] == f"{base}/"
    assert atom.entries[0].links[1].href == f"{base}/api/v1/projects/demo"
    assert feed["feed_url"] == f"{base}/feed/deletions.json"
    assert feed["items"][0]["_everpin"]["source"] == f"{base}/"


async def test_names_of_entries_do_not_hang_on_the_mirrors_address(catalog: Catalog, tmp_path: Path) -> None:
    """A mirror that moves tells nothing twice."""
    async with (
        desk_of(catalog, tmp_path) as desk,
        desk_of(catalog, tmp_path, base_url="https://a.example.org") as other,
    ):
        await desk.tell([1])

        here, there = await desk.atom(), await other.atom()

    assert here.entries[0].id == there.entries[0].id
    assert here.feed.id == there.feed.id
