"""Which addresses are connected to: each name is resolved once per connection, judged, and connected to as judged.

That a name is allowed says nothing of where it leads tomorrow: whoever owns it could let it lead to services of the
network that this mirror lives in. So what the settings do not name themselves may only lead to public addresses, unless
the index lives in that network too. No second look at the name follows the judgement: the connection is made to the
very addresses that were returned here.
"""

import errno
import socket
from collections.abc import Iterable

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from mirror.upstream.hosts import host_of, is_private, is_public_address, origin_of, place


class NotPublicError(OSError):
    """A name that the settings do not mention leads into a private network."""

    def __init__(self, host: str) -> None:
        super().__init__(
            errno.EACCES,
            f"{host} has no public address; if it is meant to have none, list it in upstream.allowed_file_hosts",
        )


class JudgingResolver(AbstractResolver):
    """Resolves names for a connector. `named` are the `host` and `host:port` that the settings name.

    `inner` resolves; without it the system does. Needs a running loop.
    """

    def __init__(self, index_url: str, named: Iterable[str], *, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()
        self._index = origin_of(index_url) or ""
        self._named = frozenset(map(place, (self._index, *named)))
        self._is_inside: bool | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses that may be connected to. NotPublicError where the name has none of them."""
        found = await self._inner.resolve(host, port, family)
        if place(f"{host}:{port}") in self._named:
            return found
        public = [result for result in found if is_public_address(result["host"])]
        if public or not found:
            return public
        if await self._lives_inside(family):
            return found
        raise NotPublicError(host)

    async def close(self) -> None:
        """Lets go of whoever resolves."""
        await self._inner.close()

    async def _lives_inside(self, family: socket.AddressFamily) -> bool:
        """Whether the index itself is in a private network; what its name says first counts from then on."""
        if self._is_inside is None:
            self._is_inside = is_private(self._index) or await self._resolves_inside(host_of(self._index), family)
        return self._is_inside

    async def _resolves_inside(self, name: str, family: socket.AddressFamily) -> bool:
        found = await self._inner.resolve(name, 0, family)
        return bool(found) and not any(is_public_address(result["host"]) for result in found)
