"""Bytes from elsewhere are taken in where they are known, or where an operator vouches for them; and nowhere else."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from mirror.adoption import Adopter, Outcome, Taken
from mirror.errors import StoreError
from mirror.names import Sha256
from mirror.offers import Offered, OfferedObject, OfferedPath
from mirror.offers import below as offers_below
from mirror.store.keys import StoreKey
from mirror.targets import Order, Verb, order_of, parse_target
from tests.pypi_sim import File
from tests.watcher.hearing import has_heard
from tests.watcher.houses import House, long_ago

VOUCHING = Order(Verb.ADOPT, parse_target("all"), "olga", "from our old mirror")


def adopter(house: House, vouching: Order | None = None) -> Adopter:
    """Takes in what is offered to this house."""
    return Adopter(
        catalog=house.catalog,
        store=house.supply.store,
        spool_dir=house.settings.spool_dir,
        rules=house.rules,
        now=house.pypi.now,
        observe_page=house.refresher.refresh,
        private=house.refresher.index.private,
        vouching=vouching,
    )


async def take(house: House, offers: Iterable[Offered], *, vouching: Order | None = None) -> dict[str, Taken]:
    """What became of each of these, by its name."""
    taking = adopter(house, vouching)
    taken = [done for offered in list(offers) async for done in taking.take(offered)]
    taken += [done async for done in taking.end()]
    await has_heard(house)
    return {done.name: done for done in taken}


def below(directory: Path) -> list[OfferedPath]:
    """What is offered there, all of which can be read."""
    unreadable: list[StoreError] = []
    found = list(offers_below(directory, unreadable.append))
    assert unreadable == []
    return found


def lying(directory: Path, *files: File, called: str | None = None) -> Path:
    """A directory with these files, or with one of them under another name."""
    directory.mkdir(exist_ok=True)
    for file in files:
        (directory / (called or file.filename)).write_bytes(file.content)
    return directory


async def lost(house: House) -> File:
    """A file that upstream deleted before its bytes could be had."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=200))
    house.pypi.upload("demo", "2.0", uploaded_at=long_ago(house.pypi, days=200))
    await house.poll()
    await house.page("demo")
    house.pypi.faults.forget_file(file.filename)
    house.pypi.delete_release("demo", "1.0")
    await house.watch()
    return file


async def test_a_lost_file_comes_back_whatever_it_is_called(house: House, tmp_path: Path) -> None:
    """From a cache that names things by what it likes: the bytes say what they are."""
    file = await lost(house)
    before = (await house.states("demo"))[file.filename]

    taken = await take(house, below(lying(tmp_path / "cache", file, called="5f3a.body")))

    assert before != "kept"
    assert taken["5f3a.body"].outcome is Outcome.ADOPTED
    assert (await house.states("demo"))[file.filename] == "kept"
    assert (await house.get(await house.url("demo", file.filename)))[1] == file.content


async def test_a_tree_of_a_project_that_nobody_asked_for_is_known_by_asking_for_its_page(
    house: House, tmp_path: Path
) -> None:
    """Upstream is asked once for each project, and not at all for the bytes."""
    files = [house.pypi.upload("demo", version, uploaded_at=long_ago(house.pypi, days=9)) for version in ("1.0", "2.0")]
    (tmp_path / "web").mkdir()

    taken = await take(house, below(lying(tmp_path / "web" / "packages", *files).parent))

    assert {done.outcome for done in taken.values()} == {Outcome.ADOPTED}
    for file in files:
        assert (await house.get(await house.url("demo", file.filename)))[1] == file.content
        assert house.pypi.fetches(file.filename) == 0


async def test_what_is_unknown_stays_outside(house: House, tmp_path: Path) -> None:
    """Also what has the name of a file that is known."""
    house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=9))
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "demo-1.0-py3-none-any.whl").write_bytes(b"something else")
    (tree / "README").write_bytes(b"hello")

    taken = await take(house, below(tree))

    assert {done.outcome for done in taken.values()} == {Outcome.UNKNOWN}
    assert [each async for each in house.supply.store.objects()] == []


