"""A small upstream that answers as a test tells it, on a free port of 127.0.0.1, and notes what it was asked."""

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

JSON_TYPE = "application/vnd.pypi.simple.v1+json"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class CannedUpstream:
    """`answers` by path; any other path is 404. `asked` has each request in order."""

    url: str = ""
    answers: dict[str, Handler] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        handler = self.answers.get(request.path)
        return web.Response(status=404) if handler is None else await handler(request)


@asynccontextmanager
async def canned_upstream(tls: ssl.SSLContext | None = None) -> AsyncIterator[CannedUpstream]:
    upstream = CannedUpstream()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", upstream.handle)
    # An answer that waits for its test may be cut off when the test is over.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        host, port = runner.addresses[0][:2]
        upstream.url = f"{'http' if tls is None else 'https'}://{host}:{port}"
        yield upstream
    finally:
        await runner.cleanup()


def page(**top: object) -> bytes:
    """A small page of leftpad; `top` replaces or adds keys."""
    known: dict[str, object] = {
        "files": [],
        "meta": {"_last-serial": 40, "api-version": "1.4"},
        "name": "leftpad",
        "project-status": {"status": "active"},
        "versions": [],
    }
    return json.dumps(known | top).encode()


def says(
    body: bytes = b"", *, status: int = 200, content_type: str = JSON_TYPE, headers: dict[str, str] | None = None
) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers={"Content-Type": content_type, **(headers or {})})

    return answer


def says_gzipped(body: bytes) -> Handler:
    return says(gzip.compress(body), headers={"Content-Encoding": "gzip"})


def redirects(target: str, *, status: int = 302) -> Handler:
    return says(status=status, headers={"Location": target})


def streams(
    pieces: Iterable[bytes],
    *,
    announced: int | None = None,
    gate: asyncio.Event | None = None,
    breaks: bool = False,
    headers: dict[str, str] | None = None,
) -> Handler:
    """Sends piece by piece; with a gate, all but the first only once it is open. `breaks` drops the connection then."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        if announced is not None:
            response.content_length = announced
        await response.prepare(request)
        for number, piece in enumerate(pieces):
            if number and gate is not None:
                await gate.wait()
            await response.write(piece)
        if breaks and request.transport is not None:
            request.transport.close()
            return response
        await response.write_eof()
        return response

    return answer


def streams_for_ever(piece: bytes, *, content_type: str = JSON_TYPE, headers: dict[str, str] | None = None) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type, **(headers or {})})
        await response.prepare(request)
        while True:
            await response.write(piece)

    return answer


async def says_nothing(request: web.Request) -> web.StreamResponse:
    """Takes the request and never answers."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
