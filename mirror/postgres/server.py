"""One postmaster: launched when nothing is in its way, awaited until it accepts connections, stopped for good."""

import asyncio
import os
import re
import signal
import subprocess

import structlog

from mirror.errors import StartError
from mirror.postgres import serverlog
from mirror.postgres.binaries import Binaries
from mirror.postgres.cluster import CONNECTIONS
from mirror.postgres.identity import Identity
from mirror.postgres.leftovers import PidFile, make_way, read_pid_file
from mirror.postgres.places import PORT, Places, open_private
from mirror.postgres.probe import Answer, ask
from mirror.postgres.spawn import POLL_SECONDS, spawn

READY_SECONDS = 600.0
"""Patience with a server that is alive and not yet ready: recovery after a crash takes its time."""

_OBSTACLE_SECONDS = 20.0  # patience with the remains of an earlier server
_READY_POLL_SECONDS = 0.02
_SLOW_SECONDS = 2.0  # a start that takes longer is worth a word
_FAST_SECONDS = 30.0  # a fast shutdown writes a checkpoint
_IMMEDIATE_SECONDS = 10.0
_OBSTACLES = (
    re.compile(r'lock file ".*" already exists'),
    re.compile(r'lock file ".*" is empty'),  # between its creation and its first line
    re.compile(r"pre-existing shared memory block"),
)

log = structlog.get_logger(__name__)


class _InTheWayError(StartError):
    """An earlier server has not quite gone."""


class Server:
    """A running postmaster, child of this process."""

    def __init__(self, process: subprocess.Popen[bytes], log_offset: int) -> None:
        self._process = process
        self._ready = False
        self.log_offset = log_offset

    @property
    def pid(self) -> int:
        """The postmaster's process."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; a server that has ended is reaped by looking."""
        return self._process.poll()

    async def until_ready(self, places: Places) -> None:
        """Return when it accepts connections; raise StartError when it ends instead, or takes too long."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        told = False
        # Knocking while it starts would fill its log with refusals, so its own word is awaited first.
        while self.returncode is None:
            if read_pid_file(places.data) == PidFile(self.pid, ready=True):
                if await ask(places.socket) is Answer.READY:
                    self._ready = True
                    return
            elif not told and loop.time() > began + _SLOW_SECONDS:
                told = True
                log.info("postgres.recovering", log=str(places.log))
            if loop.time() > began + READY_SECONDS:
                raise StartError(f"PostgreSQL is not ready after {READY_SECONDS:.0f} s: {places.log} says why")
            await asyncio.sleep(_READY_POLL_SECONDS)
        line = serverlog.telling_line(serverlog.since(places.log, self.log_offset))
        if any(obstacle.search(line) for obstacle in _OBSTACLES):
            raise _InTheWayError(line)
        raise StartError(f"PostgreSQL did not start ({line}); mend what it names, more is in {places.log}")

    async def stop(self) -> None:
        """End the server and reap it: cleanly if it was ready, at once if it was not or takes too long."""
        try:
            # Asked politely during recovery, PostgreSQL has been seen to hang; nothing is lost by the short way.
            if self._ready and await self._signalled(signal.SIGINT, _FAST_SECONDS):
                return
            if await self._signalled(signal.SIGQUIT, _IMMEDIATE_SECONDS):
                return
        finally:
            # Also when we are cancelled while waiting: it is our child and not yet reaped, so the number is its own.
            if self.returncode is None:
                self._process.kill()
                self._process.wait()

    async def _signalled(self, number: signal.Signals, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self._process.send_signal(number)
        while self.returncode is None:
            if loop.time() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True


async def launch(places: Places, binaries: Binaries, identity: Identity, *, connections: int = CONNECTIONS) -> Server:
    """A server that accepts connections. Only for the holder of the owner lock."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _OBSTACLE_SECONDS
    while True:
        await make_way(places)
        server = _spawned(places, _command(places, binaries, connections), identity)
        try:
            await server.until_ready(places)
        except _InTheWayError:
            if loop.time() > deadline:
                raise
        except BaseException:
            await server.stop()
            raise
        else:
            return server
        await asyncio.sleep(_READY_POLL_SECONDS)


def _spawned(places: Places, command: tuple[str, ...], identity: Identity) -> Server:
    try:
        serverlog.bound(places.log, identity)
        descriptor = open_private(places.log, os.O_WRONLY | os.O_APPEND, identity)
    except OSError as error:
        raise StartError(f"cannot write {places.log}: {error.strerror}; free some space or mend its owner") from error
    with os.fdopen(descriptor, "ab") as output:
        offset = output.seek(0, os.SEEK_END)
        # SIGQUIT, the immediate shutdown: it works in every phase of a server's life.
        process = spawn(
            command,
            identity=identity,
            death_signal=signal.SIGQUIT,
            stdin=subprocess.DEVNULL,
            output=output,
        )
    return Server(process, offset)


def _command(places: Places, binaries: Binaries, connections: int) -> tuple[str, ...]:
    """What must hold whatever the configuration file says; the rest is the file's."""
    fixed = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "log_destination": "stderr",
        "logging_collector": "off",
        "lc_messages": "C",
    }
    if connections > CONNECTIONS:
        fixed["max_connections"] = str(connections)
    settings = tuple(word for name, value in fixed.items() for word in ("-c", f"{name}={value}"))
    where = ("-D", str(places.data), "-k", str(places.run), "-p", str(PORT))
    return (binaries.program("postgres"), *where, *settings)
