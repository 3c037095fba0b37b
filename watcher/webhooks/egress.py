"""The way out to the receivers of webhooks: to which addresses, over which connections, and what is taken of an answer.

Whoever chooses a target could choose one inside the network that this program lives in, or let a public name lead
there. So every address is judged at the moment it is connected to, however it was written or wherever its name led, and
nothing looks at the name again in between. A target whose settings allow private addresses is sent to wherever it is.

The environment decides nothing: neither its proxies nor its `.netrc` are heeded. Certificates are checked, no redirect
is followed, no cookie kept, and of an answer's body only so much is read as lets its connection be used again.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from mirror.errors import EverpinError
from mirror.events import presentable
from mirror.upstream.egress import program
from mirror.upstream.hosts import is_public_address, origin_of

_IDLE_SECONDS = 4.0
"""Shorter than what usual servers wait: a delivery must not run into a connection that is just being closed."""
_MOST_BODY = 16 * 2**10
_UNUSABLE = "the URL is not one of HTTP with a host that can be used, and without a user"


class RefusedTargetError(EverpinError):
    """By this program's own rules nothing is sent there. Trying again changes nothing unless the name leads elsewhere.

    The sentence holds no more of the target than its host.
    """


class UndeliveredError(EverpinError):
    """No answer came: nobody could be reached, or not in time. The sentence holds nothing of the target."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said. `retry_after` is the value of that header as it came, or None."""

    status: int
    retry_after: str | None

    @property
    def is_success(self) -> bool:
        """Whether the delivery was taken: any status of 200 to 299."""
        return 200 <= self.status <= 299


class PublicResolver(AbstractResolver):
    """Resolves names that have public addresses and no others.

    One that leads inside as well is refused whole: there is no good reason for it, and a bad one. `inner` resolves.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses that the name leads to. RefusedTargetError where one of them is not public."""
        found = await self._inner.resolve(host, port, family)
        for result in found:
            if not is_public_address(result["host"]):
                raise _refused(host)
        return found

    async def close(self) -> None:
        """Lets go of whoever resolves."""
        await self._inner.close()


def sending_session(*, allow_private: bool, resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """A session that connects to public addresses only, unless private ones are allowed. Send with `post`.

    Needs a running loop; the caller closes it. `resolver` resolves names in the system's place.
    """
    inner = resolver or aiohttp.ThreadedResolver()
    connector = aiohttp.TCPConnector(
        # Callers bound what they have open at a time; with a limit here, slow receivers would keep all others waiting.
        limit=0,
        ssl=True,
        resolver=inner if allow_private else PublicResolver(inner),
        socket_factory=None if allow_private else _judged_socket,
        keepalive_timeout=_IDLE_SECONDS,
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": program()},
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
    )


async def post(
    session: aiohttp.ClientSession, url: str, *, content: bytes, headers: Mapping[str, str], timeout: timedelta
) -> Answer:
    """What the receiver at `url` says to `content`. `timeout` bounds all of it, from its name to its answer's end.

    Raises RefusedTargetError, or UndeliveredError where there is no answer.
    """
    if origin_of(url) is None:
        raise RefusedTargetError(_UNUSABLE)
    try:
        async with session.post(
            URL(url),
            data=content,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout.total_seconds()),
        ) as response:
            answer = Answer(response.status, response.headers.get("Retry-After"))
            await _finish(response)
            return answer
    except aiohttp.InvalidURL as e:
        raise RefusedTargetError(_UNUSABLE) from e
    # aiohttp and yarl raise ValueError for what they cannot encode, OSError and TimeoutError for the rest.
    except (aiohttp.ClientError, OSError, ValueError) as e:
        raise UndeliveredError(_reason(e, timeout)) from e


def _judged_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket to connect to `address` with. Addresses written as such are resolved by nobody, and judged only here."""
    family, kind, protocol, _, place = address
    host = str(place[0])
    if not is_public_address(host):
        raise _refused(host)
    return socket.socket(family=family, type=kind, proto=protocol)


def _refused(host: str) -> RefusedTargetError:
    return RefusedTargetError(
        f"{presentable(host)} is not a public address or leads to one that is not; where that is meant, the "
        "webhook needs allow_private = true"
    )


async def _finish(response: aiohttp.ClientResponse) -> None:
    """Reads the body to its end where that is near, so that the connection can be used again.

    One that breaks off is no matter: the receiver has said what it had to say with its status.
    """
    try:
        async for _ in response.content.iter_chunked(_MOST_BODY):
            if response.content.total_bytes > _MOST_BODY:
                break
    except (aiohttp.ClientError, OSError):
        response.close()


def _reason(error: Exception, timeout: timedelta) -> str:
    match error:
        case TimeoutError():
            return f"no answer within {timeout.total_seconds():g} s"
        case aiohttp.ClientConnectorDNSError():
            return "its name has no address"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not one to trust"
        case aiohttp.ClientSSLError():
            return "TLS could not be agreed on"
        case aiohttp.ClientConnectorError():
            return f"no connection: {error.os_error.strerror or 'nobody answers'}"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed without an answer"
        case _:
            return f"no answer that can be read ({type(error).__name__})"
