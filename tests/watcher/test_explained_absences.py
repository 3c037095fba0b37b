"""What is missing from the index: explained by a row or a quarantine that comes late, or taken back by a page."""

from datetime import timedelta
from pathlib import Path

from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago
from tests.watcher.missing import NEW, OLD, disappeared, known, last_told, later, look, unread


async def test_a_row_between_the_observations_explains_it(house: House, pypi: PyPISim) -> None:
    """The page was quicker than the journal: one event, of the deletion, with both as evidence."""
    await known(house, "1.0", "1.1")
    (row,) = pypi.delete_release("demo", "1.1")
    await look(house)

    for _ in range(3):
        await later(house, minutes=6)

    assert await house.kinds() == ["release.deleted demo 1.1"]
    told = await last_told(house)
    assert (told.serial, told.evidence, told.supersedes) == (row.serial, "both", None)


async def test_a_row_that_comes_late_supersedes_it(house: House, pypi: PyPISim) -> None:
    """Then it is told as any deletion; states and reasons are those of one."""
    pypi.faults.xmlrpc = "503html"
    await known(house, "1.0", "1.1")
    (row,) = pypi.delete_release("demo", "1.1")
    await look(house)
    await unread(house)
    assert await house.kinds() == ["disappeared demo 1.1"]
    (first,) = await house.events()
    pypi.faults.xmlrpc = None

    await house.watch()

    assert await house.kinds() == ["disappeared demo 1.1", "release.deleted demo 1.1"]
    told = await last_told(house)
    assert (told.supersedes, told.evidence, told.serial, told.was_latest) == (first.id, "both", row.serial, True)
    file = {file.filename: file for file in (await house.memory("demo")).files}[NEW]
    assert file.departed is not None
    assert (file.disappeared_at, file.missing_since, file.state) == (None, None, "kept")


async def test_a_page_that_lists_it_again_takes_it_back(house: House, pypi: PyPISim) -> None:
    """The same bytes under the same name: live as before, told as restored, and able to disappear again."""
    await known(house, "1.0", "1.1")
    living = pypi.project("demo")
    release = living.releases["1.1"]
    pypi.vanish_release("demo", "1.1")
    await look(house)
    await later(house, minutes=6)
    (first,) = await house.events()
    living.releases["1.1"] = release

    await look(house)

    assert await house.kinds() == ["disappeared demo 1.1", "restored demo 1.1"]
    told = await last_told(house)
    assert (told.supersedes, told.evidence) == (first.id, "index")
    assert set((await house.states("demo")).values()) == {"live"}

    pypi.vanish_release("demo", "1.1")
    await look(house)
    await later(house, minutes=6)

    assert (await house.kinds())[2:] == ["disappeared demo 1.1"]


async def test_a_quarantine_explains_an_empty_page(house: House, pypi: PyPISim) -> None:
    """Nothing disappears, however long it lasts and whether the journal can be read or not."""
    await known(house, "1.0", "1.1")
    pypi.faults.xmlrpc = "503html"
    pypi.quarantine_project("demo")
    await look(house)
    for _ in range(3):
        pypi.advance(timedelta(minutes=6))
        await look(house)
        await house.confirm()
    pypi.faults.xmlrpc = None
    await later(house, minutes=6)
    pypi.clear_project_quarantine("demo")

    await later(house, minutes=6)
    await later(house, minutes=6)

    assert await house.kinds() == ["project.quarantined demo", "project.quarantine_cleared demo"]
    assert set((await house.states("demo")).values()) == {"live"}


