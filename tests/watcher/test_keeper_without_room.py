"""What cannot be written for lack of room is no fault of upstream's, and costs no file."""

from datetime import timedelta

from tests.pypi_sim import PyPISim
from tests.watcher.departing import departed
from tests.watcher.houses import House


async def _no_room(house: House, *, tries: int, every: timedelta) -> None:
    """So many tries fail because nothing can be written; then there is room again."""
    spool_dir = house.settings.spool_dir
    spool_dir.rmdir()
    spool_dir.write_text("a file where a directory should be")
    for _ in range(tries):
        await house.keeper.work_off()
        house.pypi.advance(every)
    await house.keeper.work_off()
    spool_dir.unlink()


async def test_a_disk_that_was_full_for_hours_costs_no_hour_more(house: House, pypi: PyPISim) -> None:
    """What cannot be written is no fault of upstream's: a minute after there is room the file is kept, never lost."""
    (filename,) = await departed(house, "1.0")
    await _no_room(house, tries=12, every=timedelta(hours=1))
    before = (pypi.fetches(filename), (await house.states("demo"))[filename])
    pypi.advance(timedelta(minutes=1))

    await house.keeper.work_off()

    assert before == (0, "held rescue")
    assert (await house.states("demo"))[filename] == "kept"


async def test_after_a_full_disk_upstream_is_asked_as_often_as_ever(house: House, pypi: PyPISim) -> None:
    """However often there was no room: what upstream does not have at one moment is not lost for that."""
    (filename,) = await departed(house, "1.0")
    await _no_room(house, tries=70, every=timedelta(minutes=1))
    pypi.faults.forget_file(filename)
    pypi.advance(timedelta(minutes=1))
    await house.keeper.work_off()
    at_the_first_denial = (pypi.fetches(filename), (await house.states("demo"))[filename])
    pypi.faults.remember_file(filename)
    pypi.advance(timedelta(minutes=1))

    await house.keeper.work_off()

    assert at_the_first_denial == (1, "held rescue")
    assert (await house.states("demo"))[filename] == "kept"
