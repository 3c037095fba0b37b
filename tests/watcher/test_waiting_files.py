"""What waits by the clock: files of a young project that was removed whole, and new files where these are delayed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from mirror.catalog.database import Catalog
from mirror.setting_sections import Safety
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago
from watcher.rules import apply_rules

OLD, NEW = "demo-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl"
DELAYED = Safety(new_release_delay=timedelta(hours=24))


@asynccontextmanager
async def _house(pypi: PyPISim, catalog: Catalog, data_dir: Path, safety: Safety) -> AsyncIterator[House]:
    async with house_of(pypi, catalog, data_dir, safety=safety) as house:
        await apply_rules(catalog, house.rules)
        await house.poll()
        yield house


async def test_a_young_project_that_was_removed_waits_for_a_day(house: House, pypi: PyPISim) -> None:
    """Meanwhile neither page nor address gives its files away; then they are kept without anybody's help."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=89))
    sturdy = pypi.upload("sturdy", "1.0", uploaded_at=long_ago(pypi, days=91))
    for one in (file, sturdy):
        await house.page(one.project)
        await house.get(one.path)
    pypi.delete_project("demo")
    pypi.delete_project("sturdy")

    await house.watch()
    during = await house.states("demo"), await house.listed("demo"), (await house.get(file.path))[0]
    pypi.advance(timedelta(hours=24, seconds=1))

    assert during == ({OLD: "held settling"}, {}, 403)
    assert (await house.states("sturdy")).popitem()[1] == "kept"
    assert list(await house.listed("demo")) == [OLD]
    assert await house.get(file.path) == (200, file.content)
    told = await house.payloads()
    assert [(one.kind, one.files[0].state) for one in told if one.files] == [
        ("project.deleted", "held"),
        ("project.deleted", "kept"),
    ]


async def test_what_settles_is_fetched_while_it_can_be(house: House, pypi: PyPISim) -> None:
    """The bytes are saved at once, though nobody gets them yet."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=10))
    await house.page("demo")
    pypi.delete_project("demo")

    await house.watch()
    pypi.faults.forget_deleted = True
    pypi.advance(timedelta(hours=24, seconds=1))

    assert await house.get(file.path) == (200, file.content)


async def test_new_files_wait_where_they_are_delayed(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """The page goes on offering what came before, and offers the new one when its time has come."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    async with _house(pypi, catalog, tmp_path, DELAYED) as house:
        await house.page("demo")
        new = pypi.upload("demo", "2.0")
        await house.watch()
        young = list(await house.listed("demo")), (await house.get(new.path))[0], (await house.page("demo"))["versions"]
        pypi.advance(timedelta(hours=24, seconds=1))

        assert young == ([OLD], 403, ["1.0"])
        assert list(await house.listed("demo")) == [OLD, NEW]
        assert await house.get(new.path) == (200, new.content)
        assert await house.kinds() == []


async def test_a_delay_counts_from_the_start_that_brings_it(
    house: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """What was served without it is judged anew, and again when it is gone from the settings."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload("demo", "2.0")
    await house.watch()
    before = await house.listed("demo")

    async with _house(pypi, catalog, tmp_path / "delayed", DELAYED) as delayed:
        during = await delayed.listed("demo")
    async with _house(pypi, catalog, tmp_path / "again", Safety()) as again:
        after = await again.listed("demo")

    assert list(during) == [OLD]
    assert before == after == {OLD: False, NEW: False}


async def test_a_removal_within_the_delay_leaves_the_file_held(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Who yanks a bad release back within days was right: it was never served and is not served now."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    safety = Safety(new_release_delay=timedelta(days=7), min_age=timedelta(hours=72))
    async with _house(pypi, catalog, tmp_path, safety) as house:
        new = pypi.upload("demo", "2.0")
        await house.watch()
        await house.page("demo")
        pypi.advance(timedelta(days=4))
        pypi.delete_release("demo", "2.0")
        await house.watch()
        pypi.advance(timedelta(days=30))

        assert await house.states("demo") == {OLD: "live", NEW: "held young"}
        assert (await house.get(new.path))[0] == 403


async def test_files_that_departed_are_not_served_where_the_operator_does_not_want_it(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """They are kept all the same, and another setting brings them back."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, days=200))
    async with _house(pypi, catalog, tmp_path, Safety(serve_departed="never")) as house:
        await house.page("demo")
        pypi.delete_release("demo", "1.0")
        await house.watch()

        assert await house.states("demo") == {OLD: "held setting", NEW: "live"}
        assert (await house.get(file.path))[0] == 403
    async with _house(pypi, catalog, tmp_path, Safety()) as house:
        assert await house.get(file.path) == (200, file.content)
