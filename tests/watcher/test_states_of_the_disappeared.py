"""What may be done with files that disappeared: kept, rescued or held, by what the journal covers and by the rules."""

from datetime import timedelta
from pathlib import Path

import pytest

from mirror.catalog.database import Catalog
from mirror.setting_sections import Safety
from mirror.setting_values import Unexplained
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago
from tests.watcher.missing import NAME, NEW, OLD, disappeared, judged, known, later, look, unread
from watcher.explanation import explanation


async def test_missing_bytes_are_rescued(house: House, pypi: PyPISim) -> None:
    """Fetched as soon as the disappearance is believed, as for what a row took away."""
    await known(house, "1.0", "1.1", kept=False)
    pypi.vanish_release("demo", "1.1")
    await look(house)

    await later(house, minutes=6)
    assert await house.states("demo") == {OLD: "live", NEW: "held rescue"}
    await house.keeper.work_off()

    assert await house.states("demo") == {OLD: "live", NEW: "kept"}
    assert await house.kinds() == ["disappeared demo 1.1", "rescued demo 1.1"]


async def test_a_young_file_is_held_when_it_disappears(house: House, pypi: PyPISim) -> None:
    """Nobody explains anything, but it is too young in any case."""
    await known(house, "1.0")
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, hours=3))
    await house.watch()
    pypi.vanish_release("demo", "1.1")
    await look(house)

    await later(house, minutes=6)

    assert await house.states("demo") == {OLD: "live", NEW: "held young"}


async def test_a_new_file_of_a_version_that_disappeared_is_a_stranger(house: House, pypi: PyPISim) -> None:
    """The version would be other bytes: held, as after a deletion."""
    await disappeared(house)
    pypi.upload("demo", "1.1", kind="sdist")

    await house.watch()

    assert await house.states("demo") == {OLD: "live", NEW: "kept", "demo-1.1.tar.gz": "held stranger"}


async def test_a_journal_that_says_nothing_for_a_day_makes_it_doubtful(house: House, pypi: PyPISim) -> None:
    """Kept at first; held when a journal has covered the time for a day and has no row."""
    await disappeared(house)
    pypi.advance(timedelta(hours=23))
    await house.poll()
    assert await judged(house) == {OLD: "live", NEW: "kept"}

    pypi.advance(timedelta(hours=2))
    await house.poll()
    await judged(house)
    pypi.advance(timedelta(hours=1))
    await house.poll()

    assert await judged(house) == {OLD: "live", NEW: "held unexplained"}
    status, body = await house.get(f"/packages/{_path(pypi, NEW)}")
    assert status == 403
    assert b"missing upstream since" in body


async def test_without_a_journal_it_is_kept(house: House, pypi: PyPISim) -> None:
    """A journal that cannot be read says nothing either way."""
    pypi.faults.xmlrpc = "503html"
    await known(house, "1.0", "1.1")
    pypi.vanish_release("demo", "1.1")
    await look(house)
    await unread(house)

    pypi.advance(timedelta(days=9))

    assert await house.kinds() == ["disappeared demo 1.1"]
    assert await judged(house) == {OLD: "live", NEW: "kept"}


async def test_a_journal_that_begins_later_explains_nothing_of_before(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """What was gone before anybody watched stays kept, however long the journal is read then."""
    async with house_of(pypi, catalog, tmp_path) as house:
        for version in ("1.0", "1.1"):
            pypi.upload("demo", version, uploaded_at=long_ago(pypi, days=200))
        await house.get(await house.url("demo", OLD))
        await house.get(await house.url("demo", NEW))
        pypi.vanish_release("demo", "1.1")
        await look(house)
        pypi.upload("other", "1.0")
        await house.poll()
        for _ in range(5):
            await later(house, hours=9)

        assert await house.kinds() == ["disappeared demo 1.1"]
        assert await judged(house) == {OLD: "live", NEW: "kept"}


def _path(pypi: PyPISim, filename: str) -> str:
    (file,) = [file for file in pypi.stored.values() if file.filename == filename]
    return file.path.removeprefix("/packages/")


@pytest.mark.parametrize(("mode", "state"), [(Unexplained.HOLD, "held unexplained"), (Unexplained.KEEP, "kept")])
async def test_the_operator_may_decide_otherwise(
    pypi: PyPISim,
    catalog: Catalog,
    tmp_path: Path,
    mode: Unexplained,
    state: str,
) -> None:
    """`safety.unexplained` holds or keeps all of it, whatever the journal covers."""
    async with house_of(pypi, catalog, tmp_path, safety=Safety(unexplained=mode)) as house:
        await house.poll()
        await disappeared(house)
        assert (await house.states("demo"))[NEW] == state
        pypi.advance(timedelta(days=3))
        await house.poll()

        assert (await judged(house))[NEW] == state


async def test_explain_says_what_is_known(house: House, pypi: PyPISim) -> None:
    """Since when it is missing, and that no row says why."""
    await disappeared(house)
    memory = await house.memory("demo")

    lines = explanation(NAME, memory, [], [], position=None, rules=house.settings.safety, filename=NEW)

    text = "\n".join(lines)
    assert "missing from the page since" in text
    assert "believed to be gone since" in text
