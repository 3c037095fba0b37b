"""Whatever else upstream answers, or does not, is one sentence and changes nothing."""

import asyncio
import gzip

import aiohttp
import pytest
from aiohttp import web

from tests.watcher.journal.journal_upstream import Upstream, answer_of, fault_of, recorded, refusal
from watcher.journal.client import LARGEST_BODY, JournalClient


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "fault_bad_type",
            "the journal answered fault -32602: client error; serial: Input should be a valid integer",
        ),
        ("fault_unknown_method", "the journal answered fault -32601: server error; requested method not found"),
    ],
)
async def test_a_fault_is_told_with_its_code_and_text(
    upstream: Upstream, client: JournalClient, name: str, sentence: str
) -> None:
    """Faults come with status 200."""
    upstream.says(recorded(name))

    assert await refusal(client) == sentence


async def test_the_text_of_a_fault_is_cleaned_and_bounded(upstream: Upstream, client: JournalClient) -> None:
    """It ends in logs and terminals."""
    upstream.says(fault_of(-32500, "a\n\u202eb\u009b" + "x" * 100_000))

    said = await refusal(client)

    assert said.startswith("the journal answered fault -32500: a bxxx")
    assert len(said) < 600
    assert said.isprintable()


async def test_a_fault_with_lists_for_words_is_a_fault_too(upstream: Upstream, client: JournalClient) -> None:
    """Nothing is assumed of its members."""
    members = {"faultCode": [[1]], "faultString": {"a": "b"}}
    body = answer_of(members).replace(b"<params>\n<param>", b"<fault>").replace(b"</param>\n</params>", b"</fault>")
    upstream.says(body)

    assert await refusal(client) == "the journal answered fault a list: a dict"


@pytest.mark.parametrize(
    ("status", "headers", "sentence"),
    [
        (503, {"Content-Type": "text/html"}, "the journal is down for now (HTTP 503)"),
        (500, {}, "the journal answered HTTP 500"),
        (404, {}, "the journal answered HTTP 404"),
        (204, {}, "the journal answered HTTP 204"),
        (301, {"Location": "/pypi/"}, "the journal redirects to /pypi/ (HTTP 301), which is not followed"),
        (307, {"Location": "/pypi"}, "the journal redirects to /pypi (HTTP 307), which is not followed"),
        (302, {}, "the journal redirects to nowhere (HTTP 302), which is not followed"),
    ],
)
async def test_other_statuses_are_no_answer(
    upstream: Upstream, client: JournalClient, status: int, headers: dict[str, str], sentence: str
) -> None:
    """Redirects included: one request was made and no other."""
    upstream.says(b"" if status == 204 else b"<html>", status=status, headers=headers)

    assert await refusal(client) == sentence
    assert len(upstream.asked) == 1


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<methodResponse><params><param><value><string>&c;</string></value></param></params></methodResponse>"""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BOMB, "DTDForbidden"),
        (b"<!DOCTYPE html><html><p>Sorry</html>", "DTDForbidden"),
        (b"<html><p>Sorry</p></html>", "ResponseError"),
        (b"", "ExpatError"),
        (b"\xff\xfe\x00", "ExpatError"),
        (b"<methodResponse><params><param><value><int>7", "ExpatError"),
        (
            b"<methodResponse><params><param><value><int>seven</int></value></param></params></methodResponse>",
            "ValueErr",
        ),
        (b"<r><value><struct><value><nil/></value></struct></value><params/></r>", "IndexError"),
        (b"<methodResponse><fault><value><int>7</int></value></fault></methodResponse>", "TypeError"),
        (b"<r><params/></array></r>", "ExpatError"),
    ],
)
async def test_a_body_that_is_no_xmlrpc_is_no_answer(
    upstream: Upstream, client: JournalClient, body: bytes, reason: str
) -> None:
    """Entities are refused where they are declared, before anything can grow."""
    upstream.says(body)

    assert (await refusal(client)).startswith(f"the journal's answer is not XML-RPC: {reason}")


async def test_an_answer_of_several_values_is_refused(upstream: Upstream, client: JournalClient) -> None:
    """Which of them would be the rows?"""
    value = b"<param><value><array><data></data></array></value></param>"
    upstream.says(b"<methodResponse><params>" + 2 * value + b"</params></methodResponse>")

    assert await refusal(client) == "the journal answered 2 values, not one"


async def test_lists_nested_without_end_do_no_harm(upstream: Upstream, client: JournalClient) -> None:
    """They are refused as the row that they are not."""
    depth = 50_000
    opened, closed = b"<value><array><data>", b"</data></array></value>"
    nested = depth * opened + depth * closed
    upstream.says(b"<methodResponse><params><param>" + nested + b"</param></params></methodResponse>")

    assert await refusal(client) == "the journal's answer is unusable: a journal row has 1 elements, not 5"


async def test_a_body_that_outgrows_the_bound_is_refused(upstream: Upstream, client: JournalClient) -> None:
    """Also where it is small on the wire and grows when unpacked."""
    packed = gzip.compress(b" " * (LARGEST_BODY + 1), compresslevel=1)
    upstream.says(packed, headers={"Content-Encoding": "gzip"})

    assert await refusal(client) == f"the journal's answer is larger than {LARGEST_BODY} bytes"


async def test_an_answer_that_breaks_off_is_no_answer(upstream: Upstream, client: JournalClient) -> None:
    """However good its beginning was."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "800"})
        await response.prepare(request)
        await response.write(recorded("since_three_rows")[:400])
        assert request.transport is not None
        request.transport.close()
        return response

    upstream.answer = answer

    assert (await refusal(client, 76)).startswith("the journal's answer cannot be read: ")


async def test_an_upstream_that_hangs_is_given_up(upstream: Upstream, session: aiohttp.ClientSession, url: str) -> None:
    """After the time that was set."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await upstream.over.wait()
        return web.Response()

    upstream.answer = answer

    assert await refusal(JournalClient(session, url, timeout=0.1)) == "the journal did not answer in time"


async def test_an_upstream_that_trickles_is_given_up(
    upstream: Upstream, session: aiohttp.ClientSession, url: str
) -> None:
    """Even though the next byte is never far."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not upstream.over.is_set() and request.transport is not None:
            await response.write(b" ")
            await asyncio.sleep(0.005)
        return response

    upstream.answer = answer

    assert await refusal(JournalClient(session, url, timeout=0.1)) == "the journal did not answer in time"


async def test_an_upstream_that_is_not_there_is_told_so(session: aiohttp.ClientSession, unused_tcp_port: int) -> None:
    """It says nothing about what exists."""
    client = JournalClient(session, f"http://127.0.0.1:{unused_tcp_port}/pypi", timeout=5)

    assert (await refusal(client)).startswith("no connection to the journal: ")


async def test_a_server_of_another_protocol_is_no_answer(session: aiohttp.ClientSession) -> None:
    """What it says is quoted without its line ends."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail ready\r\nwhat?\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        said = await refusal(JournalClient(session, f"http://{host}:{port}/pypi", timeout=30))

    assert said.startswith("the journal's answer cannot be read: ")
    assert said.isprintable()
