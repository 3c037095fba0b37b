"""The client tells its caller how long upstream wants to be left alone."""

import asyncio
import time

import aiohttp
import pytest

from mirror.errors import UpstreamUnavailableError
from tests.watcher.journal.journal_upstream import Clock, Upstream, fault_of, recorded, refusal
from watcher.journal.client import JournalClient, JournalRateLimitedError


async def test_a_rate_limit_tells_how_long_to_wait(upstream: Upstream, client: JournalClient, clock: Clock) -> None:
    """PyPI says so in the fault's text."""
    upstream.says(recorded("fault_rate_limited"))

    with pytest.raises(JournalRateLimitedError, match="the journal's rate limit is used up, for 59 s") as refused:
        await client.last_serial()

    assert refused.value.retry_after_seconds == 59
    assert isinstance(refused.value, UpstreamUnavailableError)
    assert client.pause_seconds == 59
    clock.time += 60
    assert client.pause_seconds == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"RateLimit": '"xmlrpc.client";r=0;t=17'}, 17),
        ({"RateLimit": '"xmlrpc.client";r=0;t=0'}, 60),
        ({"RateLimit": '"xmlrpc.client";r=0;t=99999999'}, 3600),
    ],
)
async def test_a_rate_limit_without_a_time_waits_as_the_headers_say_or_a_minute(
    upstream: Upstream, client: JournalClient, headers: dict[str, str], seconds: float
) -> None:
    """Never more than an hour."""
    upstream.says(fault_of(-32500, "HTTPTooManyRequests: There were too many requests by the client."), headers=headers)

    with pytest.raises(JournalRateLimitedError) as refused:
        await client.last_serial()

    assert refused.value.retry_after_seconds == seconds


@pytest.mark.parametrize(("retry_after", "seconds"), [("5", 5), ("0", 1), ("Sun, 22 Nov 2026 03:13:53 GMT", 60)])
async def test_status_429_is_a_rate_limit(
    upstream: Upstream, client: JournalClient, retry_after: str, seconds: float
) -> None:
    """An index that is not PyPI may use HTTP's own words."""
    upstream.says(b"slow down", status=429, headers={"Retry-After": retry_after})

    with pytest.raises(JournalRateLimitedError) as refused:
        await client.last_serial()

    assert refused.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ('"xmlrpc.client";r=3301;t=3406', 0),
        ('"xmlrpc.client";r=0;t=59', 59),
        ('"xmlrpc.client-0";r=0;t=2, "xmlrpc.client-1";r=12;t=3000', 2),
        ('"xmlrpc.client-0";r=0;t=2,"xmlrpc.client-1";t=31;r=0', 31),
        ('"xmlrpc.client"; r=0 ; t=59', 59),
        ('"xmlrpc.client";r=0', 60),
        ('"xmlrpc.client";r=00;t=' + "9" * 30, 60),
        ("x;r=-1;t=5,;;=,\u00e9", 0),
    ],
)
async def test_a_good_answer_that_used_up_the_limit_asks_for_a_pause(
    upstream: Upstream, client: JournalClient, header: str, seconds: float
) -> None:
    """Of several windows the one that opens last decides."""
    upstream.says(recorded("last_serial"), headers={"RateLimit": header})

    assert await client.last_serial() == 79
    assert client.pause_seconds == pytest.approx(seconds)


async def test_a_pause_outlives_answers_that_do_not_mention_it(upstream: Upstream, client: JournalClient) -> None:
    """Those of a CDN say nothing of the origin's limit; the origin's own next answer does."""
    upstream.says(recorded("last_serial"), headers={"RateLimit": '"xmlrpc.client";r=0;t=59'})
    await client.last_serial()

    upstream.says(b"down", status=503)
    await refusal(client)
    after_cdn = client.pause_seconds
    upstream.says(recorded("last_serial"), headers={"RateLimit": '"xmlrpc.client";r=3599;t=59'})
    await client.last_serial()

    assert after_cdn == 59
    assert client.pause_seconds == 0


async def test_calls_keep_their_distance(upstream: Upstream, session: aiohttp.ClientSession, url: str) -> None:
    """Also those that are made at the same time; upstream asks for a second between two."""
    upstream.says(recorded("last_serial"))
    client = JournalClient(session, url, timeout=30, spacing=0.05)
    began = time.monotonic()

    await asyncio.gather(client.last_serial(), client.last_serial(), client.last_serial())

    assert time.monotonic() - began >= 0.1
