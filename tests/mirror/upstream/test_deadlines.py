"""However upstream wastes time, whoever waits for an answer is told in time that none comes."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from mirror.errors import UpstreamUnavailableError
from mirror.setting_sections import Upstream
from mirror.upstream.files import open_file
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.canned_upstream import CannedUpstream, Handler, canned_upstream, streams

IMPATIENT = Upstream(timeout=timedelta(seconds=0.5))


def slowly(target: str) -> Handler:
    """A redirect that comes in time, if only just."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return web.Response(status=302, headers={"Location": target})

    return answer


async def body(upstream: CannedUpstream, path: str) -> bytes:
    async with (
        UpstreamSession(IMPATIENT) as session,
        open_file(session, upstream.url + path, allowed_hosts=[upstream.host]) as file,
    ):
        return b"".join([chunk async for chunk in file.chunks()])


async def test_redirects_buy_no_time() -> None:
    """Each answers in time, all together do not."""
    async with canned_upstream() as upstream:
        upstream.answers |= {f"/{n}": slowly(f"{upstream.url}/{n + 1}") for n in range(3)}
        upstream.answers["/3"] = streams([b"late"])

        with pytest.raises(UpstreamUnavailableError, match="in time"):
            await body(upstream, "/0")


async def test_a_body_that_stalls_ends() -> None:
    """Also in the middle."""
    async with canned_upstream() as upstream:
        upstream.answers["/f"] = streams([b"some", b"more"], announced=8, gate=asyncio.Event())

        with pytest.raises(UpstreamUnavailableError, match="no byte came in time"):
            await body(upstream, "/f")
