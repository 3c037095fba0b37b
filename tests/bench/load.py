"""Load on a server, and what it cost the server: `wrk` where it is installed, else requests over plain connections."""

import asyncio
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.rows import Sample
from tests.journeys.processes import Everpin

_CONNECTIONS = 16
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_TICKS = os.sysconf("SC_CLK_TCK")


async def load(
    pid: int,
    url: str,
    headers: Mapping[str, str],
    *,
    seconds: float,
    status: int = 200,
    connections: int = _CONNECTIONS,
) -> Sample:
    """Has a few connections ask for the URL as fast as they are answered. Any other status is an error."""
    await _ask_once(url, headers, status)
    cpu_before, begun = cpu_seconds(pid), time.perf_counter()
    wrk = shutil.which("wrk")
    requests = await (
        _by_wrk(wrk, url, headers, seconds, connections) if wrk else _by_sockets(url, headers, seconds, connections)
    )
    return Sample(requests, time.perf_counter() - begun, cpu_seconds(pid) - cpu_before)


def cpu_seconds(pid: int) -> float:
    """The time that a process has spent on processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident(pid: int) -> float:
    """The memory of a process in MiB."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


async def _by_wrk(wrk: str, url: str, headers: Mapping[str, str], seconds: float, connections: int) -> int:
    named = [argument for name, value in headers.items() for argument in ("-H", f"{name}: {value}")]
    # It only takes whole seconds.
    command = (wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", *named, url)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output = (await process.communicate())[0].decode()
    found = re.search(r"([0-9]+) requests in", output)
    if process.returncode != 0 or found is None or "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"wrk failed on {url}:\n{output}")
    return int(found[1])


async def _by_sockets(url: str, headers: Mapping[str, str], seconds: float, connections: int) -> int:
    deadline = time.perf_counter() + seconds

    async def one() -> int:
        done = 0
        reader, writer = await _connected(url)
        question = _question(url, headers)
        while time.perf_counter() < deadline:
            writer.write(question)
            await _answer(reader)
            done += 1
        writer.close()
        await writer.wait_closed()
        return done

    return sum(await asyncio.gather(*(one() for _ in range(connections))))


async def _ask_once(url: str, headers: Mapping[str, str], status: int) -> None:
    reader, writer = await _connected(url)
    writer.write(_question(url, headers))
    answered = await _answer(reader)
    writer.close()
    await writer.wait_closed()
    if answered != status:
        raise RuntimeError(f"{url} answered {answered} instead of {status}")


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


def _question(url: str, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


async def _answer(reader: asyncio.StreamReader) -> int:
    """Reads an answer to its end and says its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    if (length := _LENGTH.search(head)) is not None:
        await reader.readexactly(int(length[1]))
    return int(head[9:12])


@asynccontextmanager
async def started(everpin: Everpin) -> AsyncIterator[None]:
    """Has it run meanwhile."""
    try:
        await everpin.start()
        yield
    finally:
        await everpin.close()
