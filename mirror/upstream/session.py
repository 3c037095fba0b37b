"""The only outgoing HTTP of this package: one pool of connections, timeouts and redirects.

A request never carries cookies and never follows a redirect that its caller did not allow. Bodies arrive as they were
sent: unpacking is left to those who bound it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from mirror.errors import UpstreamUnavailableError
from mirror.events import presentable
from mirror.setting_sections import Upstream
from mirror.upstream.egress import client_session
from mirror.upstream.private import PrivateNames
from mirror.upstream.resolver import NotPublicError

MOST_HOPS = 3
"""Redirects that are followed at most."""

_BUFFER = 256 * 2**10
"""So many bytes of a body may wait to be taken, and as many again, before reading from the network stops."""

MOST_PIECE = 3 * _BUFFER
"""The largest pieces in which bodies are read: all that waited, with what came last before reading stopped."""

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
            # What has come, as it is: to cut it to a size would copy all of it once more.
            async for piece in self._response.content.iter_any():
                yield piece
        except _FAILURES as e:
            raise UpstreamUnavailableError(f"the answer of {shown(self.url)} broke off: {_reason(e)}") from e


class UpstreamSession:
    """An async context manager; requests are possible while it is entered.

    `private` are the names that nobody may ask for with it; `resolver` resolves names in the system's place.
    """

    def __init__(self, settings: Upstream, *, resolver: AbstractResolver | None = None) -> None:
        self.private = PrivateNames(settings.private_names)
        self._settings = settings
        self._resolver = resolver
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        seconds = self._settings.timeout.total_seconds()
        self._client = client_session(
            self._settings,
            # No total: a large file may take its time as long as bytes keep coming.
            timeout=aiohttp.ClientTimeout(total=None, connect=seconds, sock_connect=seconds, sock_read=seconds),
            unpacks=False,
            read_bufsize=_BUFFER,
            resolver=self._resolver,
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
        try:
            # All of it together: whoever waits for us has no more patience because there were redirects.
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                response = await self._follow(self._client, url, headers=headers, may_follow=may_follow)
        except TimeoutError as e:
            raise UpstreamUnavailableError(f"{shown(url)} did not answer in time") from e
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
    except aiohttp.ClientConnectorDNSError as e:
        reason = e.os_error.strerror if isinstance(e.os_error, NotPublicError) else None
        raise UpstreamUnavailableError(f"{shown(url)} could not be asked: {presentable(reason or str(e))}") from e
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
