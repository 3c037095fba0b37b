"""A mirror of several processes: to clients it is one, whatever becomes of its parts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.journeys.processes import PATIENCE_SECONDS, Everpin, running, until
from tests.journeys.users import commanded
from tests.pypi_sim import File, PyPISim

_CLIENTS = 32
"""So many that it would take a miracle for all of them to meet the same one of two processes."""


@pytest_asyncio.fixture
async def several(pypi: PyPISim, reachable_tmp_path: Path) -> AsyncIterator[Everpin]:
    """`everpin up` with two processes that answer."""
    command = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url, mirror__processes="2")
    async with running(command):

        async def are_ready() -> bool:
            return command.log.count("worker.ready") == 2

        # The first to answer says that everpin is ready.
        await until(are_ready)
        yield command


@pytest.fixture
def file(pypi: PyPISim) -> File:
    """A file that is old enough to be served whatever happens upstream."""
    return _uploaded(pypi, "leftpad")


async def test_all_processes_serve_and_all_of_them_hear_what_happens(several: Everpin, file: File) -> None:
    """Clients are dealt out to both; what one command blocks is refused by both; the figures are those of both."""
    before = [_sockets(worker) for worker in _workers(several)]
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client()) for _ in range(_CLIENTS)]
        url = f"{several.url}{file.path}"
        assert await _statuses(clients, f"{several.index_url}leftpad/") == {200}
        assert await _statuses(clients, url) == {200}
        after = [_sockets(worker) for worker in _workers(several)]

        await commanded(several, "block", "leftpad", "--reason", "malware")

        async def is_refused_by_all() -> bool:
            return await _statuses(clients, url) == {403}

        await until(is_refused_by_all)
        blocked = [await _status(client, f"{several.index_url}leftpad/") for client in clients]
    assert all(more > less for less, more in zip(before, after, strict=True))
    assert blocked == [200] * _CLIENTS
    assert await several.listed("leftpad") == {}
    assert await several.figure("everpin_http_requests_total", route="/simple/{project}/") == 2 * _CLIENTS + 1
    # The journal is asked by the parent, pages by those who answer.
    assert await several.figure("everpin_upstream_requests_total", kind="journal") > 0
    assert await several.figure("everpin_upstream_requests_total", kind="page") > 0


async def test_a_deletion_upstream_is_shown_by_all_processes(several: Everpin, pypi: PyPISim, file: File) -> None:
    """The parent reads the journal and keeps the bytes; who answers hears of it at once."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client()) for _ in range(_CLIENTS)]
        page, url = f"{several.index_url}leftpad/", f"{several.url}{file.path}"
        assert await _statuses(clients, page) == {200}

        pypi.delete_release("leftpad", "1.0")
        await several.until_told("rescued", "leftpad")

        async def is_shown_by_all() -> bool:
            return all(["kept by this mirror" in await _text(client, page) for client in clients])

        await until(is_shown_by_all)
        assert await _statuses(clients, url) == {200}
    assert pypi.fetches(file.filename) == 1


async def test_a_process_that_is_killed_is_replaced_and_nobody_is_refused(several: Everpin, file: File) -> None:
    """Clients that come meanwhile are answered by the others, and what the dead one counted still counts."""
    assert (await several.get(file.path)).status == 200
    (killed, other), parent = _workers(several), several.pid
    asked = await several.figure("everpin_http_requests_total")
    os.kill(killed, signal.SIGKILL)
    await until(lambda: _is_gone(killed))

    async def is_replaced() -> bool:
        # Each is a connection of its own; one that was refused would be an error here.
        assert (await several.get(file.path)).status == 200
        return len(_workers(several)) == 2 and several.log.count("worker.ready") == 3

    await until(is_replaced)

    assert several.pid == parent
    assert other in _workers(several)
    assert several.log.count("worker.died") == 1
    assert await several.figure("everpin_http_requests_total") > asked


