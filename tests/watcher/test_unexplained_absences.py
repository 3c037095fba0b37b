"""What is gone from the index without a row of the journal: believed late, and told once."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mirror.catalog.database import Catalog
from mirror.confirm import Confirmed
from mirror.refresh import Refreshed
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, house_of, long_ago
from tests.watcher.missing import NAME, NEW, OLD, disappeared, judged, known, last_told, later, look

Accident = Callable[[PyPISim], None]

GLITCHES: dict[str, Accident] = {
    "no files": lambda pypi: pypi.faults.page("demo", "no-files"),
    "404": lambda pypi: pypi.faults.page("demo", "404"),
}
FAILURES: dict[str, Accident] = {
    "503": lambda pypi: pypi.faults.page("demo", "503html"),
    "no body": lambda pypi: pypi.faults.page("demo", "empty"),
    "half a page": lambda pypi: pypi.faults.page("demo", "truncated"),
    "a broken connection": lambda pypi: pypi.faults.page("demo", "reset"),
}


async def test_two_observations_tell_it_once(house: House, pypi: PyPISim) -> None:
    """With everything that a deletion tells, but that nobody says why; then nothing more."""
    await known(house, "1.0", "1.1")
    pypi.vanish_release("demo", "1.1")

    await look(house)
    assert await house.kinds() == []
    for _ in range(3):
        await later(house, minutes=6)

    assert await house.kinds() == ["disappeared demo 1.1"]
    (told,) = await house.payloads()
    assert told.files is not None
    assert [(file.filename, file.state) for file in told.files] == [(NEW, "kept")]
    assert (told.serial, told.upstream_time, told.evidence, told.supersedes) == (None, None, "index", None)
    assert (told.remaining_releases, told.latest_remaining, told.was_latest, told.was_yanked) == (1, "1.0", True, False)


async def test_it_goes_on_for_exact_pins_and_says_so(house: House, pypi: PyPISim) -> None:
    """Page and file go on, and both say what is known; installers without a pin take another version."""
    await disappeared(house)
    day = pypi.now().date()
    text = f"missing upstream since {day}, unexplained; kept by this mirror"

    async def says_so() -> bool:
        return await house.listed("demo") == {OLD: False, NEW: text}

    await eventually(says_so)
    async with house.http.get(await house.url("demo", NEW)) as answer:
        assert (answer.status, answer.headers["X-Everpin-State"]) == (200, "kept")


@pytest.mark.parametrize("glitch", GLITCHES)
async def test_a_glitch_tells_and_changes_nothing(house: House, pypi: PyPISim, glitch: str) -> None:
    """What is back at the second look was never gone, however often that happens."""
    await known(house, "1.0", "1.1")
    before = await house.listed("demo")
    for _ in range(3):
        GLITCHES[glitch](pypi)
        await look(house)
        assert await house.listed("demo") == before
        pypi.faults.page("demo", None)
        await later(house, minutes=6)
        await later(house, minutes=6)

    assert await house.listed("demo") == before
    assert set((await house.states("demo")).values()) == {"live"}
    assert await house.kinds() == []
    assert all(file.missing_seen is None and file.listed_at is None for file in (await house.memory("demo")).files)


@pytest.mark.parametrize("failure", FAILURES)
async def test_what_is_no_answer_is_no_second_observation(house: House, pypi: PyPISim, failure: str) -> None:
    """After one absence upstream fails for hours: nothing is believed until it answers."""
    await known(house, "1.0", "1.1")
    pypi.vanish_release("demo", "1.1")
    await look(house)
    FAILURES[failure](pypi)
    for _ in range(4):
        await later(house, hours=1)
    assert await house.kinds() == []
    pypi.faults.page("demo", None)

    await later(house, hours=1)

    assert await house.kinds() == ["disappeared demo 1.1"]


async def known_with_an_old_copy(house: House) -> None:
    """Two releases; one place of the CDN, to which nobody is sent at present, has the page of the first alone."""
    await known(house, "1.0")
    cdn = house.pypi.cdn
    cdn.enabled = True
    await look(house)
    cdn.hold_purges()
    cdn.enabled = False
    house.pypi.upload("demo", "1.1", uploaded_at=long_ago(house.pypi, days=200))
    await house.watch()
    assert set(await house.states("demo")) == {OLD, NEW}


async def test_a_page_of_an_older_serial_is_no_observation(house: House, pypi: PyPISim) -> None:
    """It lacks the newer release, which proves nothing however often it is shown."""
    await known_with_an_old_copy(house)
    pypi.cdn.enabled = True

    for _ in range(3):
        assert await house.refresher.refresh(NAME) is Refreshed.STALE
        await later(house, minutes=6)

    assert set((await house.states("demo")).values()) == {"live"}
    assert await house.kinds() == []


async def test_the_same_page_again_is_a_second_observation(house: House, pypi: PyPISim) -> None:
    """304: the page is the one that lacks the file."""
    await known(house, "1.0", "1.1")
    pypi.vanish_release("demo", "1.1")
    await look(house)
    (missing,) = (await house.memory("demo")).files[1:]

    assert await house.refresher.refresh(NAME) is Refreshed.SAME
    await later(house, minutes=6)

    assert missing.missing_since is not None
    assert await house.kinds() == ["disappeared demo 1.1"]


async def test_a_project_that_is_gone_is_one_event(house: House, pypi: PyPISim) -> None:
    """404 at both looks: all its files in one event, all of them kept."""
    await known(house, "1.0", "1.1")
    pypi.vanish_project("demo")
    await look(house)

    await later(house, minutes=6)

    assert await house.kinds() == ["disappeared demo"]
    told = await last_told(house)
    assert told.files is not None
    assert {file.filename for file in told.files} == {OLD, NEW}
    assert (told.remaining_releases, told.latest_remaining, told.was_latest) == (0, None, True)
    assert set((await house.states("demo")).values()) == {"kept"}


async def test_the_last_release_takes_the_project_with_it(house: House, pypi: PyPISim) -> None:
    """A page that lists nothing any more is about the project, though there still is one."""
    await known(house, "1.1")
    pypi.vanish_release("demo", "1.1")
    await look(house)

    await later(house, minutes=6)

    assert await house.kinds() == ["disappeared demo"]


async def test_a_lone_mirror_confirms_by_itself(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Nobody watches the journal or works off the queue of pages: the second look is taken all the same."""
    async with house_of(pypi, catalog, tmp_path) as house:
        for version in ("1.0", "1.1"):
            pypi.upload("demo", version, uploaded_at=long_ago(pypi, days=200))
        await house.listed("demo")
        await house.get(await house.url("demo", NEW))
        pypi.vanish_release("demo", "1.1")
        pypi.advance(timedelta(minutes=10))
        await look(house)

        pypi.advance(timedelta(minutes=4))
        early = await house.confirm()
        pypi.advance(timedelta(minutes=1))
        due = await house.confirm()
        pypi.advance(timedelta(days=3))

        assert (early, due) == (Confirmed(looked=0, believed=0), Confirmed(looked=1, believed=1))
        assert await house.kinds() == ["disappeared demo 1.1"]
        assert await judged(house) == {OLD: "live", NEW: "kept"}


