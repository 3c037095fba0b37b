"""Operators' acts outlive the catalog: noted beside the bytes, they are carried out again where they are missing."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from mirror.catalog import acts
from mirror.catalog.database import Catalog, migrate, opened
from mirror.errors import StoreError
from mirror.noted_acts import decode
from mirror.store.directory import DirectoryStore
from mirror.targets import Verb, order_of
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago


@pytest_asyncio.fixture
async def empty_catalog(database_url: str) -> AsyncIterator[Catalog]:
    """Another catalog, of one who lost the first."""
    name = f"again_{secrets.token_hex(4)}"
    address, _, options = database_url.partition("?")
    conn = await asyncpg.connect(database_url)
    try:
        await conn.execute(f"create database {name}")
        async with opened(f"{address.rpartition('/')[0]}/{name}?{options}", pool_size=4) as catalog:
            await migrate(catalog)
            yield catalog
        await conn.execute(f"drop database {name} with (force)")
    finally:
        await conn.close()


async def act(house: House, verb: str, target: str, *, as_was: bool = False) -> None:
    """An operator orders this."""
    await house.orders.carry_out(order_of(Verb(verb), target, actor="olga", reason="so be it", as_was=as_was))


async def stock(house: House, *versions: str, days: float = 400) -> None:
    """Wheels of these versions whose bytes are here."""
    for version in versions:
        house.pypi.upload("demo", version, uploaded_at=long_ago(house.pypi, days=days))
    await house.poll()
    for filename in await house.listed("demo"):
        assert (await house.get(await house.url("demo", filename)))[0] == 200


def wheel(version: str) -> str:
    """The filename of that version."""
    return f"demo-{version}-py3-none-any.whl"


async def test_every_act_stands_beside_the_bytes(house: House) -> None:
    """In the order of time, with all that a catalog which knows nothing of it needs."""
    await stock(house, "1.0", "2.0")
    await act(house, "block", "other")
    await act(house, "purge", "demo==1.0")

    notes = [decode(name, body) async for name, body in house.supply.store.acts()]
    facts = {file.filename: file.sha256 for file in (await house.memory("demo")).files}

    assert [(str(note.order.verb), str(note.order.target)) for note in notes if note] == [
        ("block", "other"),
        ("purge", "demo==1.0"),
    ]
    assert notes[1] is not None
    assert notes[1].digests == {facts[wheel("1.0")]}
    assert notes[1].order.reason == "so be it"


async def test_a_new_catalog_on_old_bytes_is_under_the_same_orders(
    house: House, empty_catalog: Catalog, tmp_path: Path, pypi: PyPISim
) -> None:
    """Blocked stays blocked and purged stays purged; a block that was lifted stays lifted."""
    await stock(house, "1.0", "2.0", "3.0", "4.0")
    await act(house, "block", "demo==1.0")
    await act(house, "block", "demo==3.0")
    await act(house, "unblock", "demo==3.0")
    await act(house, "purge", "demo==2.0")

    async with house_of(pypi, empty_catalog, house.settings.data_dir) as again:
        await again.orders.finish()
        await again.poll()
        await again.page("demo")
        states = await again.states("demo")
        async with empty_catalog.reading() as conn:
            carried_out = await acts.newest(conn, limit=10)

    assert states == {
        wheel("1.0"): "blocked operator",
        wheel("2.0"): "purged",
        wheel("3.0"): "live",
        wheel("4.0"): "live",
    }
    assert [(str(each.verb), each.target) for each in reversed(carried_out)] == [
        ("block", "demo==1.0"),
        ("block", "demo==3.0"),
        ("unblock", "demo==3.0"),
        ("purge", "demo==2.0"),
    ]


async def test_acts_are_carried_out_again_once_only(house: House, empty_catalog: Catalog, pypi: PyPISim) -> None:
    """However often such a catalog starts."""
    await act(house, "block", "demo")
    async with house_of(pypi, empty_catalog, house.settings.data_dir) as again:
        for _ in range(3):
            await again.orders.finish()
        kinds = await again.kinds()

    assert len(kinds) == 1
    assert kinds[0].startswith("operator.act")


async def test_processes_that_start_at_the_same_time_carry_an_act_out_once(
    house: House, empty_catalog: Catalog, pypi: PyPISim
) -> None:
    """Whoever comes second waits for the first, and finds nothing left to be done."""
    await stock(house, "1.0", "2.0")
    await act(house, "block", "demo==1.0")
    await act(house, "purge", "demo==2.0")
    async with (
        house_of(pypi, empty_catalog, house.settings.data_dir) as one,
        house_of(pypi, empty_catalog, house.settings.data_dir) as other,
    ):
        await asyncio.gather(*(each.orders.finish() for each in (one, other) for _ in range(3)))
        kinds = await one.kinds()
        async with empty_catalog.reading() as conn:
            carried_out = await acts.newest(conn, limit=10)
            unsettled = await acts.unsettled(conn)

    assert len(kinds) == 2
    assert [str(each.verb) for each in carried_out] == ["purge", "block"]
    assert unsettled == []


async def test_a_note_that_is_called_by_another_time_is_none(house: House) -> None:
    """The names say in which order acts were given: a time that is not the act's would have it come before others."""
    await act(house, "block", "demo")
    ((name, body),) = [note async for note in house.supply.store.acts()]
    (date, token) = name.split("-")
    later = f"{int(date[:4]) + 1}{date[4:]}-{token}"

    assert decode(name, body) is not None
    assert decode(later, body) is None
    assert decode(name + "\n", body) is None
    for extreme in (b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"2026-01-01T00:00:00"):
        start = body.index(b'"at":"') + 6
        assert decode(name, body[:start] + extreme + body[body.index(b'"', start) :]) is None


