"""Projects that nobody asked for: wanted by what the journal or the list names, asked for until they are known."""

from datetime import timedelta
from pathlib import Path

import pytest

from mirror.catalog import projects, wanted
from mirror.catalog.database import Catalog
from mirror.catalog.wanted import FIRST_WAIT, LONGEST_WAIT, Reason
from mirror.names import ProjectName
from mirror.setting_sections import Watcher
from mirror.setting_values import Inventory
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago
from tests.watcher.test_polling_journal import broken
from watcher.looking import MOST_A_TICK

TOUCHED, ALL = Watcher(inventory=Inventory.TOUCHED), Watcher(inventory=Inventory.ALL)


async def left(house: House) -> dict[str, int]:
    """Who is wanted, with the reason."""
    async with house.catalog.reading() as conn:
        found = await conn.fetch("select name, priority from wanted_projects order by name")
    return {record["name"]: record["priority"] for record in found}


async def is_known(house: House, name: str) -> bool:
    """Whether the project's page was observed."""
    async with house.catalog.reading() as conn:
        return await projects.find(conn, ProjectName(name)) is not None


def upload(pypi: PyPISim, *names: str) -> None:
    """One release of each."""
    for name in names:
        pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))


def asked(pypi: PyPISim, name: str) -> int:
    """How often upstream was asked for the page."""
    return pypi.count(kind="page", path=f"/simple/{name}/")


async def test_by_default_nobody_is_asked_about_who_nobody_asked_for(house: House, pypi: PyPISim) -> None:
    """A mirror for some does not look at all of PyPI."""
    upload(pypi, "demo", "other")
    await house.watch()

    assert await left(house) == {}
    assert await house.look_at_unasked() == 0
    assert pypi.count(kind="page") == 0


