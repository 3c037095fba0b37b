"""Warm files: `everpin up` beside aiohttp by itself, with the same bytes. Memory is how much a case made it grow."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.load import load, started
from tests.bench.rows import Effort, Row, Sample, compared
from tests.journeys.processes import Everpin, free_port, until
from tests.pypi_sim import PyPISim
from tests.reachable import reachable_directory

_LARGE_BYTES = 50 * 10**6
_PEAK = re.compile(r"^VmHWM:\s+([0-9]+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    body: bytes
    address: str
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class _Server:
    pid: int
    origin: str


async def run(effort: Effort, large_bytes: int = _LARGE_BYTES) -> list[Row]:
    """Measures all cases, server by server in turns, and compares the medians."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    with reachable_directory() as directory:
        async with AsyncExitStack() as stack:
            pypi = await stack.enter_async_context(PyPISim())
            everpin = Everpin.of("up", directory / "data", index_url=pypi.index_url, watcher__poll_interval="30s")
            cases = _cases(pypi, large_bytes)
            await stack.enter_async_context(started(everpin))
            bodies = directory / "bodies"
            bodies.mkdir()
            for number, case in enumerate(cases):
                (bodies / str(number)).write_bytes(case.body)
                await _warmed(everpin, case)
            small = await stack.enter_async_context(_ceiling(bodies))
            large = await stack.enter_async_context(_ceiling(bodies, "--large"))
            ours = _Server(everpin.pid, everpin.url)
            for _ in range(effort.rounds):
                for number, case in enumerate(cases):
                    beside, way = (large, "file") if case.is_large else (small, "memory")
                    taken = await _measured(beside, f"/{way}/{number}", case, effort)
                    samples.setdefault((case.name, "aiohttp"), []).append(taken)
                    taken = await _measured(ours, case.address, case, effort)
                    samples.setdefault((case.name, "everpin"), []).append(taken)
    return compared([case.name for case in cases], "aiohttp", samples)


def _cases(pypi: PyPISim, large_bytes: int) -> list[_Case]:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    file = pypi.upload("small", "1.0", uploaded_at=long_ago, payload_size=20_000)
    large = pypi.upload("large", "1.0", uploaded_at=long_ago, payload_size=large_bytes)
    assert file.metadata is not None, "a wheel has metadata"
    return [
        _Case("file of 20 KB", file.content, file.path),
        _Case("metadata", file.metadata, f"{file.path}.metadata"),
        _Case("file of 50 MB", large.content, large.path, is_large=True),
    ]


async def _measured(server: _Server, path: str, case: _Case, effort: Effort) -> Sample:
    before = _forget_peak(server.pid)
    url, connections = f"{server.origin}{path}", 2 if case.is_large else 16
    taken = await load(server.pid, url, {}, seconds=effort.seconds, connections=connections)
    return Sample(taken.requests, taken.seconds, taken.cpu_seconds, _peak(server.pid) - before)


def _peak(pid: int) -> int:
    """The most memory that the process had at a time, in bytes."""
    found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _forget_peak(pid: int) -> int:
    """Has the kernel begin anew with noting the peak, and says how much it is now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _peak(pid)


async def _warmed(everpin: Everpin, case: _Case) -> None:
    await everpin.get(case.address)
    # Its first notices are on their way meanwhile.
    await asyncio.sleep(0.5)
    await everpin.get(case.address)


@asynccontextmanager
async def _ceiling(bodies: Path, *options: str) -> AsyncIterator[_Server]:
    port = free_port()
    command = (sys.executable, "-m", "tests.bench.file_ceiling", str(port), str(bodies), *options)
    process = await asyncio.create_subprocess_exec(*command)

    async def is_up() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    try:
        await until(is_up)
        yield _Server(process.pid, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        await process.wait()
