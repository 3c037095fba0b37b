"""Every fault shows on the next request and ends when it is taken away."""

import asyncio
import json
import xmlrpc.client

import aiohttp
import pytest

from tests.pypi_sim import PyPISim
from tests.pypi_sim_tests.client import Client, Got

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


async def _call(http: Client, sim: PyPISim, method: str = "changelog_last_serial") -> Got:
    body = xmlrpc.client.dumps((), method).encode()
    return await http.ask("POST", sim.xmlrpc_url, data=body, headers={"Content-Type": "text/xml"})


async def test_a_host_that_is_down_answers_with_a_web_page(sim: PyPISim, http: Client) -> None:
    """503 and HTML, for pages, XML-RPC and files alike; the other host lives on."""
    file = sim.upload("foo", "1.0")
    sim.faults.index_down = "503html"

    page = await http.get(f"{sim.index_url}foo/", headers=JSON)
    call = await _call(http, sim)

    assert (page.status, call.status) == (503, 503)
    assert page.headers["content-type"].startswith("text/html")
    assert (await http.get(sim.file_url(file))).status == 200
    sim.faults.index_down, sim.faults.files_down = None, "503html"
    assert (await http.get(f"{sim.index_url}foo/")).status == 200
    assert (await http.get(sim.file_url(file))).status == 503


async def test_a_host_that_refuses_cuts_the_connection(sim: PyPISim, http: Client) -> None:
    """The client sees a connection error, not a status."""
    sim.faults.index_down = "refuse"

    with pytest.raises(aiohttp.ClientConnectionError):
        await http.get(sim.index_url)


async def test_a_host_that_hangs_answers_nothing_until_it_is_stopped(http: Client) -> None:
    """Stopping cuts the connections that wait."""
    async with PyPISim() as sim:
        sim.faults.index_down = "hang"
        waiting = asyncio.ensure_future(http.get(sim.index_url))
        await sim.until(1, kind="list")
        assert not waiting.done()

    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting


async def test_xmlrpc_can_fail_in_every_way_while_pages_work(sim: PyPISim, http: Client) -> None:
    """Unreadable XML, a fault, the rate limit and a 503 are told apart."""
    sim.upload("foo", "1.0")

    sim.faults.xmlrpc = "503html"
    assert (await _call(http, sim)).status == 503
    sim.faults.xmlrpc = "garbage"
    assert b"</methodResponse>" not in (await _call(http, sim)).body
    sim.faults.xmlrpc = "fault"
    assert b"application error" in (await _call(http, sim)).body
    sim.faults.xmlrpc = "ratelimit"
    limited = await _call(http, sim)
    assert b"HTTPTooManyRequests" in limited.body
    assert limited.headers["ratelimit"].startswith('"xmlrpc.client";r=0;')
    sim.faults.xmlrpc = None
    assert xmlrpc.client.loads((await _call(http, sim)).body)[0] == (4,)
    assert (await http.get(f"{sim.index_url}foo/")).status == 200


async def test_one_page_can_break_while_the_others_work(sim: PyPISim, http: Client) -> None:
    """Page faults go by project, however it is spelled."""
    sim.upload("Foo", "1.0")
    sim.upload("bar", "1.0")

    sim.faults.page("FOO", "garbage")
    broken = await http.get(f"{sim.index_url}foo/", headers=JSON)
    whole = await http.get(f"{sim.index_url}bar/", headers=JSON)
    sim.faults.page("foo", "404")
    missing = await http.get(f"{sim.index_url}foo/", headers=JSON)
    sim.faults.page("foo", "no-files")
    emptied = await http.get(f"{sim.index_url}foo/", headers=JSON)
    emptied_html = await http.get(f"{sim.index_url}foo/")
    sim.faults.page("foo", None)
    mended = await http.get(f"{sim.index_url}foo/", headers=JSON)

    assert broken.body == b'{"files": [oops'
    assert b"bar-1.0" in whole.body
    assert missing.status == 404
    assert json.loads(emptied.body)["files"] == []
    assert b"<!--SERIAL 4-->" in emptied_html.body
    assert b"<a " not in emptied_html.body
    assert b"foo-1.0" in mended.body


async def test_forgotten_files_are_gone_with_their_metadata(sim: PyPISim, http: Client) -> None:
    """With `forget_deleted` a deletion takes the bytes at once; others stay."""
    kept, lost = sim.upload("foo", "1.0"), sim.upload("foo", "2.0")
    sim.faults.forget_deleted = True

    sim.delete_release("foo", "2.0")

    assert (await http.get(sim.file_url(lost))).status == 404
    assert (await http.get(f"{sim.file_url(lost)}.metadata")).status == 404
    assert (await http.get(sim.file_url(kept))).status == 200
    sim.restore_file("foo", lost)
    assert (await http.get(sim.file_url(lost))).body == lost.content
    sim.faults.forget_file(kept.filename)
    assert (await http.get(sim.file_url(kept))).status == 404


async def test_wrong_and_short_bodies_look_complete(sim: PyPISim, http: Client) -> None:
    """Status and length are in order; only the digest tells."""
    file = sim.upload("foo", "1.0")

    sim.faults.wrong_bytes(file.filename)
    wrong = await http.get(sim.file_url(file))
    sim.faults.mend(file.filename)
    sim.faults.shorten(file.filename, 10)
    short = await http.get(sim.file_url(file))

    assert wrong.status == short.status == 200
    assert len(wrong.body) == file.size
    assert wrong.body != file.content
    assert short.body == file.content[:10]


@pytest.mark.parametrize("fault", ["truncate", "reset"])
async def test_broken_transfers_end_in_a_client_error(sim: PyPISim, http: Client, fault: str) -> None:
    """The promised length never arrives."""
    file = sim.upload("foo", "1.0", payload_size=300_000)
    getattr(sim.faults, fault)(file.filename, 100_000)

    with pytest.raises(aiohttp.ClientError):
        await http.get(sim.file_url(file))


async def test_a_held_file_waits_in_the_middle_until_it_is_released(sim: PyPISim) -> None:
    """The first bytes arrive, the others only after the release."""
    file = sim.upload("foo", "1.0", payload_size=100_000)
    sim.faults.hold(file.filename, after=1000)

    async with aiohttp.ClientSession() as session, session.get(sim.file_url(file)) as response:
        head = await response.content.readexactly(1000)
        sim.faults.release(file.filename)
        rest = await response.content.read()

    assert head + rest == file.content


async def test_slow_and_late_files_arrive_whole(sim: PyPISim, http: Client) -> None:
    """Patience is rewarded."""
    file = sim.upload("foo", "1.0")
    sim.faults.slow(file.filename, 20_000)
    sim.faults.delay_first_byte(file.filename, 0.01)

    assert (await http.get(sim.file_url(file))).body == file.content


async def test_a_stopped_simulator_starts_again_on_the_same_ports(sim: PyPISim, http: Client) -> None:
    """In between, connections are refused; the state is the same afterwards."""
    sim.upload("foo", "1.0")
    page = f"{sim.index_url}foo/"

    await sim.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.get(page)
    await sim.start()

    assert f"{sim.index_url}foo/" == page
    assert (await http.get(page)).status == 200


async def test_mending_everything_leaves_no_fault(sim: PyPISim, http: Client) -> None:
    """All kinds of faults end together."""
    file = sim.upload("foo", "1.0")
    sim.faults.index_down = "503html"
    sim.faults.wrong_bytes(file.filename)
    sim.faults.forget_file(file.filename)

    sim.faults.mend_all()

    assert (await http.get(sim.index_url)).status == 200
    assert (await http.get(sim.file_url(file))).body == file.content