async def test_notes_of_acts_that_are_known_are_not_read(house: House) -> None:
    """A bucket wants to be asked for each of them, at each start of each process."""
    await act(house, "block", "demo")
    ((known, _),) = [note async for note in house.supply.store.acts()]

    assert [note async for note in house.supply.store.acts(without=frozenset({known}))] == []


async def test_a_release_waits_until_its_files_are_known_and_is_for_no_others(
    house: House, empty_catalog: Catalog, pypi: PyPISim
) -> None:
    """What has the same name and version by then, but other bytes, was never released."""
    await stock(house, "9.0")
    await stock(house, "1.0", days=1)
    pypi.delete_release("demo", "1.0")
    await house.poll()
    await act(house, "release", "demo==1.0")
    assert (await house.states("demo"))[wheel("1.0")] == "kept"

    async with house_of(pypi, empty_catalog, house.settings.data_dir) as again:
        await again.orders.finish()
        pypi.upload("demo", "1.0", uploaded_at=pypi.now(), kind="sdist")
        await again.poll()
        await again.page("demo")
        pypi.delete_release("demo", "1.0")
        await again.poll()
        await again.orders.finish()
        states = await again.states("demo")
        async with empty_catalog.reading() as conn:
            carried_out = await acts.newest(conn, limit=10)

    assert carried_out == []
    assert states["demo-1.0.tar.gz"].startswith("held")


async def test_what_could_not_be_noted_is_noted_at_the_next_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An act is in force whether or not the store could be written to."""

    async def fails(*_: object) -> None:
        raise StoreError("the store is away")

    with monkeypatch.context() as broken:
        broken.setattr(DirectoryStore, "write_act", fails)
        await act(house, "block", "demo")
    assert [name async for name, _ in house.supply.store.acts()] == []

    await house.orders.finish()

    assert len([name async for name, _ in house.supply.store.acts()]) == 1


async def test_a_note_that_nobody_can_read_is_left_alone(house: House) -> None:
    """Whoever put it there: a start does not fail because of it, and nothing is done."""
    store = house.supply.store
    name = f"{house.pypi.now() - timedelta(days=1):%Y%m%dT%H%M%S%f}Z-0123456789ab"
    for body in (b"", b"[]", b"[" * 100_000, b'{"verb": "destroy"}', b"\xff"):
        await store.write_act(name, body)
        await house.orders.finish()
    await store.write_act("notes.txt", b"hello")
    await house.orders.finish()

    assert await house.kinds() == []