async def test_what_an_operator_vouches_for_is_kept_and_told(house: House, tmp_path: Path) -> None:
    """It is listed as yanked, so that only exact pins find it, and the act says who and why."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "gone-1.0-py3-none-any.whl").write_bytes(b"bytes of a wheel")

    taken = await take(house, below(tree), vouching=VOUCHING)

    assert taken["gone-1.0-py3-none-any.whl"].outcome is Outcome.VOUCHED
    (yanked,) = (await house.listed("gone")).values()
    assert isinstance(yanked, str)
    assert (await house.get(await house.url("gone", "gone-1.0-py3-none-any.whl")))[1] == b"bytes of a wheel"
    (told,) = await house.payloads()
    assert (told.kind, told.project) == ("operator.act", "gone")
    assert told.act is not None
    assert (told.act.verb, told.act.reason) == ("adopt", "from our old mirror")


async def test_vouching_never_replaces_a_file_that_is_known(house: House, tmp_path: Path) -> None:
    """An exact pin does not turn into other bytes, whoever vouches for them."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=9))
    await house.poll()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / file.filename).write_bytes(b"something else")
    (tree / "notes.txt").write_bytes(b"no distribution")

    taken = await take(house, below(tree), vouching=VOUCHING)

    assert {done.outcome for done in taken.values()} == {Outcome.REFUSED}
    assert (await house.get(await house.url("demo", file.filename)))[1] == file.content


async def test_purged_bytes_do_not_come_back_by_being_imported(house: House, tmp_path: Path) -> None:
    """Neither as what they were nor under a new name."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=200))
    await house.poll()
    await house.get(await house.url("demo", file.filename))
    await house.orders.carry_out(order_of(Verb.PURGE, "demo", actor="olga", reason="court order"))
    tree = lying(tmp_path / "tree", file)
    lying(tree, file, called="other-1.0-py3-none-any.whl")

    taken = await take(house, below(tree), vouching=VOUCHING)

    assert {done.outcome for done in taken.values()} == {Outcome.REFUSED}
    assert [each async for each in house.supply.store.objects()] == []


async def test_a_block_covers_what_is_vouched_for_later(house: House, tmp_path: Path) -> None:
    """Orders stand, for what is imported too."""
    await house.orders.carry_out(order_of(Verb.BLOCK, "gone", actor="olga", reason="malware"))
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "gone-1.0.tar.gz").write_bytes(b"bytes of an sdist")

    await take(house, below(tree), vouching=VOUCHING)

    assert await house.states("gone") == {"gone-1.0.tar.gz": "blocked operator"}
    assert await house.listed("gone") == {}


async def test_importing_twice_changes_nothing(house: House, tmp_path: Path) -> None:
    """What is here is said to be here."""
    file = await lost(house)
    tree = lying(tmp_path / "tree", file)
    await take(house, below(tree))
    told = len(await house.events())

    again = await take(house, below(tree))

    assert again[file.filename].outcome is Outcome.HERE
    assert len(await house.events()) == told


async def test_objects_of_the_own_store_are_found_again(house: House, tmp_path: Path) -> None:
    """As after the loss of the catalog: nothing is copied, and what is not what it is named by is not believed."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=200))
    await house.poll()
    await house.page("demo")
    store = house.supply.store
    for content in (file.content, b"something else"):
        spool = tmp_path / "copy"
        spool.write_bytes(content)
        await store.put(spool, StoreKey(Sha256(hashlib.sha256(content).hexdigest())))
        spool.unlink()

    taken = await take(house, [OfferedObject(store, found, is_stored=True) async for found in store.objects()])

    assert sorted(done.outcome for done in taken.values()) == [Outcome.ADOPTED, Outcome.UNKNOWN]
    house.pypi.delete_release("demo", "1.0")
    await house.poll()
    assert (await house.states("demo"))[file.filename] == "kept"
    assert house.pypi.fetches(file.filename) == 0


async def test_links_and_pipes_in_a_tree_are_left_alone(house: House, tmp_path: Path) -> None:
    """Whoever could write into the tree must not have this mirror read what is outside of it, or wait for ever."""

    file = await lost(house)
    outside = lying(tmp_path / "outside", file) / file.filename
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / file.filename).symlink_to(outside)
    os.mkfifo(tree / "demo-3.0.tar.gz")

    assert await take(house, below(tree)) == {}
