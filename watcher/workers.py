"""Processes that answer clients, beside the one that watches and owns the database: started, watched over, stopped.

They are fresh processes, never copies of a running loop. Each has a socket of its own on the shared port, so that the
kernel deals connections out to those that are alive: the death of one refuses no connection to the others. They die
with their parent, however that ends. What a worker does with its order stands in `watcher.worker`.
"""

import asyncio
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from mirror import metrics
from mirror.errors import StartError
from mirror.meanwhile import meanwhile
from mirror.settings import Settings
from watcher.serving import SHUTDOWN_SECONDS, socket_beside

READY = "ready"
"""A worker's word that it listens. Any other word is the reason why it cannot."""

_START_SECONDS = 60.0
# Beside the running requests, connections have to be closed and counts written.
_STOP_SECONDS = SHUTDOWN_SECONDS + 10.0
_POLL_SECONDS = 0.01
_FIRST_DELAY_SECONDS = 0.5
_LAST_DELAY_SECONDS = 30.0
_SETTLED_SECONDS = 60.0  # a worker that lived longer did not die of its start

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker has to know. It goes through a pipe, since the settings hold secrets."""

    settings: Settings
    figures: Path
    """Where it counts together with the others."""
    name: str
    """The name under which it counts; that of one who died passes on to who replaces it."""


class Worker:
    """One process. It gets ready to be told its order as soon as it exists."""

    def __init__(self, shared: socket.socket) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs, socket_beside(shared) as bound:
            command = (sys.executable, "-P", "-m", "watcher.worker", str(os.getpid()), str(bound.fileno()))
            try:
                self._process = subprocess.Popen(  # noqa: S603  # the command is ours; nothing in it comes from outside
                    command,
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    pass_fds=(bound.fileno(),),
                    # Ctrl-C is for its parent, which then asks it to stop.
                    start_new_session=True,
                )
            except OSError as e:
                self._ours.close()
                raise StartError(f"cannot start a process ({e.strerror}); free some memory and try again") from e
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    async def obey(self, order: Order) -> None:
        """Returns when it listens. Raises StartError when it does not come to that."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._ours)
        said = ""
        try:
            async with asyncio.timeout(_START_SECONDS):
                self._writer.write(pickle.dumps(order))
                self._writer.write_eof()
                said = (await self._reader.readline()).decode(errors="replace").strip()
        except TimeoutError as e:
            raise StartError(f"a process that should answer clients was not ready in {_START_SECONDS:.0f} s") from e
        except ConnectionError:
            pass  # it died before it read its order
        if said != READY:
            raise StartError(said or f"a process that should answer clients ended with status {await self.ended()}")

    async def ended(self) -> int:
        """Waits for its end; the exit status, negative for a signal."""
        if self._reader is not None:
            # What it holds is let go of a moment before it can be seen to have ended.
            with suppress(ConnectionError):
                await self._reader.read()
        return await self._status()

    async def stop(self) -> None:
        """Lets it finish what it is doing and end. Nothing is left of it afterwards."""
        try:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(_STOP_SECONDS):
                await self._status()
        except TimeoutError:
            log.warning("worker.killed", pid=self.pid, seconds=_STOP_SECONDS)
        finally:
            # Also when we are cancelled while waiting: it is our child and not yet reaped, so the number is its own.
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            if self._writer is not None:
                self._writer.close()
            self._ours.close()

    async def _status(self) -> int:
        while (status := self._process.poll()) is None:  # noqa: ASYNC110  # a child's end is no event on every loop
            await asyncio.sleep(_POLL_SECONDS)
        return status


class Workers:
    """The processes that answer on one port. Only for the main thread, since they end when the thread that began does.

    Made before they are needed, they have done what takes longest, the imports, by the time they are.
    """

    def __init__(self, shared: socket.socket, figures: Path, *, processes: int) -> None:
        self._shared = shared
        self._figures = figures
        self._workers: dict[int, Worker] = {}
        for number in range(1, processes + 1):
            self._workers[number] = Worker(shared)

    @asynccontextmanager
    async def answering(self, settings: Settings) -> AsyncIterator[None]:
        """All of them answer meanwhile; who dies is replaced. Raises StartError when one of them cannot begin."""
        async with AsyncExitStack() as stack:
            # Also where one cannot begin: the others must not outlive what they use.
            stack.push_async_callback(self.stop)
            await self._begun(settings)
            for number, worker in self._workers.items():
                log.info("worker.ready", worker=number, pid=worker.pid)
                watching = self._watch_over(number, worker, settings)
                await stack.enter_async_context(meanwhile(watching, name=f"watch over worker {number}"))
            yield

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes as they are now."""
        return tuple(worker.pid for worker in self._workers.values())

    @property
    def figures(self) -> Path:
        """Where they count."""
        return self._figures

    async def stop(self) -> None:
        """Ends all of them, at the same time."""
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))

    async def _begun(self, settings: Settings) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number, worker in self._workers.items():
                    group.create_task(worker.obey(self._order(number, settings)))
        except* StartError as failures:
            raise StartError(str(_first(failures))) from failures

    def _order(self, number: int, settings: Settings) -> Order:
        return Order(settings, self._figures, f"worker{number}")

    async def _watch_over(self, number: int, worker: Worker, settings: Settings) -> None:
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY_SECONDS
        while True:
            began = loop.time()
            status = await worker.ended()
            if loop.time() - began > _SETTLED_SECONDS:
                delay = _FIRST_DELAY_SECONDS
            log.error("worker.died", worker=number, pid=worker.pid, status=status, retry_seconds=delay)
            await worker.stop()
            metrics.died(self._figures, f"worker{number}")
            worker, delay = await self._replaced(number, settings, delay)
            log.info("worker.ready", worker=number, pid=worker.pid)

    async def _replaced(self, number: int, settings: Settings, delay: float) -> tuple[Worker, float]:
        """Another one that answers, and how long to wait if that dies soon."""
        while True:
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LAST_DELAY_SECONDS)
            try:
                worker = self._workers[number] = Worker(self._shared)
                await worker.obey(self._order(number, settings))
            except (StartError, OSError) as e:
                log.warning("worker.start_failed", worker=number, reason=str(e), retry_seconds=delay)
                await self._workers[number].stop()
            else:
                return worker, delay


@asynccontextmanager
async def workers_of(shared: socket.socket, figures: Path, *, processes: int) -> AsyncIterator[Workers]:
    """Processes that wait for their orders. None of them is left at the end."""
    workers = Workers(shared, figures, processes=processes)
    try:
        yield workers
    finally:
        await workers.stop()


def _first(failures: BaseExceptionGroup[StartError]) -> BaseException:
    first: BaseException = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
