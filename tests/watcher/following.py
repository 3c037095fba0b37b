"""Following the stream of events with a client that is not everpin's."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

PATH = "/api/v1/events/stream"
_PATIENCE_SECONDS = 30.0


class Follower:
    """A client on one connection."""

    def __init__(self, response: httpx.Response, received: AsyncGenerator[ServerSentEvent, None]) -> None:
        self.response = response
        self._received = received
        self.place: str | None = None
        """The id that it would come again with, as browsers remember it."""

    async def next(self) -> ServerSentEvent | None:
        """The next event, None at the end of the stream."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for received in self._received:
                self.place = received.id or self.place
                # The library also makes events of blocks without data, which the standard has parsers skip.
                if received.data:
                    return received
            return None

    async def events(self, count: int) -> list[dict[str, Any]]:
        """The next few CloudEvents."""
        received = [await self.next() for _ in range(count)]
        return [one.json() for one in received if one is not None]

    async def rest(self) -> list[dict[str, Any]]:
        """The CloudEvents that come until the stream ends, or the connection does."""
        received: list[dict[str, Any]] = []
        with suppress(httpx.TransportError):
            while (one := await self.next()) is not None:
                received.append(one.json())
        return received

    async def serials(self, count: int) -> list[int]:
        """The serials of the next few events."""
        return [event["data"]["serial"] for event in await self.events(count)]


@asynccontextmanager
async def following(url: str, place: str | None = None, **query: str | list[str]) -> AsyncIterator[Follower]:
    """Follows the stream of the server at that address, from a place where one is given."""
    headers = {} if place is None else {"Last-Event-ID": place}
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=_PATIENCE_SECONDS, trust_env=False))
        source = await stack.enter_async_context(
            aconnect_sse(client, "GET", f"{url}{PATH}", headers=headers, params=query)
        )
        assert source.response.status_code == 200, await source.response.aread()
        received = await stack.enter_async_context(aclosing(source.aiter_sse()))
        yield Follower(source.response, received)
