"""Blocked bytes are moved to where only the mirror reaches them, and come back when nothing blocks them."""

import asyncio
from typing import NoReturn

import pytest

from mirror import sealing
from mirror.catalog import sealed
from mirror.catalog.files import FoundFile
from mirror.errors import StoreError
from mirror.names import ProjectName, Sha256
from mirror.sealing import Sealer
from mirror.store.directory import DirectoryStore
from mirror.store.keys import StoreKey
from mirror.targets import Verb, order_of
from tests.watcher.hearing import has_heard
from tests.watcher.houses import House, eventually, long_ago

FILENAME = "demo-1.0-py3-none-any.whl"


async def act(house: House, verb: str, target: str) -> None:
    """An operator orders this, and the house hears of it."""
    await house.orders.carry_out(order_of(Verb(verb), target, actor="olga", reason="so be it"))
    await has_heard(house)


async def stored(house: House, name: str = "demo") -> tuple[str, list[Sha256]]:
    """A wheel and its metadata that are here: its address, and the digests of both."""
    house.pypi.upload(name, "1.0", uploaded_at=long_ago(house.pypi, days=400))
    await house.poll()
    address = await house.url(name, f"{name}-1.0-py3-none-any.whl")
    for end in ("", ".metadata"):
        assert (await house.get(address + end))[0] == 200
    (file,) = (await house.memory(name)).files
    metadata = file.listed_file.core_metadata
    assert file.sha256 is not None
    assert isinstance(metadata, str)
    return address, [file.sha256, metadata]


async def in_reach(house: House, digests: list[Sha256]) -> list[bool]:
    """Whether the store has these where everybody who reads the store would find them."""
    return [await house.supply.store.size(StoreKey(digest)) is not None for digest in digests]


async def test_what_is_blocked_is_sealed_with_its_metadata_and_free_again_later(house: House) -> None:
    """Both ways by themselves, and the address answers in step."""
    address, digests = await stored(house)
    sealer = Sealer(house.catalog, house.supply.store)

    await act(house, "block", "demo")
    await sealer.tick()
    sealed_away = await in_reach(house, digests)
    refused = await house.get(address)
    await act(house, "unblock", "demo")
    await sealer.tick()

    assert sealed_away == [False, False]
    assert refused[0] == 403
    assert await in_reach(house, digests) == [True, True]
    assert (await house.get(address))[0] == 200
    async with house.catalog.reading() as conn:
        assert await sealed.to_unseal(conn, limit=10) == []


async def test_whoever_asks_first_after_a_block_ended_does_not_wait_for_the_sealer(house: House) -> None:
    """Not even where upstream no longer has the file."""
    address, _ = await stored(house)
    await act(house, "block", "demo")
    await Sealer(house.catalog, house.supply.store).tick()
    house.pypi.delete_release("demo", "1.0")
    await house.poll()
    await act(house, "unblock", "demo")
    await act(house, "release", "demo==1.0")

    assert (await house.get(address))[0] == 200


async def test_bytes_that_another_project_serves_are_not_sealed(house: House) -> None:
    """The same bytes under two names are one object."""
    _, digests = await stored(house)
    _, others = await stored(house, "other")
    async with house.catalog.writing() as conn:
        await conn.execute(
            "update files set sha256 = decode($1, 'hex'), path_digest = (select path_digest from files"
            " where sha256 = decode($1, 'hex')) where sha256 = decode($2, 'hex')",
            digests[0],
            others[0],
        )

    await act(house, "block", "demo")
    await Sealer(house.catalog, house.supply.store).tick()

    assert await in_reach(house, digests[:1]) == [True]


async def test_metadata_that_a_served_file_of_the_release_has_too_is_not_sealed(house: House) -> None:
    """Wheels of one release often have the very same metadata: the block of one must not hide the other's."""
    address, digests = await stored(house)
    house.pypi.upload("demo", "2.0", uploaded_at=long_ago(house.pypi, days=400))
    await house.poll()
    await house.refresh()
    async with house.catalog.writing() as conn:
        await conn.execute("update files set metadata_sha256 = decode($1, 'hex')", digests[1])

    await act(house, "block", "demo==1.0")
    await Sealer(house.catalog, house.supply.store).tick()

    assert (await house.get(address))[0] == 403
    assert await in_reach(house, digests) == [False, True]


