"""The same bytes in two lives of a name."""

from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago


async def test_bytes_kept_for_one_life_are_kept_for_the_other(house: House, pypi: PyPISim) -> None:
    """A file that came back and was fetched is kept for the life in which it had been lost, too."""
    old = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.page("demo")
    pypi.faults.files_down = "503html"
    pypi.delete_project("demo")
    await house.watch()
    pypi.register("demo", user="bob")
    pypi.restore_file("demo", old)
    await house.poll()
    await house.refresh()
    before = [file.stored_at is not None for file in (await house.memory("demo")).files]
    pypi.faults.files_down = None

    status, _ = await house.get(await house.url("demo", old.filename))

    after = [file.stored_at is not None for file in (await house.memory("demo")).files]
    assert (status, before, after) == (200, [False, False], [True, True])
