"""Warm project pages: `everpin up` beside the ceiling, which serves the same bytes."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from tests.bench.load import load, started
from tests.bench.rows import Effort, Row, Sample, compared
from tests.journeys.processes import Everpin, free_port, until
from tests.pypi_sim import PyPISim
from tests.reachable import reachable_directory

_PIP_JSON = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
_HEADERS = ("ETag", "Content-Type", "Content-Encoding", "Vary", "Cache-Control")
PROJECTS = {"five": 5, "hundred": 100, "large": 2_000}
_FILES_OF_A_VERSION = 5


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    project: str
    accept: str = _PIP_JSON
    is_known: bool = False
    """Whether the client has the page already."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Accept": self.accept, "Accept-Encoding": "gzip"}


def _cases(projects: dict[str, int]) -> list[_Case]:
    middle = list(projects)[len(projects) // 2]
    return [
        *(_Case(f"page of {files} files, JSON", project) for project, files in projects.items()),
        _Case(f"page of {projects[middle]} files, HTML", middle, "text/html"),
        _Case(f"page of {projects[middle]} files, 304", middle, is_known=True),
    ]


async def run(effort: Effort, projects: dict[str, int] | None = None) -> list[Row]:
    """Measures all cases, server by server in turns, and compares the medians."""
    cases = _cases(projects or PROJECTS)
    samples: dict[tuple[str, str], list[Sample]] = {}
    with reachable_directory() as directory, tempfile.TemporaryDirectory() as pages:
        async with PyPISim() as pypi:
            for name, files in (projects or PROJECTS).items():
                _upload(pypi, name, files)
            # What else it does now and then would be counted as if pages cost it.
            settings = {"watcher__poll_interval": "30s"}
            everpin = Everpin.of("up", directory / "data", index_url=pypi.index_url, **settings)
            async with started(everpin):
                etags = [await _recorded(everpin, case, Path(pages) / str(n)) for n, case in enumerate(cases)]
                async with _ceiling(Path(pages)) as (port, pid):
                    for _ in range(effort.rounds):
                        for number, (case, etag) in enumerate(zip(cases, etags, strict=True)):
                            known = {"If-None-Match": etag} if case.is_known else {}
                            servers = {
                                "ceiling": (pid, f"http://127.0.0.1:{port}/page/{number}"),
                                "everpin": (everpin.pid, f"{everpin.index_url}{case.project}/"),
                            }
                            for server, (process, url) in servers.items():
                                status = 304 if case.is_known else 200
                                wanted = case.headers | known
                                taken = await load(process, url, wanted, seconds=effort.seconds, status=status)
                                samples.setdefault((case.name, server), []).append(taken)
    return compared([case.name for case in cases], "ceiling", samples)


def _upload(pypi: PyPISim, name: str, files: int) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    for number in range(files):
        version, build = divmod(number, _FILES_OF_A_VERSION)
        pypi.upload(name, f"1.{version}", build_tag=str(build + 1), uploaded_at=long_ago)


async def _recorded(everpin: Everpin, case: _Case, path: Path) -> str:
    """Writes down what everpin answers, for the ceiling to answer the same, and says its ETag."""
    await everpin.get(f"/simple/{case.project}/", **case.headers)
    # Its first notice is on its way meanwhile, and drops the page once.
    await asyncio.sleep(0.5)
    async with (
        aiohttp.ClientSession(auto_decompress=False, trust_env=False) as session,
        session.get(f"{everpin.index_url}{case.project}/", headers=case.headers) as answer,
    ):
        path.with_suffix(".body").write_bytes(await answer.read())
        headers = {name: answer.headers[name] for name in _HEADERS}
    path.with_suffix(".json").write_text(json.dumps(headers))
    return headers["ETag"]


@asynccontextmanager
async def _ceiling(pages: Path) -> AsyncIterator[tuple[int, int]]:
    """The ceiling's port and process, while it serves."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.ceiling", str(port), str(pages))

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
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()
