"""What is kept without being asked for: by the scope, and by whom the operators watch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mirror import metrics
from mirror.catalog import backlog, watchlist
from mirror.catalog.backlog import Priority
from mirror.catalog.database import Catalog
from mirror.names import ProjectName
from mirror.setting_sections import Keep, Safety
from mirror.setting_values import Scope
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, house_of, long_ago
from watcher.scope import ScopeCarrier, watch


@asynccontextmanager
async def keeping(pypi: PyPISim, catalog: Catalog, directory: Path, keep: Keep) -> AsyncIterator[House]:
    """A house that watches and keeps by these settings."""
    async with house_of(pypi, catalog, directory, keep=keep, safety=Safety(new_release_delay=timedelta(0))) as house:
        await house.poll()
        yield house


def carrier(house: House) -> ScopeCarrier:
    """What carries the house's scope over."""
    return ScopeCarrier(house.catalog, house.rules.keeping, now=house.pypi.now)


async def carried(house: House) -> None:
    """All of the scope is in the backlog."""
    scope = carrier(house)
    while await scope.tick():
        pass


async def kept(house: House, name: str) -> set[str]:
    """The versions whose files the store has, with all that stands beside them."""
    return {
        file.version or "" for file in (await house.memory(name)).files if file.stored_at and file.metadata_stored_at
    }


async def waiting(house: House) -> dict[str, Priority]:
    """The files in the backlog, and how urgent they are."""
    async with house.catalog.reading() as conn:
        records = await conn.fetch("select filename, priority from backlog join files on files.id = backlog.file")
    return {record["filename"]: Priority(record["priority"]) for record in records}


def uploaded(pypi: PyPISim, name: str, *versions: str, days: float = 200) -> list[str]:
    """Files of these versions that have been upstream for so long."""
    return [pypi.upload(name, version, uploaded_at=long_ago(pypi, days=days)).filename for version in versions]


async def test_where_all_is_kept_a_file_nobody_asked_for_survives(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Seeing the page is enough: its files are fetched at once, and upstream may delete them afterwards."""
    (first, _) = uploaded(pypi, "demo", "1.0", "2.0")
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.ALL)) as house:
        url = await house.url("demo", first)
        await house.keeper.work_off()
        before = await kept(house, "demo")
        pypi.delete_release("demo", "1.0")
        pypi.faults.forget_file(first)
        await house.watch()

        answer = await house.get(url)

        assert before == {"1.0", "2.0"}
        assert answer[0] == 200
        assert (await house.states("demo"))[first] == "kept"
        assert await waiting(house) == {}


async def test_by_default_only_what_was_asked_for_is_kept(house: House, pypi: PyPISim) -> None:
    """A page alone costs no room."""
    uploaded(pypi, "demo", "1.0", "2.0")
    await house.page("demo")
    await carried(house)

    assert await waiting(house) == {}


async def test_new_files_come_before_those_that_were_there(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """At first sight the old ones are to be caught up with; what is put up from then on is more urgent."""
    (old,) = uploaded(pypi, "demo", "1.0")
    (young,) = uploaded(pypi, "demo", "2.0", days=0.1)
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.ALL)) as house:
        await house.page("demo")
        at_first = await waiting(house)
        (new,) = uploaded(pypi, "demo", "3.0", days=0)
        await house.poll()
        await house.refresh()

        assert at_first == {old: Priority.BACKFILL, young: Priority.NEW}
        assert await waiting(house) == {**at_first, new: Priority.NEW}


async def test_only_watched_projects_are_kept_whole(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Whether a pattern of the settings or the watchlist names them, however they spell it."""
    for name in ("acme-web", "listed", "other"):
        uploaded(pypi, name, "1.0")
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.WATCHED, watch=("Acme_*",))) as house:
        async with catalog.writing() as conn:
            await watchlist.add(conn, [ProjectName("listed")], now=pypi.now())
        for name in ("acme-web", "listed", "other"):
            await house.page(name)
        await house.keeper.work_off()

        assert [await kept(house, name) for name in ("acme-web", "listed", "other")] == [{"1.0"}, {"1.0"}, set()]


