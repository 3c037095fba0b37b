"""Bytes that an operator destroyed are gone, and no way into the store brings them back."""

import asyncio
from pathlib import Path

import pytest

from mirror.catalog import acts, tombstones
from mirror.catalog.database import Catalog
from mirror.catalog.files import FoundFile
from mirror.errors import RefusedError, StoreError
from mirror.index.paths import Kind
from mirror.names import ProjectName, Sha256
from mirror.orders import Orders
from mirror.store.directory import DirectoryStore
from mirror.store.keys import Blob, StoreKey
from mirror.supply import Supply
from mirror.targets import ProjectTarget
from mirror.upstream.session import UpstreamSession
from tests.pypi_sim import File, PyPISim
from tests.watcher.houses import House, long_ago
from tests.watcher.test_operators_acts import act, statuses


async def holds(house: House, digest: str | None) -> bool:
    """Whether the store has such an object."""
    assert digest is not None
    return await house.supply.store.size(StoreKey(Sha256(digest))) is not None


def wheel(pypi: PyPISim, name: str = "demo", version: str = "1.0", *, like: File | None = None) -> File:
    """An old wheel, or one with the bytes of another under its own name."""
    if like is None:
        return pypi.upload(name, version, uploaded_at=long_ago(pypi, days=400))
    pypi.listed_contents.clear()  # PyPI would not have the same bytes twice; other indexes do
    return pypi.upload(name, version, content=like.content, uploaded_at=long_ago(pypi, days=400))


async def kept(house: House, file: File) -> str:
    """The address of the file, whose bytes and metadata are here."""
    await house.poll()
    address = await house.url(file.project, file.filename)
    assert await statuses(house, address) == [200, 200]
    return address


async def _found(house: House, name: str) -> list[FoundFile]:
    """A project's files as the catalog finds them."""
    return [FoundFile(ProjectName(name), facts) for facts in (await house.memory(name)).files]


async def _plant(house: House, file: File) -> None:
    """Puts a file's bytes into the store past everybody."""
    spool = house.settings.spool_dir / "planted"
    spool.write_bytes(file.content)
    await house.supply.store.put(spool, StoreKey(Sha256(file.sha256)))
    spool.unlink()


async def test_purged_bytes_are_gone_from_page_address_and_store(house: House, pypi: PyPISim) -> None:
    """And so is the metadata; it is told as an act and as a takedown."""
    file = wheel(pypi)
    address = await kept(house, file)

    await act(house, "purge", "demo==1.0")

    assert await statuses(house, address) == [410, 410]
    assert (await holds(house, file.sha256), await holds(house, file.metadata_sha256)) == (False, False)
    assert await house.listed("demo") == {}
    (facts,) = (await house.memory("demo")).files
    assert (facts.stored_at, facts.metadata_stored_at) == (None, None)
    assert await house.kinds() == ["operator.act demo 1.0", "takedown demo 1.0"]
    assert [[f.state for f in told.files or ()] for told in await house.payloads()] == [["purged"], ["purged"]]


async def test_a_plan_changes_nothing(house: House, pypi: PyPISim, catalog: Catalog) -> None:
    """It names the files that have the same bytes in other projects, too."""
    file = wheel(pypi)
    twin = wheel(pypi, "twin", like=file)
    addresses = [await kept(house, one) for one in (file, twin)]

    found = await house.orders.would_purge(ProjectTarget(ProjectName("demo")))

    assert [(one.project, one.facts.filename) for one in found] == [("demo", file.filename), ("twin", twin.filename)]
    assert await statuses(house, *addresses) == [200] * 4
    async with catalog.reading() as conn:
        assert await acts.newest(conn, limit=1) == []


async def test_the_same_bytes_are_purged_in_every_project(house: House, pypi: PyPISim) -> None:
    """Each is told of; metadata that another file still needs stays."""
    file = wheel(pypi)
    twin = wheel(pypi, "twin", like=file)
    addresses = [await kept(house, one) for one in (file, twin)]

    await act(house, "purge", "demo")

    assert await statuses(house, *addresses) == [410] * 4
    assert await house.kinds() == ["operator.act demo", "takedown demo", "operator.act twin", "takedown twin"]


async def test_metadata_that_another_file_needs_is_not_destroyed(house: House, pypi: PyPISim, catalog: Catalog) -> None:
    """Two files can have the same metadata; it goes with the last of them."""
    one, two = wheel(pypi), wheel(pypi, version="2.0")
    addresses = [await kept(house, file) for file in (one, two)]
    async with catalog.writing() as conn:
        await conn.execute(
            "update files set metadata_sha256 = (select metadata_sha256 from files where version = '1.0')"
        )

    await act(house, "purge", "demo==1.0")
    while_needed = await holds(house, one.metadata_sha256)
    status_while_needed = (await house.get(f"{addresses[1]}.metadata"))[0]
    await act(house, "purge", "demo==2.0")

    assert (while_needed, status_while_needed) == (True, 200)
    assert not await holds(house, one.metadata_sha256)


async def test_banned_bytes_are_purged_under_every_name_they_come_back_by(house: House, pypi: PyPISim) -> None:
    """In a project that is seen later for instance; its page never shows them."""
    file = wheel(pypi)
    await kept(house, file)
    await act(house, "purge", f"sha256:{file.sha256}")
    twin = wheel(pypi, "twin", like=file)

    shown = await house.listed("twin")
    await house.watch()

    assert shown == {}
    assert await house.states("twin") == {twin.filename: "purged"}
    assert not await holds(house, file.sha256)