async def test_every_project_that_a_row_names_is_observed(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """But for removals: what is gone cannot be observed; a later deletion then names the files."""
    upload(pypi, "old", "halved", "before")
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        await house.poll()
        await house.page("before")
        upload(pypi, "Demo.Project", "gone")
        pypi.yank("old", "1.0")
        pypi.delete_release("halved", "1.0")
        pypi.delete_project("gone")
        pypi.upload("before", "2.0", uploaded_at=long_ago(pypi, days=100))
        await house.poll()
        wanted_then = await left(house)

        assert await house.look_at_unasked() == 2

        assert wanted_then == {"demo-project": Reason.TOUCHED, "old": Reason.TOUCHED}
        assert await left(house) == {}
        assert await is_known(house, "demo-project")
        assert (asked(pypi, "halved"), asked(pypi, "gone")) == (0, 0)
        pypi.delete_release("Demo.Project", "1.0")
        await house.poll()
        (told,) = [payload for payload in await house.payloads() if payload.project == "demo-project"]
        assert told.files is not None
        assert [file.filename for file in told.files] == ["demo_project-1.0-py3-none-any.whl"]


async def test_who_is_wanted_stays_so_only_with_the_rows(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """What is wanted is noted in the transaction that moves the cursor: either both or none."""
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        await house.poll()
        upload(pypi, "demo")
        async with broken(house, "wanted_projects"):
            with pytest.raises(Exception, match="disk full"):
                await house.poll()
        assert await left(house) == {}

        await house.poll()

        assert await left(house) == {"demo": Reason.TOUCHED}


async def test_who_is_removed_meanwhile_is_wanted_no_more(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """A removal takes the name off the list."""
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        await house.poll()
        upload(pypi, "demo")
        await house.poll()
        pypi.delete_project("demo")
        await house.poll()

        assert await left(house) == {}


async def test_all_are_observed_in_the_end_by_whoever_goes_on(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """What is left to do outlives the process; each page is asked for once."""
    names = [f"demo{number}" for number in range(MOST_A_TICK + 5)]
    upload(pypi, *names)
    async with house_of(pypi, catalog, tmp_path, watcher=ALL) as house:
        await house.poll()
        await house.sweep()
        assert set(await left(house)) == set(names)

        assert await house.look_at_unasked() == MOST_A_TICK

        assert len(await left(house)) == 5
    async with house_of(pypi, catalog, tmp_path, watcher=ALL) as house:
        assert await house.look_at_unasked() == 5
        assert await house.look_at_unasked() == 0

        assert await left(house) == {}
        assert [asked(pypi, name) for name in names] == [1] * len(names)
        assert all([await is_known(house, name) for name in names])


async def test_who_is_in_the_news_comes_before_all_others(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """A row about one that only the list named makes it urgent."""
    names = [f"demo{number}" for number in range(MOST_A_TICK)]
    upload(pypi, "zeta", *names)
    async with house_of(pypi, catalog, tmp_path, watcher=ALL) as house:
        await house.poll()
        await house.sweep()
        pypi.advance(timedelta(minutes=1))
        pypi.yank("zeta", "1.0")
        await house.poll()

        await house.look_at_unasked()

        assert len(await left(house)) == 1
        assert await is_known(house, "zeta")


async def test_who_a_client_asked_for_is_wanted_no_more(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Once the page was observed, by whomever, the project is known."""
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        await house.poll()
        upload(pypi, "demo")
        await house.poll()
        await house.page("demo")

        assert await left(house) == {}


async def test_who_does_not_exist_is_dropped_after_some_tries(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """The first answer may come from before the project was made."""
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        await house.poll()
        upload(pypi, "demo")
        pypi.faults.page("demo", "404")
        await house.poll()

        tries = []
        for _ in range(4):
            tries.append(await house.look_at_unasked())
            pypi.advance(timedelta(minutes=5))

        assert tries == [1, 1, 1, 0]
        assert await left(house) == {}


async def test_failures_wait_longer_and_longer_and_do_not_end_it(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """While the index is down nobody is forgotten, and others are not kept waiting."""
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        await house.poll()
        upload(pypi, "bad", "demo")
        pypi.faults.page("bad", "503html")
        await house.poll()
        waits = []
        for _ in range(12):
            asked_at = pypi.now()
            assert await house.look_at_unasked() >= 1
            assert await house.look_at_unasked() == 0
            async with catalog.reading() as conn:
                due = await conn.fetchval("select due_at from wanted_projects where name = 'bad'")
            waits.append(round((due - asked_at) / FIRST_WAIT))
            pypi.advance(due - pypi.now())

        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
        assert round(LONGEST_WAIT / FIRST_WAIT) == 360
        assert await is_known(house, "demo")
        pypi.faults.page("bad", None)
        await house.look_at_unasked()
        assert await is_known(house, "bad")


async def test_a_smaller_inventory_leaves_the_rest_alone(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Who set `all` back to `touched` has only the touched ones asked for."""
    upload(pypi, "demo", "other")
    async with house_of(pypi, catalog, tmp_path, watcher=ALL) as house:
        await house.poll()
        await house.sweep()
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        pypi.yank("other", "1.0")
        await house.poll()

        assert await house.look_at_unasked() == 1

        assert await left(house) == {"demo": Reason.LISTED}
        async with catalog.reading() as conn:
            assert await wanted.count(conn) == 1


async def test_in_a_pause_of_the_index_nobody_is_asked_for(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """And no try is counted."""
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        await house.poll()
        upload(pypi, "demo")
        await house.poll()
        house.refresher.index.turns.heed(429, lambda name: ["30"] if name == "Retry-After" else [])

        assert await house.look_at_unasked() == 0

        pypi.advance(timedelta(seconds=30))
        assert await house.look_at_unasked() == 1
        assert await left(house) == {}


@pytest.mark.parametrize("name", ["", "user:mallory", "../pypi", "x/../../rss/updates.xml?a=b#", "a b"])
async def test_no_row_chooses_another_address_to_ask(
    name: str, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """What can be no project is not wanted, whatever the row says of it."""
    async with house_of(pypi, catalog, tmp_path, watcher=TOUCHED) as house:
        await house.poll()
        pypi.raw_row(name, "1.0", "new release")
        await house.poll()

        assert await left(house) == {}
        assert await house.look_at_unasked() == 0