async def test_what_was_lent_is_sealed_again_when_it_is_blocked_again(house: House) -> None:
    """Also where nobody had come to unsealing it in between."""
    address, digests = await stored(house)
    sealer = Sealer(house.catalog, house.supply.store)
    await act(house, "block", "demo")
    await sealer.tick()
    await act(house, "unblock", "demo")
    lent = (await house.get(address))[0]
    await act(house, "block", "demo")
    await sealer.tick()

    assert lent == 200
    assert await in_reach(house, digests) == [False, False]


@pytest.mark.parametrize("verb", ["block", "unblock"])
async def test_what_a_crash_cut_off_between_the_move_and_its_note_is_made_up_for(
    house: House, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Whatever is ordered before the next round: nothing that is blocked stays in reach, nothing else out of it."""
    address, digests = await stored(house)
    sealer = Sealer(house.catalog, house.supply.store)
    await act(house, "block", "demo")
    if verb == "unblock":
        await sealer.tick()
        await act(house, "unblock", "demo")

    def dies(_: str) -> NoReturn:
        raise SystemExit

    with monkeypatch.context() as crashing:
        crashing.setattr(sealing, "reached", dies)
        with pytest.raises(SystemExit):
            await sealer.tick()

    await act(house, "unblock" if verb == "block" else "block", "demo")
    await sealer.tick()

    assert await in_reach(house, digests) == ([True, True] if verb == "block" else [False, False])
    assert (await house.get(address))[0] == (200 if verb == "block" else 403)


async def test_a_purge_in_the_middle_of_a_move_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket copies first: what would appear after the purge had looked would stay for ever."""
    _, digests = await stored(house)
    await act(house, "block", "demo")
    begun, go_on = asyncio.Event(), asyncio.Event()
    seal = DirectoryStore.seal

    async def slow(store: DirectoryStore, key: StoreKey) -> None:
        begun.set()
        await go_on.wait()
        await seal(store, key)

    monkeypatch.setattr(DirectoryStore, "seal", slow)
    sealing_now = asyncio.create_task(Sealer(house.catalog, house.supply.store).tick())
    await begun.wait()
    purging = asyncio.create_task(act(house, "purge", "demo"))

    async def is_purged() -> bool:
        return (await house.states("demo"))[FILENAME] == "purged"

    await eventually(is_purged)
    go_on.set()
    await asyncio.gather(sealing_now, purging)

    assert [each async for each in house.supply.store.objects()] == []
    assert await in_reach(house, digests) == [False, False]


async def test_a_purge_destroys_what_is_sealed(house: House) -> None:
    """An object out of reach is no object kept."""
    _, digests = await stored(house)
    await act(house, "block", "demo")
    await Sealer(house.catalog, house.supply.store).tick()

    await act(house, "purge", "demo")

    assert [each async for each in house.supply.store.objects()] == []
    assert await in_reach(house, digests) == [False, False]


async def test_a_store_that_cannot_be_written_to_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure costs nothing but time."""
    _, digests = await stored(house)
    sealer = Sealer(house.catalog, house.supply.store)
    await act(house, "block", "demo")

    async def fails(*_: object) -> None:
        raise StoreError("the store is away")

    with monkeypatch.context() as broken:
        broken.setattr(DirectoryStore, "seal", fails)
        await sealer.tick()
    before = await in_reach(house, digests)
    await sealer.tick()

    assert before == [True, True]
    assert await in_reach(house, digests) == [False, False]


async def test_a_sealed_object_is_not_offered_for_a_file_that_is_blocked(house: House) -> None:
    """Nothing that the catalog calls blocked is unsealed by asking for it."""
    address, digests = await stored(house)
    await act(house, "block", "demo")
    await Sealer(house.catalog, house.supply.store).tick()

    answers = [(await house.get(address + end))[0] for end in ("", ".metadata")]
    (facts,) = (await house.memory("demo")).files

    assert answers == [403, 403]
    assert FoundFile(ProjectName("demo"), facts).facts.state == "blocked"
    assert await in_reach(house, digests) == [False, False]