async def test_no_rescue_brings_banned_bytes_back(house: House, pypi: PyPISim) -> None:
    """Neither when the release is deleted upstream nor when it returns."""
    file = wheel(pypi)
    address = await kept(house, file)
    await act(house, "purge", "demo==1.0")
    pypi.delete_release("demo", "1.0")
    await house.watch()
    pypi.restore_file("demo", file)
    await house.watch()

    assert await house.states("demo") == {file.filename: "purged"}
    assert await statuses(house, address) == [410, 410]
    assert not await holds(house, file.sha256)


class _SlowStore(DirectoryStore):
    """A store that waits before it takes something in."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def put(self, spool: Path, key: StoreKey, *, blob: Blob | None = None) -> None:
        self.asked.set()
        await self.may_go_on.wait()
        await super().put(spool, key, blob=blob)


async def test_what_is_on_its_way_meanwhile_is_not_kept(house: House, pypi: PyPISim) -> None:
    """A download that began before the purge and ends after it is refused, and leaves nothing."""
    file = wheel(pypi)
    await house.page("demo")
    (found,) = await _found(house, "demo")
    store = _SlowStore(house.settings.store_dir)
    async with UpstreamSession(house.settings.upstream) as session:
        supply = Supply(
            catalog=house.catalog,
            store=store,
            session=session,
            settings=house.settings,
            rules=house.rules,
            now=pypi.now,
        )
        download = supply.fetch(found)
        await store.asked.wait()
        await act(house, "purge", "demo")
        store.may_go_on.set()

        with pytest.raises(RefusedError, match="destroyed"):
            await download.finished()
        await supply.close()

    assert await house.states("demo") == {file.filename: "purged"}
    assert not await holds(house, file.sha256)


async def test_bytes_whose_digest_only_shows_when_they_are_here_are_banned_too(
    house: House, pypi: PyPISim, catalog: Catalog
) -> None:
    """As on an index without digests."""
    file = wheel(pypi)
    await kept(house, file)
    await act(house, "purge", "demo")
    twin = wheel(pypi, "twin", like=file)
    await house.page("twin")
    async with catalog.writing() as conn:
        await conn.execute(
            "update files set sha256 = null, purged_at = null, state = 'live' where filename = $1", twin.filename
        )
    (found,) = await _found(house, "twin")

    with pytest.raises(RefusedError, match="destroyed"):
        await house.supply.fetch(found).finished()

    assert await house.states("twin") == {twin.filename: "purged"}
    assert not await holds(house, file.sha256)


async def test_banned_bytes_are_not_stored_as_metadata_either(house: House, pypi: PyPISim, catalog: Catalog) -> None:
    """Whatever a page says that they are."""
    file, other = wheel(pypi), wheel(pypi, version="2.0")
    await kept(house, file)
    await house.page("demo")
    await act(house, "purge", "demo==1.0")
    async with catalog.writing() as conn:
        await conn.execute(
            "update files set metadata_sha256 = decode($1, 'hex') where filename = $2", file.sha256, other.filename
        )
    await _plant(house, file)
    (found,) = [one for one in await _found(house, "demo") if one.facts.filename == other.filename]

    with pytest.raises(RefusedError, match="destroyed"):
        await house.supply.fetch(found, Kind.METADATA).finished()

    assert not await holds(house, file.sha256)


async def test_unpurged_files_can_be_fetched_again(house: House, pypi: PyPISim) -> None:
    """A listed one when somebody asks, a departed one at once."""
    listed, gone = wheel(pypi), wheel(pypi, version="2.0")
    addresses = [await kept(house, file) for file in (listed, gone)]
    await act(house, "purge", "demo")
    pypi.delete_release("demo", "2.0")
    await house.watch()

    done = await act(house, "unpurge", "demo")
    states = await house.states("demo")
    await house.watch()

    assert len(done.files) == 2
    assert states == {listed.filename: "live", gone.filename: "held rescue"}
    assert await house.states("demo") == {listed.filename: "live", gone.filename: "kept"}
    assert await statuses(house, *addresses) == [200] * 4


class _BrokenStore(DirectoryStore):
    """A store that cannot delete, as if the process had died before it did."""

    async def delete(self, key: StoreKey) -> None:
        raise StoreError(f"{key} cannot be deleted")


async def test_what_a_crash_kept_from_being_destroyed_is_destroyed_at_the_next_start(
    house: House, pypi: PyPISim, catalog: Catalog
) -> None:
    """The act is in force from its commit on; what follows is made up for."""
    file = wheel(pypi)
    address = await kept(house, file)
    broken = Orders(
        catalog=catalog, store=_BrokenStore(house.settings.store_dir), rules=house.rules, now=house.pypi.now
    )
    orders, house.orders = house.orders, broken
    with pytest.raises(StoreError, match="act 1 is in force"):
        await act(house, "purge", "demo")
    refused, still_there = await statuses(house, address), await holds(house, file.sha256)

    await orders.finish()

    assert (refused, still_there) == ([410, 410], True)
    assert (await holds(house, file.sha256), await holds(house, file.metadata_sha256)) == (False, False)
    async with catalog.reading() as conn:
        assert (await acts.unsettled(conn), await tombstones.condemned(conn)) == ([], [])


async def test_banned_bytes_that_a_dead_process_left_are_destroyed_at_the_next_start(
    house: House, pypi: PyPISim
) -> None:
    """It had put them into the store, and died before it was told that they may not be there."""
    file = wheel(pypi)
    await kept(house, file)
    await act(house, "purge", "demo")
    await _plant(house, file)

    await house.orders.finish()

    assert not await holds(house, file.sha256)
