"""The feed of new releases: read as far as it names projects, bounded, and never trusted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import UpstreamUnavailableError
from mirror.names import ProjectName
from tests.pypi_sim import PyPISim
from watcher.journal.rss import MOST_ITEMS, BadFeedError, Release, parse_releases
from watcher.journal.updates import LARGEST_FEED, UpdatesClient

TIME = datetime(2026, 8, 10, 12, 30, tzinfo=UTC)


def feed_of(*items: str) -> bytes:
    """A feed with these items."""
    listed = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{listed}</channel></rss>'.encode()


def item_of(title: str, time: datetime = TIME) -> str:
    """An item as PyPI writes it."""
    when = format_datetime(time, usegmt=True)
    return f"<title>{escape(title)}</title><link>https://example.org/</link><pubDate>{when}</pubDate>"


async def test_what_the_simulated_pypi_lists_is_read(pypi: PyPISim) -> None:
    """Newest first, names normalised, versions as they are spelled."""
    older = pypi.now() - timedelta(days=2)
    pypi.upload("Foo.Bar", "1.0rc1", uploaded_at=older)
    pypi.upload("demo", "2.0")
    async with aiohttp.ClientSession() as session:
        updates = await UpdatesClient(session, f"{pypi.origin}/rss/updates.xml", timeout=5).updates(None)

    assert updates is not None
    releases = {release.project: release for release in updates.releases}
    assert {name: release.version for name, release in releases.items()} == {"foo-bar": "1.0rc1", "demo": "2.0"}
    assert releases[ProjectName("foo-bar")].time is not None


async def test_a_feed_that_did_not_change_is_not_sent_again(pypi: PyPISim) -> None:
    """It is asked for by the etag that it had."""
    pypi.upload("demo", "2.0")
    async with aiohttp.ClientSession() as session:
        client = UpdatesClient(session, f"{pypi.origin}/rss/updates.xml", timeout=5)
        first = await client.updates(None)
        assert first is not None
        second = await client.updates(first.etag)
        pypi.upload("demo", "2.1")
        third = await client.updates(first.etag)

    assert first.etag is not None
    assert second is None
    assert third is not None


def test_items_that_name_no_release_are_passed_over() -> None:
    """Whatever else a feed may hold, its other items count."""
    body = feed_of(
        item_of("demo 1.0"),
        item_of("demo"),
        item_of("demo added to PyPI"),
        item_of("../../etc 1.0"),
        item_of(""),
        "",
        item_of("x" * 5_000 + " 1.0"),
        item_of("other 2.0"),
    )

    assert parse_releases(body) == (
        Release(ProjectName("demo"), "1.0", TIME),
        Release(ProjectName("other"), "2.0", TIME),
    )


@pytest.mark.parametrize("time", ["", "yesterday", "Mon, 99 Aug 2026 12:30:00 GMT", "Mon, 10 Aug 99999 12:00:00 GMT"])
def test_a_time_that_is_none_is_not_known(time: str) -> None:
    """The release is one all the same."""
    (release,) = parse_releases(feed_of(f"<title>demo 1.0</title><pubDate>{time}</pubDate>"))

    assert release == Release(ProjectName("demo"), "1.0", None)


def test_only_items_of_the_channel_count() -> None:
    """A title elsewhere, or deeper, is another title."""
    body = feed_of("<title>demo 1.0<b>bold 9</b></title><deep><title>deep 1.0</title></deep>").replace(
        b"<channel>", b"<channel><title>channel 1.0</title><image><title>image 1.0</title></image>"
    )

    assert [(release.project, release.version) for release in parse_releases(body)] == [("demo", "1.0")]


def test_items_beyond_measure_are_not_looked_at() -> None:
    """However long a feed is, so many are enough."""
    body = feed_of(*(item_of(f"demo{number} 1.0") for number in range(MOST_ITEMS + 5)))

    assert len(parse_releases(body)) == MOST_ITEMS


BOMB = b"""<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rss><channel><item><title>demo &b;</title></item></channel></rss>"""
ELSEWHERE = b"""<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<rss><channel><item><title>demo &a;</title></item></channel></rss>"""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<html><body>Down for maintenance</body></html>",
        b"<rss><channel><item><title>demo 1.0</title></item>",
        b'<?xml version="1.0" encoding="utf-7"?><rss/>',
        b'<?xml version="1.0" encoding="no-such"?><rss/>',
        b"<channel/>",
        BOMB,
        ELSEWHERE,
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    """As a whole, with one kind of error; document types and entities above all."""
    with pytest.raises(BadFeedError):
        parse_releases(body)


def test_a_document_may_be_deep() -> None:
    """Nothing of it is built up, so nothing has to be taken down."""
    deep = b"<a>" * 100_000 + b"</a>" * 100_000

    assert parse_releases(b"<rss><channel>" + deep + b"</channel></rss>") == ()


@given(st.binary(max_size=400))
def test_any_bytes_are_a_feed_or_refused(body: bytes) -> None:
    """Nothing else ever comes out."""
    try:
        found = parse_releases(body)
    except BadFeedError:
        return

    assert all(release.version for release in found)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60), max_size=8))
def test_any_titles_make_releases_of_projects_or_nothing(titles: list[str]) -> None:
    """What is taken for a project's name can be one."""
    body = feed_of(*(f"<title>{escape(title)}</title>" for title in titles))
    try:
        found = parse_releases(body)
    except BadFeedError:
        return

    assert all(release.project == release.project.lower() and " " not in release.version for release in found)
    assert len(found) <= len(titles)


@pytest.fixture
async def hostile() -> AsyncIterator[UpdatesClient]:
    """A client of a server that sends more than any feed has, or sends elsewhere."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(LARGEST_FEED // 2**16 + 16):
                await response.write(b" " * 2**16)
        except ConnectionResetError:
            return response
        return response

    app = web.Application()
    app.router.add_get("/updates.xml", endless)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield UpdatesClient(session, str(server.make_url("/updates.xml")), timeout=5)


async def test_a_feed_without_end_is_refused(hostile: UpdatesClient) -> None:
    """After so many bytes, not after all of them."""
    with pytest.raises(UpstreamUnavailableError, match="larger than"):
        await hostile.updates(None)


@pytest.mark.parametrize("fault", ["503html", "garbage", "refuse", "truncated", "hang", "bomb"])
async def test_a_feed_that_is_not_well_is_one_failure(pypi: PyPISim, fault: str) -> None:
    """Of one sentence, whatever went wrong."""
    pypi.upload("demo", "1.0")
    pypi.faults.updates = fault  # type: ignore[assignment]  # the parameters above are all faults
    async with aiohttp.ClientSession() as session:
        client = UpdatesClient(session, f"{pypi.origin}/rss/updates.xml", timeout=0.2)

        with pytest.raises(UpstreamUnavailableError) as refused:
            await client.updates(None)

    assert "\n" not in str(refused.value)


async def test_a_redirect_is_not_followed(pypi: PyPISim) -> None:
    """The address is a setting; where it leads is not for upstream to say."""
    async with aiohttp.ClientSession() as session:
        client = UpdatesClient(session, f"{pypi.origin}/simple", timeout=5)

        with pytest.raises(UpstreamUnavailableError, match="HTTP 301"):
            await client.updates(None)
