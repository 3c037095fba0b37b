"""How bodies go out when they do not go out well: in pieces, slowly, in part, or for ever."""

import asyncio
from collections.abc import Iterable

from aiohttp import web

from tests.pypi_sim import accidents
from tests.pypi_sim.faults import FileFault

_CHUNK = 64 * 1024
_TICK = 0.05


async def stream(
    request: web.Request, response: web.StreamResponse, body: bytes, *, fault: FileFault, closing: asyncio.Event
) -> web.StreamResponse:
    """Promise the whole body and send as much of it, and as fast, as the fault lets through."""
    response.content_length = len(body)
    await response.prepare(request)
    cuts = [cut for cut in (fault.truncated_to, fault.reset_after) if cut is not None]
    await _write(response, body[: min(cuts)] if cuts else body, fault, closing)
    if fault.reset_after is not None:
        accidents.abort(request)
    elif fault.truncated_to is not None and request.transport is not None:
        request.transport.close()
    else:
        await response.write_eof()
    return response


async def pour(
    request: web.Request, response: web.StreamResponse, pieces: Iterable[bytes], *, closing: asyncio.Event
) -> int:
    """Send piece after piece until the client has had enough, and say how many bytes that were."""
    sent = 0
    try:
        await response.prepare(request)
        for piece in pieces:
            if closing.is_set():
                break
            await response.write(piece)
            sent += len(piece)
    except ConnectionError:
        # The client went away: the only end that such a body has.
        return sent
    accidents.abort(request)
    return sent


async def pause(seconds: float, closing: asyncio.Event) -> None:
    """Wait, but no longer than until the host stops."""
    try:
        async with asyncio.timeout(seconds):
            await closing.wait()
    except TimeoutError:
        return


async def _write(response: web.StreamResponse, body: bytes, fault: FileFault, closing: asyncio.Event) -> None:
    if fault.hold_after is not None:
        if fault.hold_after:
            await response.write(body[: fault.hold_after])
        body = body[fault.hold_after :]
        await _until_released(fault.gate, closing)
    if fault.bytes_per_second is None:
        for start in range(0, len(body), _CHUNK):
            await response.write(body[start : start + _CHUNK])
        return
    step = max(1, int(fault.bytes_per_second * _TICK))
    for start in range(0, len(body), step):
        if closing.is_set():
            return
        await response.write(body[start : start + step])
        await pause(step / fault.bytes_per_second, closing)


async def _until_released(gate: asyncio.Event, closing: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(gate.wait()), asyncio.ensure_future(closing.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
