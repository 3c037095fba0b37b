"""Asks for the feed of new releases; nobody else does.

Promises: redirects are not followed, a body can be neither endless nor a bomb, an answer is believed as a whole or not
at all, and whatever goes wrong is an `UpstreamUnavailableError` of one sentence.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import aiohttp

from mirror.errors import UpstreamUnavailableError
from mirror.events import presentable
from watcher.journal.rss import BadFeedError, Release, parse_releases

LARGEST_FEED: Final = 4 * 2**20
"""A larger feed is refused; PyPI's has some 60 KiB."""

_CHUNK: Final = 2**16
_PARSED_IN_PLACE: Final = 256 * 2**10
# A feed that trickles satisfies the wait for the next byte for ever; this many of those waits it may take in all.
_WAITS_IN_ALL: Final = 5
_LONGEST_ETAG: Final = 200


@dataclass(frozen=True, slots=True)
class Updates:
    """What the feed lists, and by what to ask whether it still does."""

    releases: frozenset[Release]
    etag: str | None


class UpdatesClient:
    """Asks one feed. `timeout` is the longest wait, in seconds, for a connection and for each next byte."""

    def __init__(self, session: aiohttp.ClientSession, url: str, *, timeout: float) -> None:
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout * _WAITS_IN_ALL, sock_connect=timeout, sock_read=timeout)

    async def updates(self, etag: str | None) -> Updates | None:
        """What the feed lists. None where it is still what it was when it had that etag."""
        headers = {"Accept": "application/rss+xml, text/xml"}
        if etag is not None:
            headers["If-None-Match"] = etag
        try:
            async with self._session.get(
                self._url, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as response:
                if response.status == 304 and etag is not None:
                    return None
                if response.status != 200:
                    raise UpstreamUnavailableError(f"the feed of new releases answered HTTP {response.status}")
                new_etag, body = response.headers.get("ETag"), await _body(response)
        except TimeoutError as e:
            raise UpstreamUnavailableError("the feed of new releases did not answer in time") from e
        except aiohttp.ClientError as e:
            raise UpstreamUnavailableError(f"the feed of new releases cannot be read: {presentable(str(e))}") from e
        usable = new_etag is not None and len(new_etag) <= _LONGEST_ETAG
        return Updates(frozenset(await _parse(body)), new_etag if usable else None)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST_FEED:
            raise UpstreamUnavailableError(f"the feed of new releases is larger than {LARGEST_FEED} bytes")
    return bytes(body)


async def _parse(body: bytes) -> tuple[Release, ...]:
    try:
        if len(body) <= _PARSED_IN_PLACE:
            return parse_releases(body)
        return await asyncio.to_thread(parse_releases, body)
    except BadFeedError as e:
        raise UpstreamUnavailableError(str(e)) from e
