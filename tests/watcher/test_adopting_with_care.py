"""What is imported passes the same gates as what is fetched, and whatever a tree looks like, the rest goes on."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mirror import adoption
from mirror.adoption import Outcome
from mirror.catalog import evictions, sealed
from mirror.catalog.database import Catalog
from mirror.catalog.evictions import Candidate
from mirror.errors import StoreError
from mirror.names import ProjectName, Sha256
from mirror.observe import evicted
from mirror.offers import OfferedObject
from mirror.offers import below as offers_below
from mirror.sealing import Sealer
from mirror.store.directory import DirectoryStore
from mirror.store.keys import StoreKey
from mirror.targets import Verb, order_of
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago
from tests.watcher.test_adoption import VOUCHING, adopter, below, lost, lying, take


def tree_of(tmp_path: Path, **contents: bytes) -> Path:
    """A directory with these wheels, named by their projects."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name, content in contents.items():
        (tree / f"{name}-1.0-py3-none-any.whl").write_bytes(content)
    return tree


@asynccontextmanager
async def private(pypi: PyPISim, catalog: Catalog, data_dir: Path) -> AsyncIterator[House]:
    """A house to which names that begin with `acme` are private."""
    async with house_of(pypi, catalog, data_dir, private_names=("acme*",)) as house:
        yield house


