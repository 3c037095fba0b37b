"""Answering on a port: sockets, the server behind them, and the wish to stop."""

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from mirror.errors import StartError
from mirror.web.access import access_log as access_log_of
from mirror.web.quick import answer_first

_BACKLOG_OF_CONNECTIONS = 1024
_MOST_FILES = 65_536
SHUTDOWN_SECONDS = 5.0
"""How long requests that are being answered may take when everpin is stopped."""


def listening_socket(host: str, port: int, *, section: str, is_shared: bool = False) -> socket.socket:
    """A bound socket, so that a port in use is found out before anything else is started.

    One that is shared must not listen: it keeps the port for those of `socket_beside`.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if is_shared:
            # Sharing is a matter of the user's, not of one everpin's: without this, two could answer in turns.
            with _bound(family, kind, proto, address) as probe:
                probe.listen()
        return _bound(family, kind, proto, address, is_shared=is_shared)
    except OSError as e:
        raise StartError(
            f"cannot listen on {host} port {port} ({e.strerror}); change {section}.host or {section}.port"
        ) from e


def socket_beside(shared: socket.socket) -> socket.socket:
    """One more socket on the same port. The kernel deals connections out to those that listen."""
    return _bound(shared.family, shared.type, shared.proto, shared.getsockname(), is_shared=True)


@asynccontextmanager
async def serving(app: web.Application, bound: socket.socket, *, access_log: bool) -> AsyncIterator[None]:
    """Serves the application on the socket until the end, then lets running requests finish for a few seconds."""
    runner = web.AppRunner(
        app,
        handle_signals=False,
        shutdown_timeout=SHUTDOWN_SECONDS,
        access_log=logging.getLogger("aiohttp.access") if access_log else None,
        access_log_class=access_log_of(app),
        # What nobody reads would be unpacked all the same, in the loop: five megabytes can stand for seven seconds.
        auto_decompress=False,
    )
    await runner.setup()
    answer_first(runner.server, app)
    try:
        try:
            await web.SockSite(runner, bound, backlog=_BACKLOG_OF_CONNECTIONS).start()
        except OSError as e:
            # Two can be bound to a port as long as neither listens.
            host, port = bound.getsockname()[:2]
            raise StartError(f"cannot listen on {host} port {port} ({e.strerror}); set another port") from e
        yield
    finally:
        await runner.cleanup()


def allowed_files() -> int:
    """How many files this process may have open, each connection being one, after asking for as many as are sensible.

    Many systems allow 1,024 to those who do not ask, for the sake of programs that could not handle more.
    """
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        allowed = wanted
    return _MOST_FILES if allowed == resource.RLIM_INFINITY else allowed


def asked_to_stop() -> asyncio.Event:
    """What is set at SIGTERM or SIGINT. Until this is called they end the process at once."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    return asked


def _bound(
    family: int, kind: int, proto: int, address: tuple[object, ...], *, is_shared: bool = False
) -> socket.socket:
    bound = socket.socket(family, kind, proto)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
