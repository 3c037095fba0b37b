"""Processes that answer beside each other: they begin together or not at all, are replaced, and leave nothing."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from mirror import metrics
from mirror.catalog import instance
from mirror.catalog.database import Catalog
from mirror.errors import StartError
from mirror.setting_sections import Upstream
from mirror.settings import Settings
from tests.pypi_sim import PyPISim
from watcher.serving import listening_socket
from watcher.workers import workers_of

_PATIENCE_SECONDS = 60.0


@pytest.fixture
def shared() -> Iterator[socket.socket]:
    """A port of the test's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with closing(listening_socket("127.0.0.1", port, section="mirror", is_shared=True)) as bound:
        yield bound


@pytest.fixture
async def settings(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> Settings:
    """Settings with which workers can begin, on a catalog of the test's own."""
    async with catalog.writing() as conn:
        await instance.ensure(conn, pypi.index_url, now=pypi.now())
    (tmp_path / "spool").mkdir()
    settings = Settings(data_dir=tmp_path, upstream=Upstream(index_url=pypi.index_url))
    return settings.on_database(catalog.url)


async def test_workers_answer_until_the_end(shared: socket.socket, settings: Settings, tmp_path: Path) -> None:
    """And not a moment longer: nobody listens then, and no process is left."""
    with metrics.shared_directory(tmp_path / "figures"):
        async with workers_of(shared, tmp_path / "figures", processes=2) as workers, workers.answering(settings):
            pids = workers.pids
            assert len(set(pids)) == 2
            assert await _status(shared) == 200

    assert not any(_exists(pid) for pid in pids)
    with pytest.raises(aiohttp.ClientConnectorError):
        await _status(shared)


async def test_secrets_are_seen_by_nobody_else(shared: socket.socket, settings: Settings, tmp_path: Path) -> None:
    """Neither the command line nor the environment of a worker has what it was told."""
    with metrics.shared_directory(tmp_path / "figures"):
        async with workers_of(shared, tmp_path / "figures", processes=1) as workers, workers.answering(settings):
            (pid,) = workers.pids
            seen = _shown(pid)

    assert b"watcher.worker" in seen
    assert settings.database.url.get_secret_value().encode() not in seen


async def test_a_worker_that_died_is_replaced(shared: socket.socket, settings: Settings, tmp_path: Path) -> None:
    """However it died; whoever comes meanwhile is answered by the other."""
    with metrics.shared_directory(tmp_path / "figures"):
        async with workers_of(shared, tmp_path / "figures", processes=2) as workers, workers.answering(settings):
            first, second = workers.pids
            await _killed(first)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while workers.pids[0] == first:
                    assert await _status(shared) == 200
            await _killed(second)
            await _until_answered(shared)
            pids = workers.pids
    assert not any(_exists(pid) for pid in (first, second, *pids))


async def test_workers_that_cannot_begin_say_why(shared: socket.socket, settings: Settings, tmp_path: Path) -> None:
    """In the sentence that the parent would have said, and none of them is left."""
    with metrics.shared_directory(tmp_path / "figures"):
        async with workers_of(shared, tmp_path / "figures", processes=2) as workers:
            pids = workers.pids
            with pytest.raises(StartError, match="database cannot be reached"):
                async with workers.answering(settings.on_database("postgresql://127.0.0.1:1/nowhere")):
                    pass

    assert not any(_exists(pid) for pid in pids)


async def test_workers_that_die_at_once_are_not_waited_for(
    shared: socket.socket, settings: Settings, tmp_path: Path
) -> None:
    """A start that came to nothing is told instead of tried for ever."""
    with metrics.shared_directory(tmp_path / "figures"):
        async with workers_of(shared, tmp_path / "figures", processes=2) as workers:
            os.kill(workers.pids[1], signal.SIGKILL)
            with pytest.raises(StartError, match="ended with status -9"):
                async with workers.answering(settings):
                    pass

            # Before what they use is taken away from them.
            assert not any(_exists(pid) for pid in workers.pids)


async def test_workers_that_never_got_an_order_end(shared: socket.socket, tmp_path: Path) -> None:
    """Where the parent's own start fails, theirs has come to an end, too."""
    async with workers_of(shared, tmp_path / "figures", processes=2) as workers:
        pids = workers.pids

    assert not any(_exists(pid) for pid in pids)


def test_a_port_in_use_is_not_shared(shared: socket.socket) -> None:
    """Not even with somebody who shares it with others: two everpins would answer in turns."""
    host, port = shared.getsockname()
    with socket.socket() as listens:
        listens.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listens.bind((host, port))
        listens.listen()

        with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1 port {port}"):
            listening_socket(host, port, section="mirror", is_shared=True)


async def _status(shared: socket.socket) -> int:
    host, port = shared.getsockname()
    async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/readyz") as answer:
        return answer.status


async def _killed(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while _exists(pid):  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


async def _until_answered(shared: socket.socket) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            try:
                assert await _status(shared) == 200
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
            else:
                return


def _shown(pid: int) -> bytes:
    return b"".join(Path(f"/proc/{pid}/{what}").read_bytes() for what in ("cmdline", "environ"))


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