async def test_nothing_is_taken_in_under_a_private_name(
    house: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Neither by vouching nor where it is known from the time before: nobody would be given it, until by mistake."""
    known = pypi.upload("acme", "2.0", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    await house.page("acme")
    tree = lying(tree_of(tmp_path, acme=b"ours", acme_tools=b"ours, too"), known)

    async with private(pypi, catalog, tmp_path / "other") as other:
        taken = await take(other, below(tree), vouching=VOUCHING)
        objects = [each async for each in other.supply.store.objects()]

    assert {done.outcome for done in taken.values()} == {Outcome.REFUSED}
    assert all("private" in done.reason for done in taken.values())
    assert objects == []


async def test_a_purge_while_a_file_is_vouched_for_leaves_nothing_of_it(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever comes first: the bytes are banned when both are done."""
    content = b"bytes of a wheel"
    digest = hashlib.sha256(content).hexdigest()
    begun, go_on = asyncio.Event(), asyncio.Event()
    put = DirectoryStore.put

    async def slow(store: DirectoryStore, spool: Path, key: StoreKey, *, blob: object = None) -> None:
        await put(store, spool, key)
        begun.set()
        await go_on.wait()

    house.pypi.upload("other", "1.0", content=content, uploaded_at=long_ago(house.pypi, days=9))
    tree = tree_of(tmp_path, gone=content)
    with monkeypatch.context() as slowly:
        slowly.setattr(DirectoryStore, "put", slow)
        importing = asyncio.create_task(take(house, below(tree), vouching=VOUCHING))
        await begun.wait()
        await house.poll()
        await house.page("other")
        await house.orders.carry_out(order_of(Verb.PURGE, f"sha256:{digest}", actor="olga", reason="court order"))
        go_on.set()
        taken = await importing

    assert {done.outcome for done in taken.values()} == {Outcome.REFUSED}
    assert [each async for each in house.supply.store.objects()] == []


async def test_what_was_to_make_room_stays_when_it_is_imported(house: House, tmp_path: Path) -> None:
    """Its object is there still, and whoever was about to delete it must not."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=200))
    await house.poll()
    await house.get(await house.url("demo", file.filename))
    (facts,) = (await house.memory("demo")).files
    assert facts.id is not None
    async with house.catalog.writing() as conn:
        await evicted(conn, [Candidate(facts.id, ProjectName("demo"), file.size)], now=house.pypi.now())

    taken = await take(house, below(lying(tmp_path / "tree", file)))

    assert taken[file.filename].outcome is Outcome.ADOPTED
    async with house.catalog.reading() as conn:
        assert await evictions.undeleted(conn, before=house.pypi.now(), limit=10) == []


async def test_a_tree_that_cannot_be_read_everywhere_is_read_elsewhere(house: House, tmp_path: Path) -> None:
    """However deep it is, and whatever its names are made of."""
    file = await lost(house)
    deep = tmp_path / "tree"
    deep.mkdir()
    for _ in range(700):
        deep = deep / "d"
        deep.mkdir()
    lying(deep, file)
    (tmp_path / "tree" / os.fsdecode(b"demo-1.0\xff-py3-none-any.whl")).write_bytes(b"no text")
    (tmp_path / "tree" / "evil-1.0\n\x1b[2J.tar.gz").write_bytes(b"no name")
    unreadable: list[StoreError] = []
    offers = list(offers_below(tmp_path / "tree", unreadable.append))
    missing = list(offers_below(tmp_path / "nowhere", unreadable.append))

    taken = await take(house, offers, vouching=VOUCHING)

    assert taken[file.filename].outcome is Outcome.ADOPTED
    assert sorted(done.outcome for done in taken.values()) == [Outcome.ADOPTED, Outcome.REFUSED, Outcome.REFUSED]
    assert (missing, len(unreadable)) == ([], 1)


async def test_of_many_strangers_only_so_many_are_remembered(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is told of, and equal bytes under two names are vouched for once."""
    monkeypatch.setattr(adoption, "_SOUGHT_AT_A_TIME", 2)
    tree = tree_of(tmp_path, one=b"1", two=b"2", three=b"3", four=b"4")
    (tree / "copy").mkdir()
    (tree / "copy" / "one-1.0-py3-none-any.whl").write_bytes(b"1")
    taking = adopter(house, VOUCHING)

    outcomes = [done.outcome for offered in below(tree) async for done in taking.take(offered)]
    before_the_end = len(outcomes)
    outcomes += [done.outcome async for done in taking.end()]

    assert before_the_end == 5
    assert sorted(outcomes) == [Outcome.HERE, *[Outcome.VOUCHED] * 4]


async def test_a_sealed_object_is_found_again_and_stays_as_its_files_are(house: House, tmp_path: Path) -> None:
    """As after the loss of the catalog: it is out of reach while a block stands, and back when that ends."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=200))
    store, sealer = house.supply.store, Sealer(house.catalog, house.supply.store)
    spool, key = tmp_path / "copy", StoreKey(Sha256(file.sha256))
    spool.write_bytes(file.content)
    await store.put(spool, key)
    await store.seal(key)
    await house.poll()
    await house.orders.carry_out(order_of(Verb.BLOCK, "demo", actor="olga", reason="malware"))
    await house.page("demo")

    taken = await take(house, [OfferedObject(store, found, is_stored=True) async for found in store.objects()])
    await sealer.tick()
    while_blocked = await store.size(key)
    await house.orders.carry_out(order_of(Verb.UNBLOCK, "demo", actor="olga", reason="a mistake"))
    await sealer.tick()

    assert [done.outcome for done in taken.values()] == [Outcome.ADOPTED]
    assert (while_blocked, await store.size(key)) == (None, file.size)
    async with house.catalog.reading() as conn:
        assert await sealed.to_unseal(conn, limit=10) == []


async def test_what_was_removed_under_a_quarantine_is_not_vouched_for(house: House, tmp_path: Path) -> None:
    """Also where nobody here ever asked for it: the journal's rows are remembered."""
    house.pypi.upload("gone", "1.0", uploaded_at=long_ago(house.pypi, days=9))
    house.pypi.upload("free", "1.0", uploaded_at=long_ago(house.pypi, days=9))
    await house.poll()
    for name in ("gone", "free"):
        house.pypi.quarantine_project(name)
    house.pypi.clear_project_quarantine("free")
    for name in ("gone", "free"):
        house.pypi.admin_delete_project(name)
    await house.poll()

    taken = await take(house, below(tree_of(tmp_path, gone=b"malware", free=b"none")), vouching=VOUCHING)

    assert {name.partition("-")[0]: done.outcome for name, done in taken.items()} == {
        "gone": Outcome.REFUSED,
        "free": Outcome.VOUCHED,
    }