async def test_a_look_that_failed_is_taken_again_more_and_more_patiently(house: House, pypi: PyPISim) -> None:
    """By a lone mirror as by a watcher, and not at every tick."""
    await known(house, "1.0", "1.1")
    pypi.vanish_release("demo", "1.1")
    await look(house)
    pypi.faults.page("demo", "503html")
    pypi.advance(timedelta(minutes=5))

    looked = []
    for _ in range(60):
        looked.append((await house.confirm()).looked)
        pypi.advance(timedelta(seconds=1))

    assert looked[0] == 1
    assert 4 <= sum(looked) <= 8
    pypi.faults.page("demo", None)
    pypi.advance(timedelta(minutes=2))
    await house.poll()
    assert await house.confirm() == Confirmed(looked=1, believed=1)


async def test_a_look_that_brought_an_old_page_is_taken_again(house: House, pypi: PyPISim) -> None:
    """By whoever works off the queue: an old copy says nothing of what is missing, so the page stays wanted."""
    await known_with_an_old_copy(house)
    pypi.vanish_release("demo", "1.1")
    await look(house)
    pypi.cdn.enabled = True

    for _ in range(3):
        await later(house, minutes=6)
        pypi.advance(timedelta(minutes=1))
        await house.refresh()
        assert (await house.memory("demo")).project.refresh_at is not None
    pypi.cdn.clear()
    await later(house, minutes=6)

    assert await house.kinds() == ["disappeared demo 1.1"]


async def test_a_lost_purge_brings_nothing_back(house: House, pypi: PyPISim) -> None:
    """A removal that was read is believed against the old page that a CDN goes on showing."""
    await known(house, "1.0", "1.1")
    pypi.cdn.enabled = True
    await look(house)
    pypi.cdn.lose_purge("demo")
    pypi.delete_release("demo", "1.1")

    for _ in range(4):
        await later(house, minutes=6)
        await look(house)

    assert await house.kinds() == ["release.deleted demo 1.1"]
    assert await house.states("demo") == {OLD: "live", NEW: "kept"}
