"""Everpin as its users run it: a process of its own, known only by its URLs, its log and its end.

The environment is the caller's without anything that would configure everpin, pip or uv, so that a journey means the
same on every machine. Waiting is always for a condition, with a deadline that only a defect reaches.
"""

import asyncio
import itertools
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec

from tests.journeys.begun_data import put_begun_data

PATIENCE_SECONDS = 180.0
"""No step takes nearly as long; who waits longer waits for something that will not come."""

_LOOK_AGAIN_SECONDS = 0.02
_JSON_PAGE = "application/vnd.pypi.simple.v1+json"
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, read to its end."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What one event says that journeys compare."""

    id: str
    kind: str
    project: str
    version: str | None
    serial: int | None
    states: tuple[tuple[str, str | None], ...]


@dataclass
class Everpin:
    """One `everpin` command that serves. It can be started again after it ended, on the same data and port."""

    verb: str
    data_dir: Path
    settings: Mapping[str, str]
    port: int = field(default_factory=lambda: free_port())
    under: tuple[str, ...] = ()
    """A program, with its arguments, that prepares something and then becomes the command."""
    _process: Process | None = None

    @classmethod
    def of(cls, verb: str, data_dir: Path, *, index_url: str, **settings: str) -> Self:
        """A command that asks `index_url` and polls often; `settings` are named as in `mirror__stale_after`."""
        quick = {"upstream__index_url": index_url, "watcher__poll_interval": "300ms"}
        return cls(verb, data_dir, quick | settings)

    # Its life

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        return self._running.pid

    async def start(self, **environment: str) -> None:
        """Runs the command and waits until it is ready."""
        await self.launch(**environment)
        await self.ready()

    async def launch(self, **environment: str) -> None:
        """Runs the command without waiting for it."""
        assert self._process is None, "it runs already"
        if self.verb == "up" and "database__url" not in self.settings and not self.data_dir.exists():
            await put_begun_data(self.data_dir)
        section = "watcher" if self.verb == "watch" else "mirror"
        settings = {f"EVERPIN_{key.upper()}": value for key, value in self.settings.items()}
        settings[f"EVERPIN_{section.upper()}__PORT"] = str(self.port)
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.under,
                Path(sys.executable).with_name("everpin"),
                self.verb,
                "--data-dir",
                self.data_dir,
                env=plain_environment() | settings | environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )

    async def ready(self) -> None:
        """Waits until it says that it can be used."""

        async def says_so() -> bool:
            assert self._running.returncode is None, f"it ended instead of getting ready:\n{self.log}"
            try:
                return (await self.get("/readyz")).status == 200
            except aiohttp.ClientError:
                return False

        await until(says_so)

    async def stop(self) -> int:
        """Asks it to end, as an init system does, and returns its exit status."""
        return await self._end_by(signal.SIGTERM)

    async def kill(self) -> None:
        """Ends it without a chance to do anything, as a power cut does."""
        assert await self._end_by(signal.SIGKILL) == -signal.SIGKILL

    async def ended(self) -> int:
        """Waits for an end that comes by itself; the exit status, negative for a signal."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            status = await self._running.wait()
        self._process = None
        return status

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself and nobody has noticed yet."""
        return self._process is not None and self._process.returncode is not None

    async def close(self) -> None:
        """Ends it if it still runs, so that nothing of a journey outlives it."""
        if self._process is None:
            return
        try:
            await self.stop()
        except TimeoutError:
            await self.kill()
            raise

    async def _end_by(self, number: signal.Signals) -> int:
        if self._running.returncode is None:
            self._running.send_signal(number)
        return await self.ended()

    @property
    def _running(self) -> Process:
        assert self._process is not None, "it does not run"
        return self._process

    @property
    def log_path(self) -> Path:
        """Where all its runs log, one after the other."""
        return self.data_dir.with_name(f"{self.data_dir.name}-{self.verb}.log")

    @property
    def log(self) -> str:
        """What all its runs logged."""
        return self.log_path.read_text(errors="replace")

    # What clients see

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{_HOST}:{self.port}"

    @property
    def index_url(self) -> str:
        """What installers are given."""
        return f"{self.url}/simple/"

    async def get(self, path: str, **headers: str) -> Fetched:
        """The answer at a path of it, or at an absolute URL."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(path if "://" in path else f"{self.url}{path}", headers=headers) as answer,
        ):
            return Fetched(answer.status, answer.reason or "", answer.headers, await answer.read())

    async def page(self, project: str) -> dict[str, Any]:
        """The project page as JSON."""
        answer = await self.get(f"/simple/{project}/", Accept=_JSON_PAGE)
        assert answer.status == 200, answer
        page: dict[str, Any] = msgspec.json.decode(answer.body)
        return page

    async def listed(self, project: str) -> dict[str, bool | str]:
        """What the page says of each file: its `yanked`."""
        return {file["filename"]: file["yanked"] for file in (await self.page(project))["files"]}

    async def file_url(self, project: str, filename: str) -> str:
        """The address of a file on the page."""
        (found,) = [file["url"] for file in (await self.page(project))["files"] if file["filename"] == filename]
        return f"{self.url}/{str(found).removeprefix('../../')}"

    async def told(self, *, project: str | None = None, kind: str | None = None) -> list[Told]:
        """All events of the feed, or those of a project or kind, oldest first."""
        filters = {"project": project, "kind": kind}
        query = "&".join(f"{key}={value}" for key, value in filters.items() if value is not None)
        answer = await self.get(f"/api/v1/events?limit=1000&{query}")
        assert answer.status == 200, answer
        return [_told(event["data"], event["id"]) for event in msgspec.json.decode(answer.body)["events"]]

    async def until_told(self, kind: str, project: str) -> Told:
        """Waits for the first event of that kind about the project."""

        async def is_told() -> bool:
            return bool(await self.told(project=project, kind=kind))

        await until(is_told)
        return (await self.told(project=project, kind=kind))[0]

    async def until_file_is(self, project: str, filename: str, *, listed: bool) -> None:
        """Waits until the page lists the file, or lists it no longer."""

        async def is_so() -> bool:
            return (filename in await self.listed(project)) is listed

        await until(is_so)

    async def figure(self, name: str, **labels: str) -> float:
        """The sum of a metric over all labels that are not given; 0 while nothing was counted."""
        answer = await self.get("/metrics")
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = [line for line in answer.body.decode().splitlines() if line.partition("{")[0].split(" ")[0] == name]
        return sum(float(line.rpartition(" ")[2]) for line in lines if all(label in line for label in wanted))

    # What it leaves on disk

    def scratch_files(self) -> list[Path]:
        """Unfinished downloads and unfinished objects."""
        return [path for path in self.data_dir.rglob("*.part") if "postgres" not in path.parts]


def _told(data: dict[str, Any], identity: str) -> Told:
    files = tuple(sorted((file["filename"], file["state"]) for file in data["files"] or ()))
    return Told(identity, data["kind"], data["project"], data["version"], data["serial"], files)


@asynccontextmanager
async def running(everpin: Everpin, **environment: str) -> AsyncIterator[Everpin]:
    """Has it run meanwhile and ends it afterwards. Its log goes to standard output, which a failed test shows.

    Whatever happened in between, a traceback in the log is a defect: everpin knows how to name what goes wrong.
    """
    try:
        await everpin.start(**environment)
        yield everpin
    finally:
        try:
            await everpin.close()
        finally:
            sys.stdout.write(f"--- everpin {everpin.verb} ({everpin.data_dir})\n{everpin.log}")
    assert "Traceback" not in everpin.log


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for a condition; TimeoutError when it never holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def plain_environment() -> dict[str, str]:
    """This process' environment without settings of everpin, pip, uv or a proxy."""
    ours = ("EVERPIN_", "_EVERPIN_", "PIP_", "UV_", "VIRTUAL_ENV", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    kept = {key: value for key, value in kept.items() if not key.lower().endswith("_proxy")}
    return kept | {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}


def free_port() -> int:
    """A port nobody listens on at the moment, nor is given by the system to a connection in the meantime."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind((_HOST, port))
            return port
    raise AssertionError("there is always another port")


def _ports_of_this_worker() -> Iterator[int]:
    """Again and again the same thousand: those of other workers of a test run are others."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 10_000 + worker % 16 * 1_000
    return itertools.cycle(range(first, first + 1_000))


_ports = _ports_of_this_worker()
