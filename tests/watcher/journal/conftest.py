"""A journal on a real HTTP server, and a client of it whose time stands still."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.watcher.journal.journal_upstream import Clock, Upstream
from watcher.journal.client import JournalClient


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async def unprepared(request: web.Request) -> web.StreamResponse:
        raise AssertionError("the test has not said what upstream answers")

    running = Upstream(unprepared)
    yield running
    running.over.set()


@pytest.fixture
async def url(upstream: Upstream) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/pypi", upstream.handle)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0)
    yield str(server.make_url("/pypi"))
    upstream.over.set()
    await server.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(session: aiohttp.ClientSession, url: str, clock: Clock) -> JournalClient:
    return JournalClient(session, url, timeout=30, clock=clock)
