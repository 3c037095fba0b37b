"""Own the server or attach to it, and keep one running as long as anybody needs it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from mirror.errors import StartError
from mirror.postgres import serverlog
from mirror.postgres.binaries import find_binaries
from mirror.postgres.cluster import CONNECTIONS, ensure_cluster
from mirror.postgres.identity import server_identity
from mirror.postgres.ownership import OwnerLock
from mirror.postgres.places import places_in, prepare
from mirror.postgres.probe import Answer, ask
from mirror.postgres.server import READY_SECONDS, Server, launch

_WATCH_SECONDS = 0.1  # how late a server's or an owner's death is noticed
_ATTACH_POLL_SECONDS = 0.02
_BUSY_POLL_SECONDS = 0.2
_FIRST_DELAY_SECONDS = 0.5
_LAST_DELAY_SECONDS = 30.0
_SETTLED_SECONDS = 60.0  # a server that lived longer did not die of its start

log = structlog.get_logger(__name__)


@asynccontextmanager
async def embedded(data_dir: Path, *, connections: int = CONNECTIONS) -> AsyncIterator[str]:
    """Yields the DSN of a PostgreSQL below `data_dir` that runs while inside, by us or by another process.

    A server that we start takes at least so many connections. The DSN stays the same over restarts and take-overs;
    connections do not survive them. Must be entered on the main thread's event loop. Raises StartError, one line with
    the way out, when there cannot be a server.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("the embedded PostgreSQL is started from the main thread: it dies with its thread")
    supervisor = Supervisor(data_dir, connections)
    try:
        await supervisor.start()
        watch = asyncio.create_task(supervisor.watch(), name="embedded-postgres")
        try:
            yield supervisor.dsn
        finally:
            watch.cancel()
            await asyncio.wait([watch])
    finally:
        await supervisor.stop()


class Supervisor:
    """This process' part in running the server of one data directory."""

    def __init__(self, data_dir: Path, connections: int) -> None:
        self._connections = connections
        self._places = places_in(data_dir)
        self._identity = server_identity(self._places.data, self._places.home)
        self._lock = OwnerLock(self._places.lock, self._identity)
        self._server: Server | None = None
        self._started_at = 0.0
        self._delay = _FIRST_DELAY_SECONDS

    @property
    def dsn(self) -> str:
        """Where the server answers."""
        return self._places.dsn

    async def start(self) -> None:
        """Become the owner, or find the owner's server ready."""
        prepare(self._places, self._identity)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_SECONDS
        while not self._lock.acquire():
            answer = await ask(self._places.socket)
            if answer is Answer.READY:
                log.info("postgres.attached", socket=str(self._places.socket))
                return
            if loop.time() > deadline:
                raise StartError(
                    f"another everpin holds {self._places.lock}, but its PostgreSQL does not answer on "
                    f"{self._places.socket}: stop it, or see {self._places.log}"
                )
            # Each knock at a busy server is a line in its log.
            await asyncio.sleep(_BUSY_POLL_SECONDS if answer is Answer.BUSY else _ATTACH_POLL_SECONDS)
        await self._lead()

    async def watch(self) -> None:
        """Until cancelled: restart our server when it dies, take over when the owner does."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                await self._look()
                continue
            except StartError as error:
                log.warning("postgres.start_failed", reason=str(error), retry_seconds=self._delay)
            except Exception:
                log.exception("postgres.start_failed", retry_seconds=self._delay)
            await self._back_off()

    async def stop(self) -> None:
        """Stop the server if it is ours, then let others be the owner."""
        try:
            if self._server is not None:
                await self._server.stop()
                log.info("postgres.stopped", pid=self._server.pid)
        finally:
            self._server = None
            self._lock.release()

    async def _look(self) -> None:
        if self._server is None:
            attached = not self._lock.held
            if not self._lock.acquire():
                return
            if attached:
                log.warning("postgres.taken_over", directory=str(self._places.data))
            await self._lead()
            return
        if (returncode := self._server.returncode) is None:
            serverlog.bound(self._places.log, self._identity)
            return
        line = serverlog.telling_line(serverlog.since(self._places.log, self._server.log_offset))
        log.error("postgres.died", returncode=returncode, line=line, retry_seconds=self._delay)
        self._server = None
        if asyncio.get_running_loop().time() - self._started_at > _SETTLED_SECONDS:
            self._delay = _FIRST_DELAY_SECONDS
        await self._back_off()
        await self._lead()

    async def _lead(self) -> None:
        """Start the server. The lock is held."""
        binaries = await find_binaries(self._places, self._identity)
        await ensure_cluster(self._places, binaries, self._identity)
        self._server = await launch(self._places, binaries, self._identity, connections=self._connections)
        self._started_at = asyncio.get_running_loop().time()
        log.info("postgres.started", pid=self._server.pid, version=binaries.version, user=self._identity.name)

    async def _back_off(self) -> None:
        await asyncio.sleep(self._delay)
        self._delay = min(2 * self._delay, _LAST_DELAY_SECONDS)