async def test_with_its_parent_every_process_ends(several: Everpin, file: File) -> None:
    """However suddenly that dies; then it can be started again at the same place, at once."""
    assert (await several.get(file.path)).status == 200
    children = _children(several.pid)
    await several.kill()

    async def are_gone() -> bool:
        return not any(_runs(child) for child in children)

    await until(are_gone)

    await several.start()
    assert (await several.get(file.path)).status == 200
    assert len(children) == 3


async def test_asked_to_stop_it_finishes_what_it_is_answering(several: Everpin, pypi: PyPISim, file: File) -> None:
    """A client in the middle of a file gets the rest of it; then everything ends, and nothing is left."""
    assert (await several.get("/simple/leftpad/")).status == 200
    children = _children(several.pid)
    pypi.faults.hold(file.filename, after=10)
    asking = asyncio.create_task(several.get(file.path))
    await pypi.until(kind="file", path=file.filename)
    stopping = asyncio.create_task(several.stop())
    await until(lambda: _says(several, "everpin.stopping"))
    pypi.faults.release(file.filename)

    assert (await asking).body == file.content
    assert await stopping == 0
    assert not any(_runs(child) for child in children)
    assert several.scratch_files() == []
    assert list((several.data_dir / "figures").iterdir()) == []
    assert "worker.died" not in several.log


async def test_a_second_one_on_the_same_port_does_not_start(several: Everpin, pypi: PyPISim) -> None:
    """Though the processes of one mirror share their port, two mirrors do not."""
    second = Everpin.of("up", several.data_dir.with_name("second"), index_url=pypi.index_url, mirror__processes="2")
    second.port = several.port
    await second.launch()

    assert await second.ended() == 2
    (line,) = second.log.splitlines()
    assert line.startswith(f"everpin: cannot listen on 127.0.0.1 port {several.port} (Address already in use)")


async def test_a_mirror_without_a_watcher_may_be_several_processes_too(
    pypi: PyPISim, database_url: str, reachable_tmp_path: Path, file: File
) -> None:
    """On a database of its own, beside a watcher."""
    shared = {"database__url": database_url, "store__url": f"file:{reachable_tmp_path}/store"}
    watch = Everpin.of("watch", reachable_tmp_path / "watch", index_url=pypi.index_url, **shared)
    mirror = Everpin.of(
        "mirror", reachable_tmp_path / "mirror", index_url=pypi.index_url, mirror__processes="2", **shared
    )
    async with running(watch), running(mirror):
        assert len(_workers(mirror)) == 2
        assert (await mirror.get(file.path)).body == file.content
        pypi.delete_release("leftpad", "1.0")
        await mirror.until_told("release.deleted", "leftpad")

        assert (await mirror.get(file.path)).headers["X-Everpin-State"] == "kept"
        assert await mirror.stop() == 0


def _uploaded(pypi: PyPISim, name: str) -> File:
    return pypi.upload(name, "1.0", uploaded_at=pypi.now() - timedelta(days=200), payload_size=100_000)


def _client() -> aiohttp.ClientSession:
    """A client with one connection, which it keeps."""
    connector = aiohttp.TCPConnector(limit=1, keepalive_timeout=PATIENCE_SECONDS)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)


async def _statuses(clients: list[aiohttp.ClientSession], url: str) -> set[int]:
    return set(await asyncio.gather(*(_status(client, url) for client in clients)))


async def _status(client: aiohttp.ClientSession, url: str) -> int:
    async with client.get(url) as answer:
        await answer.read()
        return answer.status


async def _text(client: aiohttp.ClientSession, url: str) -> str:
    async with client.get(url) as answer:
        return await answer.text()


async def _is_gone(pid: int) -> bool:
    return not _runs(pid)


def _runs(pid: int) -> bool:
    """Also where nobody is left to take notice of its end: then it is listed, but has no program any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def _says(everpin: Everpin, word: str) -> bool:
    return word in everpin.log


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _workers(everpin: Everpin) -> list[int]:
    """The processes that answer, as they are now."""
    return [child for child in _children(everpin.pid) if b"watcher.worker" in _command_line(child)]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _sockets(pid: int) -> int:
    """How many sockets a process has open."""
    return sum(str(entry.readlink()).startswith("socket:") for entry in Path(f"/proc/{pid}/fd").iterdir())
