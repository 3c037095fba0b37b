"""Servers under each event loop that everpin runs on, and clients as rude as real ones."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from aiohttp import web
from aiohttp.typedefs import Handler

Factory = Callable[[], asyncio.AbstractEventLoop]
LOOPS = [pytest.param(asyncio.new_event_loop, id="asyncio"), pytest.param(uvloop.new_event_loop, id="uvloop")]


def run(factory: Factory, work: Coroutine[Any, Any, None]) -> None:
    """Does the work under such a loop."""
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(work, 60))


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server whose every address is answered by the handler; its port."""
    app = web.Application()
    app.router.add_get("/{rest:.*}", handler)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


class RudeClient:
    """A connection of its own on which bytes are written and read as a test likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, path: str = "/", *headers: str) -> None:
        """Writes a request, without waiting for anything."""
        lines = [f"GET {path} HTTP/1.1", "Host: everpin.example.org", *headers, "", ""]
        self.writer.write("\r\n".join(lines).encode())

    async def head(self) -> str:
        """Status line and headers of the next answer."""
        return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def answer(self) -> bytes:
        """The body of the next answer, which tells its length."""
        head = (await self.head()).lower()
        length = next(line for line in head.splitlines() if line.startswith("content-length:"))
        return await self.reader.readexactly(int(length.partition(":")[2]))


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[RudeClient]:
    """A client that hangs up at the end, if it has not before."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
    try:
        yield RudeClient(reader, writer)
    finally:
        # Not closed politely: what was not read would be waited for.
        writer.transport.abort()