async def test_what_is_not_trusted_is_not_kept_unasked(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Strangers and quarantined files cost no room; what is only young is kept, though not served yet."""
    uploaded(pypi, "demo", "1.0")
    async with house_of(
        pypi, catalog, tmp_path, keep=Keep(scope=Scope.ALL), safety=Safety(new_release_delay=timedelta(days=1))
    ) as house:
        await house.poll()
        await house.page("demo")
        pypi.delete_release("demo", "1.0")
        await house.watch()
        pypi.upload("demo", "1.0", build_tag="1")
        (young,) = uploaded(pypi, "demo", "2.0", days=0)
        await house.poll()
        await house.refresh()
        held = await house.states("demo")
        stranger = next(name for name, state in held.items() if state == "held stranger")
        wanted = await waiting(house)
        pypi.quarantine_project("demo")
        await house.watch()

        assert held[young] == "held young"
        assert (young in wanted, stranger in wanted) == (True, False)
        assert pypi.fetches(young) == 0
        assert await waiting(house) == {}


async def test_another_scope_takes_in_what_is_known_already(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Projects seen before come with it, once; a narrower one leaves what was not fetched yet."""
    uploaded(pypi, "demo", "1.0", "2.0")
    uploaded(pypi, "acme", "1.0")
    async with keeping(pypi, catalog, tmp_path, Keep()) as house:
        await house.page("demo")
        await house.page("acme")
        await carried(house)
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.ALL)) as house:
        await carried(house)
        wide = await waiting(house)
        again = await carrier(house).tick()
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.WATCHED, watch=("acme",))) as house:
        await carried(house)
        narrow = await waiting(house)

    assert set(wide.values()) == {Priority.BACKFILL}
    assert (len(wide), again) == (3, 0)
    assert narrow == {name: priority for name, priority in wide.items() if name.startswith("acme")}


async def test_who_is_put_on_the_watchlist_is_kept_from_then_on(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """A known project at once; of one that nobody asked for, the page is looked at first."""
    uploaded(pypi, "known", "1.0")
    uploaded(pypi, "unknown", "1.0")
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.WATCHED)) as house:
        await house.page("known")
        await carried(house)
        async with catalog.writing() as conn:
            names = [ProjectName("known"), ProjectName("unknown")]
            added = await watch(conn, names, house.rules.keeping, now=pypi.now())
        await house.look_at_unasked()
        await house.keeper.work_off()

        assert added == names
        assert [await kept(house, name) for name in names] == [{"1.0"}, {"1.0"}]


async def test_a_watched_project_that_does_not_exist_yet_is_noticed_when_it_does(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """By the row that creates it, whatever the inventory."""
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.WATCHED, watch=("later-*",))) as house:
        await carried(house)
        uploaded(pypi, "later-on", "1.0")
        await house.poll()
        await house.look_at_unasked()
        await house.keeper.work_off()

        assert await kept(house, "later-on") == {"1.0"}


async def test_private_names_are_never_wanted(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Neither by scope nor by the list: upstream is not asked for them."""
    keep = Keep(scope=Scope.WATCHED, watch=("acme-own",))
    async with house_of(pypi, catalog, tmp_path, keep=keep, private_names=("acme-*",)) as house:
        async with catalog.writing() as conn:
            await watch(conn, [ProjectName("acme-too")], house.rules.keeping, now=pypi.now())
        await carried(house)
        looked = await house.look_at_unasked()

    assert looked == 0
    assert pypi.count(kind="page") == 0


@pytest.mark.parametrize("says_size", [True, False])
async def test_a_file_that_is_too_large_is_tried_at_most_once(
    says_size: bool, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Where upstream does not say how large it is, that is found out, counted, and remembered by not wanting it."""
    (filename,) = uploaded(pypi, "demo", "1.0")
    async with keeping(pypi, catalog, tmp_path, Keep(scope=Scope.ALL, max_file_size=100)) as house:
        too_large = metrics.keep_failures.labels("too_large")
        before = too_large._value.get()
        await house.page("demo")
        if not says_size:
            async with catalog.writing() as conn:
                await conn.execute("update files set size = null")
                ids = [record["id"] for record in await conn.fetch("select id from files")]
                await backlog.add(conn, ids, Priority.NEW, now=pypi.now())
        for _ in range(3):
            await house.keeper.work_off()
            pypi.advance(timedelta(hours=2))

        assert too_large._value.get() - before == (0 if says_size else 1)
        assert pypi.fetches(filename) == (0 if says_size else 1)
        assert await waiting(house) == {}
        assert (await house.states("demo"))[filename] == "live"


async def test_what_a_client_did_not_get_is_fetched_later(house: House, pypi: PyPISim) -> None:
    """A download that failed in the middle is tried again without anybody's asking once more."""
    (filename,) = uploaded(pypi, "demo", "1.0")
    url = await house.url("demo", filename)
    pypi.faults.answer_with(filename, 503)
    status, _ = await house.get(url)

    async def is_wanted() -> bool:
        return await waiting(house) == {filename: Priority.REQUESTED}

    await eventually(is_wanted)
    pypi.faults.mend_all()
    pypi.advance(timedelta(minutes=1))

    await house.keeper.work_off()

    assert status >= 500
    assert await kept(house, "demo") == {"1.0"}
