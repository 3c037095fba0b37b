"""Cold misses, one client and many at once: through `everpin mirror`, beside the same clients asking upstream."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import aiohttp

from tests.bench.big_files import SIZE
from tests.bench.load import cpu_seconds, resident
from tests.bench.rows import Effort
from tests.journeys.processes import Everpin, free_port, until
from tests.reachable import reachable_directory

_CLIENTS = 32
_RATE = 25_000_000
_BUFFER = 2**20
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Got:
    """What one client got, and when, in seconds since it asked."""

    status: int
    size: int
    first_byte: float
    total: float


@dataclass(frozen=True, slots=True)
class Rush:
    """One or more clients that asked for a file at the same time.

    `growth` is that of everpin's memory in MB, `cpu` the time it took on the processor.
    """

    got: tuple[Got, ...]
    fetches: int
    growth: float
    cpu: float


class _Client(asyncio.BufferedProtocol):
    """Reads an answer into nowhere, as cheaply as can be."""

    def __init__(self, request: bytes) -> None:
        self._loop = asyncio.get_running_loop()
        self._request = request
        self._buffer = bytearray(_BUFFER)
        self._head = b""
        self._status = self._size = 0
        self._first_byte = 0.0
        self._began = self._loop.time()
        self.done: asyncio.Future[Got] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def get_buffer(self, _sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._status:
            self._count(nbytes)
            return
        self._head += self._buffer[:nbytes]
        head, end, body = self._head.partition(b"\r\n\r\n")
        if end:
            self._status = int(head.split()[1])
            self._count(len(body))

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.done.done():
            total = self._loop.time() - self._began
            self.done.set_result(Got(self._status, self._size, self._first_byte, total))

    def _count(self, size: int) -> None:
        if size and not self._size:
            self._first_byte = self._loop.time() - self._began
        self._size += size


async def get(url: str) -> Got:
    """One request on a connection of its own, read to its end."""
    asked = urlsplit(url)
    head = f"GET {asked.path} HTTP/1.1\r\nHost: {asked.netloc}\r\nConnection: close\r\n\r\n"
    loop = asyncio.get_running_loop()
    host, port = asked.hostname or "", asked.port or 80
    transport, client = await loop.create_connection(lambda: _Client(head.encode()), host, port)
    try:
        return await client.done
    finally:
        transport.close()


async def run(effort: Effort) -> str:
    """Measures both cases in turns and compares the medians."""
    files = iter([f"big-1.{number}.tar.gz" for number in range(4 * effort.rounds + 1)])
    solo: dict[str, list[Rush]] = {"direct": [], "everpin": []}
    herd: dict[str, list[Rush]] = {"direct": [], "everpin": []}
    with reachable_directory() as directory:
        async with _upstream(4 * effort.rounds + 1) as upstream, _everpin(directory, upstream) as everpin:
            addresses = {file["filename"]: file["url"] for file in (await everpin.page("big"))["files"]}
            await _rush(everpin, upstream, next(files), addresses, clients=1, direct=False)
            for _ in range(effort.rounds):
                for rushes, clients, rate in ((solo, 1, 0), (herd, _CLIENTS, _RATE)):
                    await _ask(f"{upstream}/throttle?rate={rate}")
                    for server, seen in rushes.items():
                        name = next(files)
                        is_direct = server == "direct"
                        seen.append(await _rush(everpin, upstream, name, addresses, clients=clients, direct=is_direct))
    return _table({"cold 50 MB": solo, f"{_CLIENTS} clients, 25 MB/s": herd})


async def _rush(
    everpin: Everpin, upstream: str, name: str, addresses: dict[str, str], *, clients: int, direct: bool
) -> Rush:
    mirrored = everpin.url + addresses[name].removeprefix("../..")
    url = f"{upstream}/packages/aa/bb/cc/{name}" if direct else mirrored
    memory, cpu = [resident(everpin.pid)], cpu_seconds(everpin.pid)
    watching = asyncio.create_task(_watch(everpin.pid, memory))
    got = await asyncio.gather(*(get(url) for _ in range(clients)))
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    wrong = [one for one in got if (one.status, one.size) != (200, SIZE)]
    assert not wrong, f"{name}: {wrong[:3]}"
    fetches = int(await _ask(f"{upstream}/asked?filename={name}"))
    return Rush(tuple(got), fetches, max(memory) - memory[0], cpu_seconds(everpin.pid) - cpu)


def _table(cases: dict[str, dict[str, list[Rush]]]) -> str:
    heads = "".join(f"{head:>10}" for head in ("first ms", "total ms", "x direct", "fetches", "+RSS MB", "cpu ms"))
    lines = [f"{'case':<24}{'server':<10}{heads}"]
    for case, servers in cases.items():
        direct = _total(servers["direct"])
        for server, rushes in servers.items():
            first = 1000 * median(median(one.first_byte for one in rush.got) for rush in rushes)
            total, fetches = _total(rushes), max(rush.fetches for rush in rushes)
            growth = max(rush.growth for rush in rushes)
            cpu = 1000 * median(rush.cpu for rush in rushes)
            figures = (
                f"{first:>10.1f}{1000 * total:>10.1f}{total / direct:>10.2f}{fetches:>10}{growth:>10.1f}{cpu:>10.0f}"
            )
            lines.append(f"{case:<24}{server:<10}{figures}")
    return "\n".join(lines) + "\n"


def _total(rushes: Iterable[Rush]) -> float:
    return median(median(one.total for one in rush.got) for rush in rushes)


async def _watch(pid: int, memory: list[float]) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        memory.append(resident(pid))


async def _ask(url: str) -> str:
    async with aiohttp.ClientSession(trust_env=False) as session, session.get(url) as answer:
        return await answer.text()


@asynccontextmanager
async def _upstream(files: int) -> AsyncIterator[str]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.big_files", str(port), str(files))

    async def is_up() -> bool:
        try:
            await _ask(f"http://127.0.0.1:{port}/throttle?rate=0")
        except aiohttp.ClientError:
            return False
        return True

    try:
        await until(is_up)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _everpin(directory: Path, upstream: str) -> AsyncIterator[Everpin]:
    everpin = Everpin.of("mirror", directory / "data", index_url=f"{upstream}/simple/")
    try:
        await everpin.start()
        yield everpin
    finally:
        await everpin.close()
