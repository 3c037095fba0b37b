"""A plain client for the simulator: nothing is decoded, followed or added behind the test's back."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True, slots=True)
class Got:
    """An answer as it came over the wire; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Asks for exactly what it is told to."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(
        self, method: str, url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Got:
        """Send one request with these headers and no others."""
        async with self._session.request(method, url, data=data, headers=headers, allow_redirects=False) as response:
            named = {name.lower(): value for name, value in response.headers.items()}
            return Got(response.status, named, await response.read())

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Got:
        """Send a GET."""
        return await self.ask("GET", url, headers=headers)


@asynccontextmanager
async def client() -> AsyncIterator[Client]:
    """A client whose session is closed at the end."""
    skipped = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=skipped) as session:
        yield Client(session)
