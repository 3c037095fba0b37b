"""The queue of pages that upstream must be asked for again: patient with old answers, and fair."""

from datetime import timedelta
from typing import Literal

import pytest

from mirror.refresh import next_try
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago
from tests.watcher.test_polling_journal import broken

SIMPLE = {"Accept": "application/vnd.pypi.simple.v1+json", "Accept-Encoding": "gzip"}


async def known(house: House, *names: str) -> None:
    """Projects with one release, already seen."""
    for name in names:
        house.pypi.upload(name, "1.0", uploaded_at=long_ago(house.pypi, days=200))
    await house.watch()
    for name in names:
        await house.page(name)


def asked(pypi: PyPISim, name: str = "demo") -> int:
    """How often upstream was asked for the page."""
    return pypi.count(kind="page", path=f"/simple/{name}/")


async def wait_for_turn(house: House, name: str = "demo") -> bool:
    """Lets the time pass until the page's next turn and takes it; False where none is left."""
    due = (await house.memory(name)).project.refresh_at
    if due is None:
        return False
    house.pypi.advance(max(due - house.pypi.now(), timedelta(0)))
    await house.refresh()
    return True


async def test_a_new_release_is_on_our_page_after_one_turn(house: House, pypi: PyPISim) -> None:
    """The row makes the page wanted, the next turn fetches it, and then it is wanted no more."""
    await known(house, "demo")
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))

    await house.poll()
    await house.refresh()

    project = (await house.memory("demo")).project
    assert len(await house.states("demo")) == 2
    assert (project.wanted_serial, project.refresh_at, project.attempts) == (None, None, 0)
    count = asked(pypi)
    await house.refresh()
    assert asked(pypi) == count


async def test_a_page_that_a_cdn_keeps_old_is_asked_for_until_it_is_new(house: House, pypi: PyPISim) -> None:
    """A lost purge: the old page comes again and again, each time later; when the CDN lets go, the new one counts."""
    pypi.cdn.enabled = True
    await known(house, "demo")
    pypi.cdn.lose_purge("demo")
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    waits: list[int] = []
    for _ in range(6):
        assert await wait_for_turn(house)
        project = (await house.memory("demo")).project
        assert project.refresh_at is not None
        waits.append(round((project.refresh_at - pypi.now()).total_seconds()))
    turns = asked(pypi)
    await house.refresh()
    not_its_turn = asked(pypi)
    pypi.cdn.clear()

    assert await wait_for_turn(house)

    assert waits == [1, 2, 4, 8, 16, 32]
    assert not_its_turn == turns
    assert len(await house.states("demo")) == 2
    assert (await house.memory("demo")).project.refresh_at is None


async def test_patience_ends_after_a_day_not_before(house: House, pypi: PyPISim) -> None:
    """A purge can be lost, and a CDN then keeps its copy for a day: only after that it is given up."""
    await known(house, "demo")
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))
    pypi.faults.page("demo", "503html")
    await house.poll()
    began = pypi.now()

    while await wait_for_turn(house):
        pass

    assert pypi.now() - began >= timedelta(hours=24)
    assert asked(pypi) < 100


def test_tries_come_quickly_at_first_and_slowly_for_a_day() -> None:
    """Ten minutes of 1, 2, 4 … 60 seconds, then every half hour."""
    waits: list[timedelta] = []
    while (wait := next_try(len(waits))) is not None:
        waits.append(wait)

    assert [wait.total_seconds() for wait in waits[:8]] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert set(waits[20:]) == {timedelta(minutes=30)}
    assert timedelta(hours=24) < sum(waits, timedelta(0)) < timedelta(hours=27)


@pytest.mark.parametrize("fault", ["503html", "garbage", "hang", "404"])
async def test_one_broken_project_delays_no_other(
    house: House, pypi: PyPISim, fault: Literal["503html", "garbage", "hang", "404"]
) -> None:
    """In the round in which its page cannot be had, all others get theirs; and it keeps its place in the queue."""
    await known(house, "bad", "demo1", "demo2", "demo3")
    for name in ("bad", "demo1", "demo2", "demo3"):
        pypi.upload(name, "1.1", uploaded_at=long_ago(pypi, days=200))
    pypi.faults.page("bad", fault)
    await house.poll()

    await house.refresh()

    assert [len(await house.states(f"demo{number}")) for number in (1, 2, 3)] == [2, 2, 2]
    waiting = (await house.memory("bad")).project
    assert waiting.refresh_at is not None
    assert waiting.refresh_at > pypi.now() - timedelta(seconds=4)
    pypi.faults.page("bad", None)
    assert await wait_for_turn(house, "bad")
    assert len(await house.states("bad")) == 2


async def test_one_project_that_cannot_be_stored_delays_no_other(house: House, pypi: PyPISim) -> None:
    """Where the database refuses what is observed of one project, the rest of the round is done and noted."""
    await known(house, "bad", "demo")
    for name in ("bad", "demo"):
        pypi.upload(name, "1.1", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    async with broken(house, "files", condition="new.filename like 'bad-%'"):
        await house.refresh()
        await house.refresh()

        assert len(await house.states("demo")) == 2
        assert asked(pypi, "demo") == 2
        assert (await house.memory("bad")).project.refresh_at is not None

    assert await wait_for_turn(house, "bad")
    assert len(await house.states("bad")) == 2


async def test_a_row_that_comes_during_a_turn_is_not_forgotten(house: House, pypi: PyPISim) -> None:
    """The page that was asked for before the row is older than it: the queue keeps asking."""
    await known(house, "demo")
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    pypi.cdn.enabled = True
    async with house.http.session.get(f"{pypi.index_url}demo/", headers=SIMPLE) as answer:
        assert answer.status == 200
    pypi.cdn.lose_purge("demo")
    pypi.upload("demo", "1.2", uploaded_at=long_ago(pypi, days=200))
    await house.poll()

    await house.refresh()

    assert len(await house.states("demo")) == 2
    assert (await house.memory("demo")).project.refresh_at is not None
    pypi.cdn.clear()
    assert await wait_for_turn(house)
    assert len(await house.states("demo")) == 3


async def test_rows_about_roles_want_no_page(house: House, pypi: PyPISim) -> None:
    """Who owns a project is not on its page."""
    await known(house, "demo")
    pypi.add_role("demo", "bob")
    pypi.invite("demo", "carol")

    await house.poll()

    assert (await house.memory("demo")).project.refresh_at is None
