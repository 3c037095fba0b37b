"""A receiver of webhooks on a port of its own, which remembers what it got and answers as a test wants."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True)
class Got:
    """A request, with its headers in lower case."""

    path: str
    headers: dict[str, str]
    content: bytes


@dataclass
class Receiver:
    """Answers with `status` and `headers`."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.path_qs, headers, await request.read()))
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def receiver(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """One that listens on 127.0.0.1."""
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    server = TestServer(app)
    await server.start_server(ssl=tls)
    made.url = str(server.make_url("/hook"))
    try:
        yield made
    finally:
        await server.close()
