"""What is kept before anybody asks for it, by an everpin as its users run it."""

from pathlib import Path

from tests.journeys.processes import Everpin, running, until
from tests.pypi_sim import PyPISim
from tests.watcher.houses import long_ago


async def test_a_file_that_nobody_ever_asked_for_outlives_its_deletion(pypi: PyPISim, reachable_tmp_path: Path) -> None:
    """With `keep.scope` "all", to have looked at the page is enough; one that is put up later is kept as well."""
    first = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.faults.forget_deleted = True
    command = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url, keep__scope="all")
    async with running(command) as everpin:
        await everpin.page("demo")
        await until(lambda: _fetched(pypi, first.filename))
        second = pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, days=199))
        await until(lambda: _fetched(pypi, second.filename))
        await until(lambda: _nothing_waits(everpin))
        for version in ("1.0", "2.0"):
            pypi.delete_release("demo", version)
        await until(lambda: _are_kept(everpin))

        answers = [await everpin.get(file.path) for file in (first, second)]

        assert [(answer.status, answer.body) for answer in answers] == [(200, first.content), (200, second.content)]
        assert [pypi.fetches(file.filename) for file in (first, second)] == [1, 1]


async def _fetched(pypi: PyPISim, filename: str) -> bool:
    return pypi.fetches(filename) > 0


async def _nothing_waits(everpin: Everpin) -> bool:
    return b"\neverpin_backlog_files 0.0\n" in (await everpin.get("/metrics")).body


async def _are_kept(everpin: Everpin) -> bool:
    listed = await everpin.listed("demo")
    return len(listed) == 2 and all("kept by this mirror" in str(yanked) for yanked in listed.values())
