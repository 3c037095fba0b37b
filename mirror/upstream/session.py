"""The only outgoing HTTP of this package: one pool of connections, an introduction, timeouts and redirects.

A request never carries cookies and never follows a redirect that its caller did not allow. Bodies arrive as they were
sent: unpacking is left to those who bound it.
"""

import importlib.metadata
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from mirror.errors import UpstreamUnavailableError
from mirror.events import presentable
from mirror.setting_sections import Upstream

MOST_HOPS = 3
"""Redirects that are followed at most."""

PIECE = 256 * 2**10
"""Bodies are read in pieces of at most so many bytes."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

# aiohttp and yarl raise ValueError for hosts and ports that they cannot encode, OSError and TimeoutError for the rest.
_FAILURES = (aiohttp.ClientError, OSError, ValueError)


class Answer:
    """An answer of which the headers have arrived and the body has not."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def url(self) -> str:
        """The address that answered, behind all redirects."""
        return str(self._response.url)

    def header(self, name: str) -> str | None:
        """The first value of that header."""
        return self._response.headers.get(name)

    def values(self, name: str) -> list[str]:
        """All values of that header, in their order."""
        return self._response.headers.getall(name, [])

    @property
    def length(self) -> int | None:
        """What `Content-Length` announces."""
        return self._response.content_length

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it was sent. Raises UpstreamUnavailableError where it breaks off or stalls."""
        try:
            async for piece in self._response.content.iter_chunked(PIECE):
                yield piece
        except _FAILURES as e:
            raise UpstreamUnavailableError(f"the answer of {shown(self.url)} broke off: {_reason(e)}") from e


def introduction(settings: Upstream) -> str:
    """Who asks, as upstream's operators see it: the value of `User-Agent`."""
    version = importlib.metadata.version("everpin")
    return f"everpin/{version}" + (f" (+{settings.contact})" if settings.contact else "")


class UpstreamSession:
    """An async context manager; requests are possible while it is entered."""

    def __init__(self, settings: Upstream) -> None:
        self._introduction = introduction(settings)
        self._seconds = settings.timeout.total_seconds()
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(
            # Callers bound what they have open at a time; with a limit here, a page would queue behind downloads.
            connector=aiohttp.TCPConnector(limit=0),
            # No total: a large file may take its time as long as bytes keep coming.
            timeout=aiohttp.ClientTimeout(
                total=None, connect=self._seconds, sock_connect=self._seconds, sock_read=self._seconds
            ),
            headers={"User-Agent": self._introduction},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=PIECE,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    @asynccontextmanager
    async def get(
        self, url: str, *, headers: Mapping[str, str], may_follow: Callable[[str], bool]
    ) -> AsyncIterator[Answer]:
        """The answer of `url`, or of where it redirects to as far as `may_follow` allows.

        Raises UpstreamUnavailableError where nobody answers in time or a redirect leads astray.
        """
        if self._client is None:
            raise RuntimeError("the upstream session is not entered")
        response = await self._follow(self._client, url, headers=headers, may_follow=may_follow)
        try:
            yield Answer(response)
        finally:
            # A body that was read to its end has given its connection back already; any other one is cut off here.
            response.close()

    async def _follow(
        self,
        client: aiohttp.ClientSession,
        url: str,
        *,
        headers: Mapping[str, str],
        may_follow: Callable[[str], bool],
    ) -> aiohttp.ClientResponse:
        address = url
        for _ in range(MOST_HOPS + 1):
            response = await _send(client, address, headers)
            if response.status not in _REDIRECTS:
                return response
            response.close()
            target = _target(response)
            if target is None or not may_follow(target):
                raise UpstreamUnavailableError(
                    f"{shown(address)} redirects to where this mirror does not follow: {shown(target or 'nowhere')}"
                )
            address = target
        raise UpstreamUnavailableError(f"{shown(url)} redirects more than {MOST_HOPS} times")


def shown(url: str) -> str:
    """The address for sentences and logs: without what could deceive a reader, and without its query."""
    return presentable(url.partition("?")[0])


async def _send(client: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
    try:
        return await client.get(URL(url), headers=headers, allow_redirects=False)
    except _FAILURES as e:
        raise UpstreamUnavailableError(f"{shown(url)} could not be asked: {_reason(e)}") from e


def _target(response: aiohttp.ClientResponse) -> str | None:
    try:
        target = response.url.join(URL(response.headers["Location"]))
    except (KeyError, ValueError):
        return None
    # Whoever can answer instead of a plain http:// host could otherwise take over what was asked for over TLS.
    if response.url.scheme == "https" and target.scheme != "https":
        return None
    return str(target)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no byte came in time"
    return presentable(str(error)) or type(error).__name__
