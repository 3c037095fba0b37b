"""Stands between a store and its S3 server, and fails as networks and busy servers do."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

import aiohttp
from aiohttp import web
from yarl import URL

_CHUNK = 64 * 2**10
_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_FULL = b"<Error><Code>XMinioStorageFull</Code><Message>Storage backend has reached its limit.</Message></Error>"
_OWN = frozenset({"connection", "transfer-encoding", "content-length", "expect", "keep-alive", "date", "server"})


class Fault(Enum):
    """What goes wrong with a request."""

    NONE = "nothing"
    BUSY = "it is told to come back later"
    FULL = "there is no room"
    LOST = "the connection breaks before there is an answer"
    UNANSWERED = "it is done, and the answer gets lost"
    CUT = "the connection breaks amid the answer's body"
    SILENT = "no answer comes"
    STALLED = "the answer's body stands still"
    WELCOMED = "it is told to have succeeded where it was refused"


@dataclass
class FaultyProxy:
    """Passes requests on, but for those that `faults` and `always` are about, by method."""

    target: str
    url: str = ""
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    """Each for the next request with that method, in order."""
    always: dict[str, Fault] = field(default_factory=dict)
    """For all requests with that method."""
    seen: list[str] = field(default_factory=list)
    """The methods and paths of all requests."""
    cut_after: int = 0
    """How much of a body comes before it is cut or stands still."""
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def fails(self, fault: Fault, method: str, *, times: int = 1) -> None:
        """Has the next requests with that method fail."""
        self.faults += [(method, fault)] * times

    async def until(self, times: int, method: str) -> None:
        """Waits until so many requests with that method came."""
        async with asyncio.timeout(60):
            while len([one for one in self.seen if one.startswith(method)]) < times:
                self._came.clear()
                await self._came.wait()

    def _fault(self, method: str) -> Fault | None:
        for number, (wanted, fault) in enumerate(self.faults):
            if wanted == method:
                del self.faults[number]
                return fault
        return self.always.get(method)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.path}")
        self._came.set()
        body = await request.read()
        fault = self._fault(request.method)
        match fault:
            case Fault.BUSY:
                return web.Response(status=503, body=_SLOW_DOWN, content_type="application/xml")
            case Fault.FULL:
                return web.Response(status=507, body=_FULL, content_type="application/xml")
            case Fault.LOST:
                _break(request)
                return web.Response()
            case Fault.SILENT:
                await self._over.wait()
                return web.Response(status=503)
            case _:
                return await self._passed_on(request, body, fault)

    async def _passed_on(self, request: web.Request, body: bytes, fault: Fault | None) -> web.StreamResponse:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _OWN]
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                URL(f"{self.target}{request.raw_path}", encoded=True),
                headers=headers,
                data=io.BytesIO(body),
                skip_auto_headers=["Accept", "Accept-Encoding", "Content-Type", "User-Agent"],
                allow_redirects=False,
            ) as theirs,
        ):
            if fault is Fault.UNANSWERED:
                _break(request)
                return web.Response()
            if fault is Fault.WELCOMED and theirs.status >= 400:
                return web.Response(headers={"ETag": '"welcome"'})
            answer = web.StreamResponse(status=theirs.status, reason=theirs.reason)
            for name, value in theirs.headers.items():
                if name.lower() not in _OWN:
                    answer.headers.add(name, value)
            answer.content_length = int(theirs.headers.get("Content-Length", 0)) if theirs.status != 204 else None
            await answer.prepare(request)
            await self._send(request, answer, await theirs.read(), fault)
            return answer

    async def _send(self, request: web.Request, answer: web.StreamResponse, body: bytes, fault: Fault | None) -> None:
        is_partial = fault in (Fault.CUT, Fault.STALLED) and len(body) > self.cut_after
        await answer.write(body[: self.cut_after] if is_partial else body)
        if not is_partial:
            await answer.write_eof()
            return
        if fault is Fault.STALLED:
            await self._over.wait()
        _break(request)

    def end(self) -> None:
        """Lets those go that wait for ever."""
        self._over.set()


def _break(request: web.Request) -> None:
    if request.transport is not None:
        # What was written gets out first.
        request.transport.close()


@asynccontextmanager
async def faulty_proxy(target: str) -> AsyncIterator[FaultyProxy]:
    """A proxy in front of the server at `target`."""
    proxy = FaultyProxy(target)
    app = web.Application(client_max_size=100 * 2**20)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        proxy.url = f"http://{host}:{port}"
        yield proxy
    finally:
        proxy.end()
        await runner.cleanup()
