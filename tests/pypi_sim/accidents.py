"""The ways a connection can end badly, shared by both hosts."""

import asyncio

from aiohttp import web

from tests.pypi_sim.faults import HostFault

_UNAVAILABLE = b"<html><head><title>503 Backend is unhealthy</title></head><body><h1>Error 503</h1></body></html>\n"


def unavailable() -> web.Response:
    """The page that the content network shows when nobody is behind it: HTML, whatever was asked for."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Retry-After": "0"}
    return web.Response(status=503, body=_UNAVAILABLE, headers=headers)


def too_many() -> web.Response:
    """What a limit on requests says to a client who made too many."""
    return web.Response(status=429, body=b"Too many requests\n", headers={"Retry-After": "60"})


def abort(request: web.Request) -> web.Response:
    """Cut the connection; the response only satisfies the server, nobody can receive it."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def happen(fault: HostFault, request: web.Request, closing: asyncio.Event) -> web.Response:
    """Let the accident happen to this request."""
    if fault == "503html":
        return unavailable()
    if fault == "hang":
        await closing.wait()
    return abort(request)
