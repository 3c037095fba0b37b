"""The list of all projects: read whole or not at all."""

import gzip
import json
import zlib

import pytest

from mirror.errors import UpstreamUnavailableError
from mirror.upstream.index import LARGEST_LIST, Index
from mirror.upstream.listing import MOST_PROJECTS, parse_listing
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.canned_upstream import (
    CannedUpstream,
    redirects,
    says,
    says_gzipped,
    streams_for_ever,
)

PATH = "/simple/"


@pytest.fixture
def index(session: UpstreamSession, upstream: CannedUpstream) -> Index:
    return Index(session, f"{upstream.url}/simple/")


def listed(*projects: object) -> bytes:
    return json.dumps({"meta": {"api-version": "1.4"}, "projects": projects}).encode()


def test_names_are_normalised_and_serials_read() -> None:
    """As numbers or digits; one that is none, or none at all, is not known."""
    body = listed(
        {"name": "Left.Pad", "_last-serial": 7},
        {"name": "right_pad", "_last-serial": "8", "future": {"a": [1]}},
        {"name": "plain"},
        {"name": "odd", "_last-serial": "eight"},
        {"name": "huge", "_last-serial": 2**62},
    )

    assert dict(parse_listing(body).serials) == {
        "left-pad": 7,
        "right-pad": 8,
        "plain": None,
        "odd": None,
        "huge": None,
    }


def test_names_that_mean_harm_are_left_out() -> None:
    """What cannot be a project's name is never asked for."""
    hostile = ["../etc", "a/b", "", "a\r\nb", "x" * 10_000, "-", "é", "a b", "a?x=1"]

    found = parse_listing(listed({"name": "fine"}, *({"name": name} for name in hostile)))

    assert list(found.serials) == ["fine"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"projects": [',
        b'{"projects": {}}',
        b'{"projects": ["leftpad"]}',
        b'{"projects": [{"name": 7}]}',
        b'{"projects": [{"name": "\xff"}]}',
        b'{"projects": []}',
        b'{"projects": [{"name": "../"}]}',
        b'{"projects": ' + b"[" * 100_000,
        b'{"projects": [' + b"{" * (MOST_PROJECTS + 1),
    ],
)
def test_a_list_that_cannot_be_believed_is_refused(body: bytes) -> None:
    """Also one that is empty: it proves nothing."""
    with pytest.raises(UpstreamUnavailableError):
        parse_listing(body)


async def test_the_list_is_asked_for_as_json(index: Index, upstream: CannedUpstream) -> None:
    """Compressed, at the root of the index."""
    upstream.answers[PATH] = says_gzipped(listed({"name": "leftpad", "_last-serial": 7}))

    found = await index.listing()

    assert dict(found.serials) == {"leftpad": 7}
    assert upstream.asked[-1].headers["Accept"].split(", ")[0] == "application/vnd.pypi.simple.v1+json"


NO_LISTS = {
    "not there": says(status=404),
    "down": says(status=503),
    "the same": says(status=304),
    "HTML": says(b"<html></html>", content_type="text/html"),
    "broken off": says(gzip.compress(listed({"name": "a"}))[:-9], headers={"Content-Encoding": "gzip"}),
    "encoded": says(listed({"name": "a"}), headers={"Content-Encoding": "br"}),
    "elsewhere": redirects("http://127.0.0.2/simple/"),
    "endless": streams_for_ever(b" " * 2**20),
}


@pytest.mark.parametrize("answer", NO_LISTS)
async def test_whatever_else_comes_says_nothing(index: Index, upstream: CannedUpstream, answer: str) -> None:
    """Neither that it is not there, nor that it is broken, endless or elsewhere."""
    upstream.answers[PATH] = NO_LISTS[answer]

    with pytest.raises(UpstreamUnavailableError):
        await index.listing()


async def test_a_bomb_is_not_unpacked(index: Index, upstream: CannedUpstream) -> None:
    """A little gzip that stands for more than may come is given up in the middle."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = b"".join([*(packer.compress(b" " * 2**20) for _ in range(LARGEST_LIST // 2**20 + 1)), packer.flush()])
    upstream.answers[PATH] = says(packed, headers={"Content-Encoding": "gzip"})

    with pytest.raises(UpstreamUnavailableError, match="larger than"):
        await index.listing()
