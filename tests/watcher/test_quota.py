"""A store that is too full: what can be fetched again makes room, and nothing that left upstream ever does."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mirror.catalog import downloads, room
from mirror.catalog.backlog import Priority
from mirror.catalog.database import Catalog
from mirror.catalog.evictions import Candidate
from mirror.names import ProjectName, Sha256
from mirror.setting_sections import Keep, Mirror
from mirror.setting_values import Scope
from mirror.store.keys import StoreKey
from tests.pypi_sim import PyPISim
from tests.watcher.departing import departed
from tests.watcher.houses import House, house_of, long_ago
from watcher.quota import excess_of, first_of, kept_up_to, limit_of
from watcher.room import GRACE, RoomKeeper

_SECOND = timedelta(seconds=1)


@asynccontextmanager
async def keeping(pypi: PyPISim, catalog: Catalog, directory: Path, keep: Keep) -> AsyncIterator[House]:
    """A house that keeps nothing in memory, so that what it serves is in the store."""
    async with house_of(pypi, catalog, directory, keep=keep, mirror=Mirror(memory=0)) as house:
        await house.poll()
        yield house


def room_keeper(house: House, quota: int) -> RoomKeeper:
    """What keeps the house within that quota."""
    return RoomKeeper(
        catalog=house.catalog,
        store=house.supply.store,
        directory=house.settings.store_dir,
        quota=quota,
        keeping=house.rules.keeping,
        now=house.pypi.now,
    )


async def made_room(house: House, quota: int) -> RoomKeeper:
    """As much room as that quota wants, objects and all."""
    keeper = room_keeper(house, quota)
    await keeper.tick()
    house.pypi.advance(GRACE + _SECOND)
    await keeper.tick()
    return keeper


async def asked(house: House, name: str, *versions: str) -> dict[str, str]:
    """Has clients ask for these versions of a project; the addresses of their files by version."""
    urls = {}
    for version in versions:
        (file,) = [file for file in (await house.memory(name)).files if file.version == version]
        urls[version] = await house.url(name, file.filename)
        assert (await house.get(urls[version]))[0] == 200
    return urls


async def stored(house: House, name: str) -> set[str]:
    """The versions of the files that the catalog believes the store has."""
    return {file.version or "" for file in (await house.memory(name)).files if file.stored_at}


async def objects(house: House) -> set[Sha256]:
    """What the store has."""
    return {one.key.sha256 async for one in house.supply.store.objects()}


async def used(house: House) -> int:
    async with house.catalog.reading() as conn:
        return (await room.read(conn)).used


async def test_what_was_asked_for_least_lately_makes_room(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Only as much of it as is needed; it is fetched again for whoever asks."""
    versions = ["1.0", "2.0", "3.0", "4.0"]
    files = {v: pypi.upload("demo", v, uploaded_at=long_ago(pypi, days=200)) for v in versions}
    async with keeping(pypi, catalog, tmp_path, Keep()) as house:
        await house.page("demo")
        urls = await asked(house, "demo", *versions)
        pypi.advance(timedelta(days=2))
        ids = {file.version: file.id for file in (await house.memory("demo")).files}
        async with catalog.writing() as conn:
            today = pypi.now().date()
            await downloads.add(conn, {(ids["1.0"] or 0, today): 1, (ids["2.0"] or 0, today): 5})
        before = await used(house)
        await made_room(house, before * 3 // 5)
        left = await stored(house, "demo")
        in_store = await objects(house)
        again = await house.get(urls["3.0"])

        assert left == {"1.0", "2.0"}
        assert {files[version].sha256 for version in left} <= in_store
        assert not {files[version].sha256 for version in ("3.0", "4.0")} & in_store
        assert again == (200, files["3.0"].content)
        assert pypi.fetches(files["3.0"].filename) == 2


async def test_what_is_watched_makes_room_last(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Though nobody has asked for it for longer."""
    for name in ("acme", "other"):
        pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.WATCHED, watch=("ac*",))) as house:
        await house.page("acme")
        await house.keeper.work_off()
        pypi.advance(timedelta(days=2))
        await house.page("other")
        await asked(house, "other", "1.0")
        await made_room(house, await used(house) - 1)

        assert (await stored(house, "acme"), await stored(house, "other")) == ({"1.0"}, set())


async def test_where_nothing_may_make_room_only_what_departs_is_kept(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Keeping in advance pauses, and says so; what upstream deletes is still rescued; with room all goes on."""
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.ALL)) as house:
        (gone,) = await departed(house, "1.0")
        await house.keeper.work_off()
        keeper = await made_room(house, 1)
        paused = (await house.http.get("/readyz"), await house.http.get("/metrics"))
        ready, figures = (await paused[0].json(content_type=None), await paused[1].text())
        pypi.upload("late", "1.0", uploaded_at=long_ago(pypi, days=200))
        late = pypi.upload("late", "2.0", uploaded_at=long_ago(pypi, days=200))
        passed_on = await house.get(await house.url("late", late.filename))
        await house.keeper.work_off()
        while_paused = await stored(house, "late")
        pypi.delete_release("late", "1.0")
        await house.watch()
        rescued = await stored(house, "late")
        keeper._quota = 10**9
        await keeper.tick()
        await house.keeper.work_off()

        assert (await house.states("demo"))[gone] == "kept"
        assert passed_on == (200, late.content)
        assert "quota" in ready["degraded"]
        assert "everpin_keeping_paused 1.0" in figures
        assert (while_paused, rescued) == (set(), {"1.0"})
        assert await stored(house, "late") == {"1.0", "2.0"}


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_nothing_that_departed_makes_room(
    seed: int, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """However the quota presses, in any order of acts: what is kept stays in the store and is served."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    gone: list[str] = []
    async with keeping(pypi, catalog, tmp_path, Keep(scope=chance.choice([Scope.ALL, Scope.REQUESTED]))) as house:
        for name in ("one", "two"):
            for number in range(8):
                pypi.upload(name, f"{number}.0", uploaded_at=long_ago(pypi, days=200))
        for _ in range(12):
            name, version = chance.choice(["one", "two"]), f"{chance.randrange(7)}.0"
            await house.page(name)
            present = {file.version for file in (await house.memory(name)).files if file.listed and not file.is_gone}
            act = chance.choice(["ask", "delete", "yank", "press"])
            if version in present and act == "ask":
                await asked(house, name, version)
            elif version in present and act == "delete":
                pypi.delete_release(name, version)
                gone.append(f"{name} {version}")
            elif version in present and act == "yank":
                pypi.yank(name, version)
            else:
                await made_room(house, chance.choice([1, 2_000]))
            await house.watch()
        await made_room(house, 1)
        in_store = await objects(house)

        for name in ("one", "two"):
            for file in (await house.memory(name)).files:
                if f"{name} {file.version}" in gone:
                    assert (file.state, file.sha256 in in_store) == ("kept", True), file
                    assert (await house.get(await house.url(name, file.filename)))[0] == 200
                else:
                    assert file.stored_at is None
                    assert file.sha256 not in in_store


async def test_an_object_that_another_file_needs_stays(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """The same bytes under two names: one departed, so its copy must not go with the other's."""
    file = pypi.upload("one", "1.0", uploaded_at=long_ago(pypi, days=200))
    async with keeping(pypi, catalog, tmp_path, Keep()) as house:
        await house.page("one")
        await asked(house, "one", "1.0")
        gone = await departed(house, "1.0", name="two")
        await house.keeper.work_off()
        async with catalog.writing() as conn:
            # As if upstream had listed the same bytes under both names.
            await conn.execute("update files set sha256 = $1 where filename = $2", bytes.fromhex(file.sha256), gone[0])
        await made_room(house, 1)

        assert await stored(house, "one") == set()
        assert file.sha256 in await objects(house)


async def test_what_is_stored_again_before_its_object_goes_keeps_it(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Between the note and the deletion somebody asks for it once more."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    async with keeping(pypi, catalog, tmp_path, Keep()) as house:
        await house.page("demo")
        urls = await asked(house, "demo", "1.0")
        keeper = room_keeper(house, 1)
        await keeper.tick()
        taken = await stored(house, "demo")
        await house.get(urls["1.0"])
        pypi.advance(GRACE + _SECOND)
        keeper._quota = 10**9
        await keeper.tick()

        assert taken == set()
        assert await stored(house, "demo") == {"1.0"}
        assert await house.supply.store.size(StoreKey(Sha256(file.sha256))) == file.size
        assert pypi.fetches(file.filename) == 1


async def test_the_figures_say_what_is_stored(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Files and bytes by state, as they were counted; what was stored since counts for the quota at once."""
    files = [pypi.upload("demo", v, uploaded_at=long_ago(pypi, days=200)) for v in ("1.0", "2.0", "3.0")]
    async with keeping(pypi, catalog, tmp_path, Keep()) as house:
        await house.page("demo")
        await asked(house, "demo", "1.0")
        await room_keeper(house, 10**9).tick()
        await asked(house, "demo", "2.0")
        text = await (await house.http.get("/metrics")).text()

        assert 'everpin_files{state="live"} 3.0' in text
        assert f'everpin_store_bytes{{state="live"}} {float(files[0].size)}' in text
        assert await used(house) == files[0].size + files[1].size


def test_a_quota_is_a_share_of_a_disk_or_a_size() -> None:
    """A bucket has no disk, so a share of it means nothing."""
    assert [limit_of(0.8, 1000), limit_of(500, 1000), limit_of(500, None)] == [800, 500, 500]
    assert limit_of(0.8, None) is None


def test_the_fuller_the_store_the_less_is_kept() -> None:
    """What departed always is; a little room is left, so that fetching and making room do not chase each other."""
    assert [kept_up_to(used, 100) for used in (0, 93, 94, 99, 100, 200)] == [
        Priority.BACKFILL,
        Priority.BACKFILL,
        Priority.NEW,
        Priority.NEW,
        Priority.RESCUE,
        Priority.RESCUE,
    ]
    assert kept_up_to(10**15, None) is Priority.BACKFILL
    assert [excess_of(used, 100) for used in (99, 100, 101)] == [0, 0, 6]


def test_no_more_is_taken_away_than_is_needed() -> None:
    """The first ones, until it is enough."""
    candidates = [Candidate(number, ProjectName("demo"), 10) for number in range(5)]

    assert [one.id for one in first_of(candidates, 15)] == [0, 1]
    assert first_of(candidates, 1_000) == candidates
    assert first_of(candidates, 0) == []
