"""Orders that are given while others store what they are about."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mirror import observe
from mirror.catalog.database import Catalog
from mirror.orders import CarriedOut, Orders
from mirror.store.directory import DirectoryStore
from mirror.targets import Verb, order_of
from tests.mirror.changes.histories import NOW, RULES, listed, page
from tests.mirror.observe.observations import finished, see, states_of, until_one_waits


@pytest_asyncio.fixture
async def orders(watched: Catalog, tmp_path: Path) -> AsyncIterator[Orders]:
    """What carries out orders, with a store of its own."""
    store = DirectoryStore(tmp_path / "store")
    await store.check()
    yield Orders(catalog=watched, store=store, rules=RULES, now=lambda: NOW)


async def _act(orders: Orders, verb: Verb, target: str) -> CarriedOut:
    return await orders.carry_out(order_of(verb, target, actor="olga", reason="so be it"))


@pytest.mark.parametrize("target", ["demo", "demo==1.0", f"sha256:{listed('1.0').sha256}"])
async def test_a_block_covers_what_is_being_stored_while_it_is_given(
    watched: Catalog, orders: Orders, target: str
) -> None:
    """A project whose first page is taken in without knowledge of the block is blocked when the order is through."""
    async with watched.writing() as conn:
        await observe.page(conn, page(60, listed("1.0")), rules=RULES, now=NOW)
        given = asyncio.create_task(_act(orders, Verb.BLOCK, target))
        await until_one_waits(watched)
    await finished(given)

    assert given.result().files == ()
    assert await states_of(watched) == {"1.0": "blocked operator"}


async def test_a_purge_covers_what_is_being_stored_while_it_is_given(watched: Catalog, orders: Orders) -> None:
    """The same bytes under another name, for instance in a release that is just being seen."""
    await see(watched, 60, "1.0")
    digest = listed("2.0").sha256
    async with watched.writing() as conn:
        await conn.execute("update files set sha256 = decode($1, 'hex')", digest)
    async with watched.writing() as conn:
        await observe.page(conn, page(61, listed("1.0"), listed("2.0")), rules=RULES, now=NOW)
        given = asyncio.create_task(_act(orders, Verb.PURGE, f"sha256:{digest}"))
        await until_one_waits(watched)
    await finished(given)

    assert (await states_of(watched))["2.0"] == "purged"


async def test_a_block_that_ends_covers_nothing_that_is_being_stored(watched: Catalog, orders: Orders) -> None:
    """A page that was taken in by somebody who still saw the block is right in the end."""
    await _act(orders, Verb.BLOCK, "demo")
    async with watched.writing() as conn:
        await observe.page(conn, page(60, listed("1.0")), rules=RULES, now=NOW)
        given = asyncio.create_task(_act(orders, Verb.UNBLOCK, "demo"))
        await until_one_waits(watched)
    await finished(given)

    assert await states_of(watched) == {"1.0": "live"}
