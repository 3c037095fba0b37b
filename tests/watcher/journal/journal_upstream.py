"""A journal's server that answers what the test says, and the bodies for it to say."""

import asyncio
import xmlrpc.client
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from mirror.errors import UpstreamUnavailableError
from mirror.names import Serial
from watcher.journal.client import JournalClient

DATA = Path(__file__).parent / "data"
TIME = 1_795_317_132

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Upstream:
    """Answers every POST to `/pypi` as the test says and remembers what was asked."""

    answer: Answer
    asked: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        params, method = xmlrpc.client.loads(await request.read())
        self.asked.append((str(method), params))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return await self.answer(request)

    def says(self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        async def answer(request: web.Request) -> web.Response:
            named = {"Content-Type": "text/xml; charset=UTF-8"} | (headers or {})
            return web.Response(status=status, body=body, headers=named)

        self.answer = answer


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def recorded(name: str) -> bytes:
    return (DATA / f"{name}.xml").read_bytes()


def answer_of(value: object) -> bytes:
    # What cannot be marshalled fails the test that asks for it; the stubs' own type for the rest is private.
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()  # type: ignore[arg-type]


def fault_of(code: int, text: str) -> bytes:
    return xmlrpc.client.dumps(xmlrpc.client.Fault(code, text), methodresponse=True).encode()


def rows_of(*serials: int) -> list[list[object]]:
    return [["leftpad", "1.0", TIME, "yank release", serial] for serial in serials]


async def refusal(client: JournalClient, since: int = 0) -> str:
    with pytest.raises(UpstreamUnavailableError) as refused:
        await client.since(Serial(since))
    return str(refused.value)
