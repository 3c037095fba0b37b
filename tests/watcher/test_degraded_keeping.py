"""Operators learn that keeping does not work as it should, though everything is served."""

from datetime import timedelta
from pathlib import Path

import pytest

from mirror.catalog import backlog, room
from mirror.catalog.backlog import Priority
from mirror.catalog.database import Catalog
from mirror.setting_sections import Keep
from mirror.setting_values import Scope
from mirror.store.directory import DirectoryStore
from tests.pypi_sim import File, PyPISim
from tests.watcher.departing import departed
from tests.watcher.houses import House, house_of, long_ago


async def degraded(house: House) -> set[str]:
    """What is said to be degraded of what has to do with keeping."""
    async with house.http.get("/readyz") as answer:
        assert answer.status == 200
        said = await answer.json(content_type=None)
    return set(said["degraded"]) & {"keeper", "quota", "store"}


async def test_a_backlog_that_nobody_works_on_is_told(house: House, pypi: PyPISim) -> None:
    """After a quarter of an hour, and until somebody does."""
    await departed(house, "1.0")
    at_first = await degraded(house)
    pypi.advance(timedelta(minutes=16))
    later = await degraded(house)
    await house.keeper.work_off()

    assert (at_first, later) == (set(), {"keeper"})
    assert await degraded(house) == set()


async def test_a_disk_without_room_is_told_and_left_to_what_departs(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """A minute later the rest is tried again; serving goes on all the time."""
    large, small = (pypi.upload("demo", v, uploaded_at=long_ago(pypi, days=200)) for v in ("1.0", "2.0"))
    async with house_of(pypi, catalog, tmp_path, keep=Keep(scope=Scope.ALL, max_file_size=2**60)) as house:
        await house.poll()
        (gone,) = await departed(house, "1.0", name="other")
        async with catalog.writing() as conn:
            await conn.execute("delete from backlog where priority > 0")
        await house.page("demo")
        async with catalog.writing() as conn:
            # More than any disk has.
            await conn.execute("update files set size = $1 where filename = $2", 2**55, large.filename)
            await conn.execute("delete from backlog using files where id = file and filename = $1", small.filename)
        await house.keeper.work_off()
        at_first = await degraded(house)
        await _want(house, small)
        await house.keeper.work_off()
        meanwhile = pypi.fetches(small.filename)
        pypi.advance(timedelta(minutes=1, seconds=1))
        await house.keeper.work_off()

        assert (await house.states("other"))[gone] == "kept"
        assert at_first == {"store"}
        assert meanwhile == 0
        assert pypi.fetches(small.filename) == 1
        assert pypi.fetches(large.filename) == 0


async def test_a_store_with_two_troubles_is_told_once(
    house: House, pypi: PyPISim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full, and not to be trusted with what it holds."""
    monkeypatch.setattr(DirectoryStore, "warnings", ("rule 7 of the bucket deletes objects",))
    async with house.catalog.writing() as conn:
        await room.note_full(conn, now=pypi.now())

    async with house.http.get("/readyz") as answer:
        said = await answer.json(content_type=None)

    assert said["degraded"].count("store") == 1


async def _want(house: House, file: File) -> None:
    async with house.catalog.writing() as conn:
        found = await conn.fetchval("select id from files where filename = $1", file.filename)
        await backlog.add(conn, [found], Priority.NEW, now=house.pypi.now())
