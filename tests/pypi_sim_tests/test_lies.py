"""Lies are told in the way they are meant to, cost the simulator little, and end when they are taken back."""

import asyncio
import json
import zlib

import aiohttp
import pytest

from tests.pypi_sim import PyPISim
from tests.pypi_sim.faults import PageFault
from tests.pypi_sim.lies import BOMB_UNPACKED, HOSTILE_FILENAMES, HOSTILE_URLS
from tests.pypi_sim_tests.client import Client

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
_LARGEST_BELIEVABLE = 64 * 2**20


async def test_a_bomb_is_small_until_it_is_unpacked(sim: PyPISim, http: Client) -> None:
    """Sound gzip of a sound JSON object, sent also to who did not ask for gzip; a file can be one too."""
    file = sim.upload("foo", "1.0")
    sim.faults.page("foo", "bomb")
    sim.faults.bomb(file.filename)

    page = await http.get(f"{sim.index_url}foo/", headers=JSON)
    body = await http.get(sim.file_url(file))

    assert page.headers["content-encoding"] == body.headers["content-encoding"] == "gzip"
    assert page.body == body.body
    assert len(page.body) < 2**18
    assert _LARGEST_BELIEVABLE * 2 < BOMB_UNPACKED < _unpacked_size(page.body)


@pytest.mark.parametrize("is_page", [True, False])
async def test_an_endless_body_goes_on_as_long_as_somebody_reads(sim: PyPISim, is_page: bool) -> None:
    """What was taken is counted once the reader has hung up; a page begins like any other, a file as it is."""
    file = sim.upload("foo", "1.0")
    sim.faults.page("foo", "endless")
    sim.faults.never_end(file.filename)
    url = f"{sim.index_url}foo/" if is_page else sim.file_url(file)

    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers=JSON) as response:
            head = await response.content.readexactly(4 * 2**20)
        await _until_poured(sim)

    assert head.startswith(b'{"meta":{"api-version":"1.4"},"name":"foo"' if is_page else file.content)
    assert "Content-Length" not in response.headers
    assert sim.faults.poured >= len(head)


async def test_redirects_lead_wherever_they_are_told(sim: PyPISim, http: Client) -> None:
    """To a path of the same host, to another host, in a circle; for pages and for files."""
    file = sim.upload("foo", "1.0")
    page = f"{sim.index_url}foo/"

    sim.faults.redirect_page("Foo", "/simple/foo/")
    circle = await http.get(page)
    sim.faults.redirect_page("foo", "http://example.org/simple/foo/")
    abroad = await http.get(page)
    sim.faults.redirect(file.filename, "http://example.org/foo")
    elsewhere = await http.get(sim.file_url(file))
    sim.faults.page("foo", None)
    sim.faults.mend(file.filename)

    assert (circle.status, circle.headers["location"]) == (301, page)
    assert (abroad.status, abroad.headers["location"]) == (301, "http://example.org/simple/foo/")
    assert (elsewhere.status, elsewhere.headers["location"]) == (302, "http://example.org/foo")
    assert (await http.get(page)).status == (await http.get(sim.file_url(file))).status == 200


async def test_hostile_names_stand_beside_the_honest_ones(sim: PyPISim, http: Client) -> None:
    """One filename is not even text; read without it, the page is sound JSON."""
    file = sim.upload("foo", "1.0")
    sim.faults.page("foo", "hostile-names")

    got = await http.get(f"{sim.index_url}foo/", headers=JSON)

    with pytest.raises(UnicodeDecodeError):
        got.body.decode()
    entries = [entry for entry in json.loads(got.body.decode(errors="replace"))["files"] if isinstance(entry, dict)]
    assert {*HOSTILE_FILENAMES, file.filename} < {entry.get("filename") for entry in entries}
    assert set(HOSTILE_URLS) < {entry.get("url") for entry in entries}


async def test_a_page_can_be_of_another_project_or_no_text(sim: PyPISim, http: Client) -> None:
    """In JSON; all else is as it was."""
    sim.upload("foo", "1.0")
    page = f"{sim.index_url}foo/"
    honest = json.loads((await http.get(page, headers=JSON)).body)

    sim.faults.page("foo", "another-project")
    other = json.loads((await http.get(page, headers=JSON)).body)
    sim.faults.page("foo", "not-utf8")
    unreadable = (await http.get(page, headers=JSON)).body

    assert other == {**honest, "name": "another-project"}
    with pytest.raises(UnicodeDecodeError):
        unreadable.decode()


@pytest.mark.parametrize("fault", ["truncated", "reset"])
async def test_a_page_can_break_off_half_way(sim: PyPISim, http: Client, fault: PageFault) -> None:
    """Also for who has it already: a 304 would be no lie."""
    sim.upload("foo", "1.0")
    page = f"{sim.index_url}foo/"
    tag = (await http.get(page, headers=JSON)).headers["etag"]
    sim.faults.page("foo", fault)

    with pytest.raises(aiohttp.ClientError):
        await http.get(page, headers={**JSON, "If-None-Match": tag})


async def test_a_slow_page_trickles(sim: PyPISim) -> None:
    """The headers and a byte arrive, the rest takes its time; stopping the simulator ends it."""
    sim.upload("foo", "1.0")
    sim.faults.page("foo", "slow")

    headers = {**JSON, "Accept-Encoding": "identity"}
    async with aiohttp.ClientSession() as session, session.get(f"{sim.index_url}foo/", headers=headers) as response:
        first = await response.content.readexactly(1)
        await sim.stop()
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()

    assert first == b"{"


def _unpacked_size(packed: bytes) -> int:
    unpacker, size, rest = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), 0, packed
    while rest:
        size += len(unpacker.decompress(rest, 2**20))
        rest = unpacker.unconsumed_tail
    assert unpacker.eof
    return size


async def _until_poured(sim: PyPISim) -> None:
    async with asyncio.timeout(30):
        while not sim.faults.poured:  # noqa: ASYNC110 - the host tells nobody when a reader hangs up
            await asyncio.sleep(0.01)