async def test_a_quarantine_that_is_read_late_supersedes_it(house: House, pypi: PyPISim) -> None:
    """The release was only hidden: blocked now, and live again when that is over."""
    await known(house, "1.0", "1.1")
    pypi.faults.xmlrpc = "503html"
    pypi.quarantine_release("demo", "1.1")
    await look(house)
    await unread(house)
    (first,) = await house.events()
    assert await house.kinds() == ["disappeared demo 1.1"]
    pypi.faults.xmlrpc = None

    await house.watch()

    told = await last_told(house)
    assert (told.kind, told.supersedes, told.evidence) == ("release.quarantined", first.id, "both")
    assert await house.states("demo") == {OLD: "live", NEW: "blocked quarantine"}

    pypi.clear_release_quarantine("demo", "1.1")
    for _ in range(3):
        await later(house, minutes=6)

    assert await house.states("demo") == {OLD: "live", NEW: "live"}
    assert (await house.kinds())[2:] == ["release.quarantine_cleared demo 1.1"]


async def test_a_restart_waits_for_the_journal(house: House, pypi: PyPISim, tmp_path: Path) -> None:
    """Everpin was down when the row was written: it is read before the page's absence is believed."""
    await known(house, "1.0", "1.1")
    pypi.delete_release("demo", "1.1")
    await look(house)
    pypi.advance(timedelta(days=1))
    async with house_of(pypi, house.catalog, tmp_path / "again") as again:
        await again.confirm()
        assert await again.kinds() == []
        await again.watch()
        await again.confirm()

        assert await again.kinds() == ["release.deleted demo 1.1"]


async def test_another_life_after_an_unexplained_end(house: House, pypi: PyPISim) -> None:
    """404 for long, then a page of which nothing is known: others may have the name. Rows that come late fit in."""
    await known(house, "1.0", "1.1")
    pypi.faults.xmlrpc = "503html"
    (row,) = pypi.delete_project("demo")
    await look(house)
    await unread(house)
    (first,) = await house.events()
    pypi.upload("demo", "2.0", user="mallory")
    await look(house)

    assert await house.kinds() == ["disappeared demo", "project.reregistered demo"]
    assert (await last_told(house)).evidence == "index"
    newcomer = "demo-2.0-py3-none-any.whl"
    expected = {OLD: "kept", NEW: "kept", newcomer: "held stranger"}
    assert await house.states("demo") == expected
    pypi.faults.xmlrpc = None
    for _ in range(3):
        await later(house, minutes=6)

    assert (await house.kinds())[2:] == ["project.deleted demo"]
    told = await last_told(house)
    assert told.files is not None
    assert (told.supersedes, told.serial, told.evidence, told.incarnation) == (first.id, row.serial, "both", 1)
    assert {file.filename for file in told.files} == {OLD, NEW}
    assert await house.states("demo") == expected
    assert (await house.memory("demo")).project.incarnation == 2


async def test_a_project_that_is_back_with_known_files_lives_on(house: House, pypi: PyPISim) -> None:
    """It was away and is back: the same life, its files restored in one event, new ones as good as ever."""
    await known(house, "1.0", "1.1")
    living = pypi.project("demo")
    pypi.vanish_project("demo")
    await look(house)
    await later(house, minutes=6)
    (first,) = await house.events()
    pypi.projects["demo"] = living
    pypi.upload("demo", "1.2", uploaded_at=long_ago(pypi, days=100))

    await house.watch()

    assert await house.kinds() == ["disappeared demo", "restored demo"]
    assert (await last_told(house)).supersedes == first.id
    assert set((await house.states("demo")).values()) == {"live"}
    assert (await house.memory("demo")).project.incarnation == 1


async def test_other_bytes_under_the_name_are_replaced(house: House, pypi: PyPISim) -> None:
    """What disappeared keeps entry and address; the other file is held."""
    await disappeared(house)
    pypi.used_filenames.discard(NEW)
    pypi.upload("demo", "1.1", content=b"other")

    await house.watch()

    assert sorted((await house.memory("demo")).files, key=lambda file: file.incarnation)[1].state == "kept"
    assert (await house.kinds())[1:] == ["file.replaced demo 1.1"]
    assert [str(file.state) for file in (await house.memory("demo")).files] == ["live", "kept", "held"]
