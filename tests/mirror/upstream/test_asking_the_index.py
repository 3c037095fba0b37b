"""Asking for project pages, of an index that behaves and of one that does not."""

import gzip
import importlib.metadata
import zlib
from datetime import timedelta

import pytest
from packaging.utils import canonicalize_name

from mirror.errors import NotThereError, UpstreamUnavailableError
from mirror.model import ProjectPage
from mirror.names import Serial
from mirror.setting_sections import Upstream
from mirror.upstream.index import LARGEST_PAGE, Index, NotModified
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.canned_upstream import (
    JSON_TYPE,
    CannedUpstream,
    canned_upstream,
    page,
    redirects,
    says,
    says_gzipped,
    says_nothing,
    streams,
    streams_for_ever,
)

LEFTPAD = canonicalize_name("leftpad")
PATH = "/simple/leftpad/"


@pytest.fixture
def index(session: UpstreamSession, upstream: CannedUpstream) -> Index:
    return Index(session, f"{upstream.url}/simple/")


async def test_a_page_is_asked_for_as_json_and_with_an_introduction(index: Index, upstream: CannedUpstream) -> None:
    """The request names this program and its operator, carries no cookie and asks for HTML only if there is no JSON."""
    upstream.answers[PATH] = says(page(), headers={"ETag": '"one"', "Set-Cookie": "a=b"})

    await index.page(LEFTPAD)
    answered = await index.page(LEFTPAD)

    assert isinstance(answered, ProjectPage)
    assert (answered.serial, answered.etag) == (40, '"one"')
    headers = upstream.asked[-1].headers
    assert headers["User-Agent"] == f"everpin/{importlib.metadata.version('everpin')} (+ops@example.org)"
    assert headers["Accept"] == (
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
    )
    assert headers["Accept-Encoding"] == "gzip"
    assert "Cookie" not in headers
    assert "If-None-Match" not in headers


async def test_gzip_is_unpacked(index: Index, upstream: CannedUpstream) -> None:
    """A page that arrives compressed is the same page."""
    files = [{"filename": f"leftpad-{n}.tar.gz", "url": f"/f/{n}", "hashes": {}} for n in range(20_000)]
    upstream.answers[PATH] = says_gzipped(page(files=files))

    answered = await index.page(LEFTPAD)

    assert isinstance(answered, ProjectPage)
    assert len(answered.files) == 20_000
    assert answered.files[7].url == f"{upstream.url}/f/7"


async def test_an_unchanged_page_is_not_sent_again(index: Index, upstream: CannedUpstream) -> None:
    """The ETag goes out as it came in, and 304 tells the serial of now."""
    upstream.answers[PATH] = says(status=304, headers={"X-PyPI-Last-Serial": "76"})

    answered = await index.page(LEFTPAD, etag='"one"')

    assert answered == NotModified(Serial(76))
    assert upstream.asked[0].headers["If-None-Match"] == '"one"'


async def test_only_404_means_that_there_is_no_project(index: Index) -> None:
    """What the index knows not to exist is told apart from what it cannot tell."""
    with pytest.raises(NotThereError, match="no project leftpad"):
        await index.page(LEFTPAD)


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 410, 429, 451, 500, 502, 503, 504])
async def test_other_answers_say_nothing_about_what_exists(index: Index, upstream: CannedUpstream, status: int) -> None:
    """Also a 304 that nobody asked for."""
    upstream.answers[PATH] = says(status=status)

    with pytest.raises(UpstreamUnavailableError, match=str(status)):
        await index.page(LEFTPAD)


async def test_an_index_that_speaks_only_html_is_read_as_well(index: Index, upstream: CannedUpstream) -> None:
    """Its pages have neither sizes nor times, but the links are there."""
    link = b'<a href="/f/leftpad-1.0.tar.gz">leftpad-1.0.tar.gz</a>'
    upstream.answers[PATH] = says(link, content_type="text/html; charset=utf-8")

    answered = await index.page(LEFTPAD)

    assert isinstance(answered, ProjectPage)
    assert [(file.url, file.version) for file in answered.files] == [(f"{upstream.url}/f/leftpad-1.0.tar.gz", "1.0")]


async def test_html_that_is_no_page_of_an_index_is_not_believed(index: Index, upstream: CannedUpstream) -> None:
    """A page to log in with says nothing of a project."""
    login = b"<html><title>Please log in</title><a href='/help'>Help</a><form></form></html>"
    upstream.answers[PATH] = says(login, content_type="text/html")

    with pytest.raises(UpstreamUnavailableError, match="neither lists a file"):
        await index.page(LEFTPAD)


async def test_a_body_of_another_kind_is_refused(index: Index, upstream: CannedUpstream) -> None:
    """A captive portal, for instance."""
    upstream.answers[PATH] = says(page(), content_type="text/plain")

    with pytest.raises(UpstreamUnavailableError, match="neither JSON nor HTML"):
        await index.page(LEFTPAD)


async def test_redirects_within_the_index_are_followed(index: Index, upstream: CannedUpstream) -> None:
    """Relative links count from where the answer came."""
    upstream.answers[PATH] = redirects("/moved/leftpad/", status=301)
    upstream.answers["/moved/leftpad/"] = says(page(files=[{"filename": "a-1.zip", "url": "x", "hashes": {}}]))

    answered = await index.page(LEFTPAD)

    assert isinstance(answered, ProjectPage)
    assert answered.files[0].url == f"{upstream.url}/moved/leftpad/x"


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/simple/leftpad/", "file:///etc/passwd", "http://[", ""])
async def test_redirects_away_from_the_index_are_not(index: Index, upstream: CannedUpstream, target: str) -> None:
    """Not to another port, another scheme or nowhere."""
    upstream.answers[PATH] = redirects(target) if target else says(status=302)

    with pytest.raises(UpstreamUnavailableError, match="does not follow"):
        await index.page(LEFTPAD)

    assert upstream.paths() == [PATH]


