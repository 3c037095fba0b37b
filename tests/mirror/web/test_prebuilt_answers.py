"""Answers of bytes on the wire, on both event loops: whatever a connection can do to them, they stay whole."""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import uvloop
from aiohttp import web

from mirror.web.prebuilt import PrebuiltAnswer, put_together

LOOPS = [pytest.param(asyncio.new_event_loop, id="asyncio"), pytest.param(uvloop.new_event_loop, id="uvloop")]
Loop = Callable[[], asyncio.AbstractEventLoop]
ASK = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LARGE = 4_000_000
"""More than what the kernel takes of a connection nobody reads from, and what a transport holds before it says so."""

pytestmark = pytest.mark.parametrize("loop", LOOPS)


@dataclass
class Server:
    """A server of one prebuilt answer."""

    body: bytes = b"the body"
    port: int = 0
    answered: int = 0
    troubles: list[str] = field(default_factory=list)
    """What the loop was told of that nobody handled."""

    async def connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to it."""
        return await asyncio.open_connection("127.0.0.1", self.port)


def on(loop: Loop, test: Coroutine[Any, Any, None]) -> None:
    """Runs a test on a loop of that kind."""
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(test)


@asynccontextmanager
async def serving(server: Server, access_log: logging.Logger | None = None) -> AsyncIterator[Server]:
    """Has it answer until the end."""
    prebuilt = put_together('"tag"', server.body, shared={"ETag": '"tag"'}, of_body={"Content-Type": "text/plain"})
    asyncio.get_running_loop().set_exception_handler(lambda _, context: server.troubles.append(str(context)))

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        server.answered += 1
        return PrebuiltAnswer(prebuilt, unchanged="If-None-Match" in request.headers)

    runner = web.ServerRunner(web.Server(handle, access_log=access_log))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


async def read_answer(reader: asyncio.StreamReader, *, has_body: bool = True) -> tuple[str, dict[str, str], bytes]:
    """Status line, headers and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers["Content-Length"])) if has_body else b""
    return status, headers, body


async def closed(writer: asyncio.StreamWriter) -> None:
    """Closes a connection."""
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("size", [0, 8, 40_000, LARGE])
def test_a_connection_goes_on_after_each_answer(loop: Loop, size: int) -> None:
    """Small bodies are joined with their headers and large ones are not; both end where their length says."""

    async def test() -> None:
        async with serving(Server(os.urandom(size))) as server:
            reader, writer = await server.connected()
            for _ in range(3):
                writer.write(ASK)
                status, headers, body = await read_answer(reader)
                assert (status, body) == ("HTTP/1.1 200 OK", server.body)
                assert headers["X-Content-Type-Options"] == "nosniff"
                assert headers["Content-Security-Policy"].startswith("default-src 'none'")
                assert parsedate_to_datetime(headers["Date"]).tzinfo is not None
                assert "Connection" not in headers
            await closed(writer)

    on(loop, test())


def test_pipelined_requests_are_answered_in_order(loop: Loop) -> None:
    """Whoever sends several requests at once gets as many answers, one behind the other."""

    async def test() -> None:
        async with serving(Server()) as server:
            reader, writer = await server.connected()
            known = ASK.replace(b"\r\n\r\n", b'\r\nIf-None-Match: "tag"\r\n\r\n')
            writer.write(ASK + ASK.replace(b"GET", b"HEAD") + known + ASK)
            full = await read_answer(reader)
            head = await read_answer(reader, has_body=False)
            unchanged = await read_answer(reader, has_body=False)
            last = await read_answer(reader)
            await closed(writer)

        assert full[2] == last[2] == server.body
        assert head[:2] == full[:2]
        assert unchanged[0] == "HTTP/1.1 304 Not Modified"
        assert unchanged[1].keys() == full[1].keys() - {"Content-Length", "Content-Type"}

    on(loop, test())


def test_who_wants_the_connection_closed_is_told_so(loop: Loop) -> None:
    """And it is."""

    async def test() -> None:
        async with serving(Server()) as server:
            reader, writer = await server.connected()
            writer.write(ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            _, headers, body = await read_answer(reader)
            rest = await reader.read()
            await closed(writer)

        assert (headers["Connection"], body, rest) == ("close", server.body, b"")

    on(loop, test())


def test_who_does_not_read_is_not_sent_more(loop: Loop) -> None:
    """A client asks for much and reads nothing: the second answer is not begun before the first has mostly gone."""

    async def test() -> None:
        async with serving(Server(os.urandom(LARGE))) as server:
            reader, writer = await server.connected()
            writer.write(ASK * 10)
            other_reader, other_writer = await server.connected()
            for _ in range(3):
                # Others are answered meanwhile, so there was time to do more for the first.
                other_writer.write(ASK)
                await read_answer(other_reader)
            begun = server.answered - 3
            await closed(other_writer)
            bodies = [(await read_answer(reader))[2] for _ in range(10)]
            await closed(writer)

        assert begun <= 2
        assert bodies == [server.body] * 10

    on(loop, test())


def test_who_hangs_up_in_the_middle_disturbs_nobody(loop: Loop) -> None:
    """The body is dropped, nothing is told of it, and others are served."""

    async def test() -> None:
        async with serving(Server(os.urandom(LARGE))) as server:
            for _ in range(3):
                reader, writer = await server.connected()
                writer.write(ASK * 3)
                await reader.readexactly(1000)
                transport = writer.transport
                transport.abort()
            reader, writer = await server.connected()
            writer.write(ASK)
            assert (await read_answer(reader))[2] == server.body
            await closed(writer)

        assert server.troubles == []

    on(loop, test())


def test_access_logs_say_status_and_size(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    """As of every other answer."""

    async def test() -> None:
        logger = logging.getLogger("everpin.test.access")
        with caplog.at_level(logging.INFO, logger.name):
            async with serving(Server(), access_log=logger) as server:
                reader, writer = await server.connected()
                writer.write(ASK + ASK.replace(b"\r\n\r\n", b"\r\nIf-None-Match: *\r\n\r\n"))
                await read_answer(reader)
                await read_answer(reader, has_body=False)
                await closed(writer)

    on(loop, test())

    told = [re.search(r'" ([0-9]{3}) ([0-9]+) ', record.getMessage()) for record in caplog.records]
    assert [found and found.groups() for found in told] == [("200", "8"), ("304", "0")]
