"""Somebody to whom events are pushed, and who takes only what is signed as Standard Webhooks has it."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

SECRET = "whsec_" + b64encode(b"shared by two, and nobody else").decode()
"""What is shared with whoever pushes."""


@dataclass
class Subscriber:
    """Takes what is signed as it should be. `says` are the statuses of its first answers; the rest are 204."""

    url: str = ""
    says: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    """The event of each delivery, also of those that were not accepted."""
    accepted: list[Any] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Until this is set, whoever delivers waits for the answer."""

    async def answer(self, request: web.Request) -> web.Response:
        """Fails with 500 where the library of Standard Webhooks does not accept the request."""
        told = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        # No full stop may stand in what is signed before the body.
        assert request.headers["webhook-id"] == told["id"].replace(".", "-")
        self.ids.append(told["id"])
        await self.open.wait()
        status = self.says.pop(0) if self.says else 204
        if status == 204:
            self.accepted.append(told)
        return web.Response(status=status, headers=self.headers)

    @property
    def versions(self) -> list[str]:
        """The versions that it was told of and took, in that order."""
        return [told["data"]["version"] for told in self.accepted]


@asynccontextmanager
async def subscriber(*says: int, is_open: bool = True, **headers: str) -> AsyncIterator[Subscriber]:
    """One that listens on 127.0.0.1."""
    made = Subscriber(says=list(says), headers={name.replace("_", "-"): value for name, value in headers.items()})
    if is_open:
        made.open.set()
    app = web.Application()
    app.router.add_post("/hook", made.answer)
    server = TestServer(app)
    await server.start_server()
    made.url = str(server.make_url("/hook"))
    try:
        yield made
    finally:
        made.open.set()
        await server.close()
