"""Events as they are told, over one long answer: server-sent events (HTML standard, section 9.2).

Who comes again with the `Last-Event-ID` of what it got last, as browsers do by themselves, gets each event once. Who
takes too long to read is cut off, so that nothing piles up here, and can go on in the same way.
"""

import asyncio
from contextlib import suppress

import structlog
from aiohttp import hdrs, web

from mirror.catalog import events
from mirror.errors import EverpinError
from mirror.events import Cursor
from watcher.feed import frames
from watcher.feed.asking import Resync, start_after
from watcher.feed.filters import Filter
from watcher.feed.hub import Hub, Seat
from watcher.feed.parts import FEED

HUB = web.AppKey("hub", Hub)

HEADERS = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    # Without it nginx would collect what it is sent.
    "X-Accel-Buffering": "no",
}
"""The headers of every stream."""

_LAST_EVENT_ID = "Last-Event-ID"
# What one subscriber can have waiting in our memory, and what it is sent at a time.
_WAITING_BYTES = 32 * 1024
_SLICE_BYTES = 64 * 1024
# Whose filter passes over events is told how far it is when it is this many behind, or this old a place.
_PASSED_EVENTS = 100
_PASSED_SECONDS = 600.0

log = structlog.get_logger()


class _TooSlowError(Exception):
    """A subscriber did not take what it was sent."""


async def streamed(request: web.Request, *, wanted: Filter) -> web.StreamResponse:
    """The stream that a request asks for: from after its `Last-Event-ID`, else `?since=`, else from now on.

    Who names a place that nobody can go on from is told once to read anew.
    """
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers=HEADERS)
    try:
        number = await _start(request)
    except Resync as resync:
        response = _unbegun()
        with suppress(ConnectionError):
            await response.prepare(request)
            await response.write(frames.resync(resync.oldest))
        return response
    return await stream(request, wanted=wanted, number=number)


async def stream(request: web.Request, *, wanted: Filter, number: int) -> web.StreamResponse:
    """The events after the number that the filter admits, for as long as the client stays.

    Raises Problem (503) where there are too many subscribers.
    """
    hub, transport, response = request.app[HUB], request.transport, _unbegun()
    if request.method == hdrs.METH_HEAD or transport is None:
        return web.Response(headers=HEADERS)

    def leave() -> None:
        if transport.get_write_buffer_size():
            transport.abort()

    with hub.seated(leave) as seat:
        transport.set_write_buffer_limits(high=_WAITING_BYTES)
        subscriber = _Subscriber(hub, seat, request, response, transport)
        try:
            await response.prepare(request)
            await subscriber.greet(number, is_new=_place(request) is None)
            await subscriber.follow(number, wanted)
        except _TooSlowError:
            log.info("stream.cut_off", seconds=hub.pace.patience)
            transport.abort()
        except ConnectionError as e:
            log.debug("stream.left", error=str(e))
        except EverpinError as e:
            # It has begun, so that all that can be said is that it ends. The client will come again.
            log.warning("stream.ended", error=str(e))
    return response


class _Subscriber:
    """One connection that is told events."""

    def __init__(
        self,
        hub: Hub,
        seat: Seat,
        request: web.Request,
        response: web.StreamResponse,
        transport: asyncio.Transport,
    ) -> None:
        self._hub = hub
        self._seat = seat
        self._writer = request.writer
        self._response = response
        self._transport = transport
        self._clock = asyncio.get_running_loop().time
        self._sent_at = self._known_at = self._clock()
        self._known = 0

    async def greet(self, number: int, *, is_new: bool) -> None:
        """Begins at once, so that the client knows that it is connected.

        One that comes for the first time learns where it is: it might be cut off before the first event.
        """
        await self._send(frames.START + (frames.passed(self._cursor(number)) if is_new else b""))
        self._knows(number)

    async def follow(self, number: int, wanted: Filter) -> None:
        """Tells what there is after the number, then what comes."""
        while not self._hub.is_closed and not self._transport.is_closing():
            change = self._hub.change(self._seat)
            try:
                part = await self._hub.after(number, seat=self._seat, wanted=wanted)
            except Resync as resync:
                await self._send(frames.resync(resync.oldest))
                return
            has_moved, number = part.end > number, part.end
            if part.body:
                await self._send(part.body)
                self._knows(part.told)
            elif self._clock() - self._sent_at >= self._hub.pace.silence:
                await self._break_silence(number)
            elif not has_moved:
                await change.wait()

    async def _break_silence(self, number: int) -> None:
        """Says that we are still there, and where the client is if it would have to come again from far behind."""
        is_far = number - self._known >= _PASSED_EVENTS
        is_old = number > self._known and self._clock() - self._known_at >= _PASSED_SECONDS
        if not (is_far or is_old):
            await self._send(frames.BEAT)
            return
        await self._send(frames.passed(self._cursor(number)))
        self._knows(number)

    def _knows(self, number: int) -> None:
        self._known, self._known_at = number, self._clock()

    async def _send(self, data: bytes) -> None:
        """Sends it in slices, each of which the client must have taken soon, but for a rest that may wait here."""
        view = memoryview(data)
        for start in range(0, len(view), _SLICE_BYTES):
            try:
                async with asyncio.timeout(self._hub.pace.patience):
                    await self._response.write(view[start : start + _SLICE_BYTES])
                    await self._writer.drain()
            except TimeoutError as e:
                raise _TooSlowError from e
        self._sent_at = self._clock()

    def _cursor(self, number: int) -> Cursor:
        return Cursor(self._seat.epoch, number)


async def _start(request: web.Request) -> int:
    async with request.app[FEED].catalog.reading() as conn:
        held = await events.held(conn)
    place = _place(request)
    return held.last if place is None else start_after(place, held=held)


def _place(request: web.Request) -> str | None:
    """What the request names to go on after. Of a browser that comes again, the header is newer than the address."""
    return request.headers.get(_LAST_EVENT_ID) or request.query.get("since")


def _unbegun() -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    # When it has ended, nothing else is to be said on this connection.
    response.force_close()
    return response
