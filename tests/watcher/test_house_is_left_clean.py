"""What is left of an everpin in its own process when it ends: nothing."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mirror.catalog.database import Catalog, Connection
from mirror.catalog.notices import NoticesLost
from mirror.errors import CatalogUnavailableError
from mirror.index.negotiate import ContentType
from mirror.names import ProjectName
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago, until

_LARGE = 2_000_000


class FailingCatalog(Catalog):
    """A catalog that fails everybody who reads, as soon as `fails` is set; they wait for that."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog._pool, catalog.url)
        self.fails: asyncio.Event | None = None
        self.waiting = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """As `Catalog.reading`, unless it shall fail."""
        if self.fails is not None:
            self.waiting += 1
            await self.fails.wait()
            raise CatalogUnavailableError("the database failed")
        async with super().reading() as conn:
            yield conn


async def test_a_house_that_closes_leaves_neither_tasks_nor_sessions(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Also when it closes while clients wait: for a page, for the rest of a file, and for one that nobody asked for."""
    async with house_of(pypi, catalog, tmp_path, upstream_timeout=timedelta(seconds=30)) as house:
        await house.vouched()
        await _lived(house)
        waiting = await _crowded(house)
    await asyncio.gather(*waiting, return_exceptions=True)
    await pypi.stop()

    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()
    sessions = [each for each in gc.get_objects() if issubclass(type(each), aiohttp.ClientSession)]
    assert [session for session in sessions if not session.closed] == []
    assert _unfinished(tmp_path) == []


async def test_a_look_at_the_catalog_that_fails_for_nobody_is_not_told_by_the_loop(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """The database breaks while a page is looked up, and the client who wanted it has gone."""
    told: list[str] = []
    failing = FailingCatalog(catalog)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(_message(context)))
    async with house_of(pypi, failing, tmp_path) as house:
        await house.vouched()
        failing.fails = asyncio.Event()
        asking = asyncio.create_task(house.pages.get(ProjectName("demo"), ContentType.V1_JSON))
        await until(lambda: failing.waiting == 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        house.pages.heard(NoticesLost())
        (load,) = [task for task in asyncio.all_tasks() if task.get_name() == "load demo"]
        failing.fails.set()
        await asyncio.wait({load})
        failing.fails = None
        # The loop tells of failures that nobody looked at when their tasks are forgotten.
        del asking, load
        gc.collect()

    assert told == []


async def test_of_files_that_fail_at_once_no_failure_is_overlooked(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """The database breaks while several files are kept: the round ends with one failure and has looked at each."""
    failing = FailingCatalog(catalog)
    async with house_of(pypi, failing, tmp_path) as house:
        for version in ("1.0", "1.1"):
            pypi.upload("demo", version, uploaded_at=long_ago(pypi, days=200))
        await house.poll()
        await house.page("demo")
        pypi.delete_project("demo")
        await house.poll()
        failing.fails = asyncio.Event()
        keeping = asyncio.create_task(house.keeper.work_off())
        await until(lambda: failing.waiting == 2)
        tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("keep file")]
        failing.fails.set()
        with pytest.raises(CatalogUnavailableError):
            await keeping
        failing.fails = None

    # What asyncio itself asks before it tells of a failure that was never retrieved.
    assert [task._log_traceback for task in tasks] == [False, False]


async def _lived(house: House) -> None:
    """Pages and files were asked for, and something was deleted and rescued."""
    pypi = house.pypi
    for version in ("1.0", "1.1"):
        pypi.upload("demo", version, uploaded_at=long_ago(pypi, days=200), payload_size=_LARGE)
    await house.get(await house.url("demo", "demo-1.0-py3-none-any.whl"))
    pypi.delete_release("demo", "1.1")
    await house.watch()
    assert "rescued demo 1.1" in await house.kinds()


async def _crowded(house: House) -> list["asyncio.Task[Any]"]:
    """Clients who wait when the house closes."""
    pypi = house.pypi
    held = pypi.upload("held", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=_LARGE)
    rescued = pypi.upload("held", "1.1", uploaded_at=long_ago(pypi, days=200), payload_size=_LARGE)
    address = await house.url("held", held.filename)
    for file in (held, rescued):
        pypi.faults.hold(file.filename, after=_LARGE // 2)
    pypi.faults.page("hanging", "hang")
    pypi.delete_release("held", "1.1")
    await house.poll()
    waiting = [house.get(address), house.get("/simple/hanging/"), house.keeper.work_off()]
    tasks = [asyncio.create_task(each) for each in waiting]
    await pypi.until(kind="page", path="hanging")
    await pypi.until(kind="file", path=held.filename)
    await pypi.until(kind="file", path=rescued.filename)
    return tasks


def _unfinished(directory: Path) -> list[Path]:
    return list(directory.rglob("*.part"))


def _message(context: dict[str, Any]) -> str:
    return str(context["message"])