async def test_a_foreign_index_is_never_asked(index: Index, upstream: CannedUpstream) -> None:
    """A redirect to a server that is there leaves that server alone."""
    async with canned_upstream() as foreign:
        foreign.answers[PATH] = says(page())
        upstream.answers[PATH] = redirects(f"{foreign.url}{PATH}")

        with pytest.raises(UpstreamUnavailableError, match="does not follow"):
            await index.page(LEFTPAD)

        assert foreign.asked == []


async def test_a_circle_of_redirects_ends(index: Index, upstream: CannedUpstream) -> None:
    """Three are followed."""
    upstream.answers[PATH] = redirects(PATH)

    with pytest.raises(UpstreamUnavailableError, match="more than 3 times"):
        await index.page(LEFTPAD)

    assert len(upstream.asked) == 4


async def test_a_gzip_bomb_is_stopped(index: Index, upstream: CannedUpstream) -> None:
    """A few kilobytes that stand for more than a page may have are refused."""
    bomb = gzip.compress(page(future=" " * LARGEST_PAGE))
    assert len(bomb) < 2**17
    upstream.answers[PATH] = says(bomb, headers={"Content-Encoding": "gzip"})

    with pytest.raises(UpstreamUnavailableError, match="larger than"):
        await index.page(LEFTPAD)


async def test_gzip_that_never_unpacks_to_anything_is_stopped(index: Index, upstream: CannedUpstream) -> None:
    """Empty blocks can go on for ever without a single byte of page."""
    packer = zlib.compressobj(wbits=31)
    start = packer.compress(b"") + packer.flush(zlib.Z_SYNC_FLUSH)
    empty_blocks = b"\x00\x00\x00\xff\xff" * 200_000
    upstream.answers[PATH] = streams(
        [start, *([empty_blocks] * 70)], headers={"Content-Type": JSON_TYPE, "Content-Encoding": "gzip"}
    )

    with pytest.raises(UpstreamUnavailableError, match="larger than"):
        await index.page(LEFTPAD)


async def test_an_endless_page_is_stopped(index: Index, upstream: CannedUpstream) -> None:
    """Reading ends at the bound, not at memory's end."""
    upstream.answers[PATH] = streams_for_ever(b" " * 2**20)

    with pytest.raises(UpstreamUnavailableError, match="larger than"):
        await index.page(LEFTPAD)


async def test_a_page_that_announces_too_much_is_not_read(index: Index, upstream: CannedUpstream) -> None:
    """The announcement is enough."""
    upstream.answers[PATH] = says(b" " * (LARGEST_PAGE + 1))

    with pytest.raises(UpstreamUnavailableError, match="larger than"):
        await index.page(LEFTPAD)


@pytest.mark.parametrize("cut", [slice(0, -9), slice(10, None)], ids=["end", "start"])
async def test_damaged_gzip_is_not_believed(index: Index, upstream: CannedUpstream, cut: slice) -> None:
    """Neither when it breaks off nor when it is corrupt."""
    packed = gzip.compress(page(versions=[f"{n}.0" for n in range(99)]))[cut]
    upstream.answers[PATH] = says(packed, headers={"Content-Encoding": "gzip"})

    with pytest.raises(UpstreamUnavailableError, match="gzip"):
        await index.page(LEFTPAD)


async def test_an_encoding_nobody_asked_for_is_refused(index: Index, upstream: CannedUpstream) -> None:
    """There is nobody here to read it within bounds."""
    upstream.answers[PATH] = says(page(), headers={"Content-Encoding": "br"})

    with pytest.raises(UpstreamUnavailableError, match="not asked for"):
        await index.page(LEFTPAD)


async def test_a_connection_that_breaks_off_is_no_page(index: Index, upstream: CannedUpstream) -> None:
    """Even where what arrived could be read."""
    upstream.answers[PATH] = streams([page()], breaks=True, headers={"Content-Type": JSON_TYPE})

    with pytest.raises(UpstreamUnavailableError, match="broke off"):
        await index.page(LEFTPAD)


async def test_an_index_that_is_silent_is_given_up(upstream: CannedUpstream) -> None:
    """After the span that the settings allow for the next byte."""
    upstream.answers[PATH] = says_nothing
    async with UpstreamSession(Upstream(timeout=timedelta(seconds=0.2))) as session:
        with pytest.raises(UpstreamUnavailableError, match="in time"):
            await Index(session, f"{upstream.url}/simple/").page(LEFTPAD)


async def test_a_caller_can_wait_for_less(index: Index, upstream: CannedUpstream) -> None:
    """The caller's own deadline covers the whole request."""
    upstream.answers[PATH] = says_nothing

    with pytest.raises(UpstreamUnavailableError, match="completely in time"):
        await index.page(LEFTPAD, timeout=0.1)


async def test_an_index_that_is_down_could_not_be_asked(session: UpstreamSession) -> None:
    """A refused connection says nothing about projects."""
    async with canned_upstream() as gone:
        url = gone.url

    with pytest.raises(UpstreamUnavailableError, match="could not be asked"):
        await Index(session, f"{url}/simple/").page(LEFTPAD)
