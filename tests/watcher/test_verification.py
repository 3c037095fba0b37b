"""The store is compared with what it should hold, and mended where upstream still has the bytes."""

from pathlib import Path

import pytest

from mirror import verification
from mirror.catalog import holdings
from mirror.catalog.holdings import Holding
from mirror.errors import StoreError
from mirror.names import Sha256
from mirror.store.directory import DirectoryStore
from mirror.store.keys import StoreKey
from mirror.targets import Verb, order_of
from mirror.verification import Damage, Finding, Outcome, Verifier
from tests.watcher.hearing import has_heard
from tests.watcher.houses import House, long_ago


def verifier(house: House, *, repair: bool = False) -> Verifier:
    """Looks at this house's store."""
    return Verifier(
        catalog=house.catalog,
        store=house.supply.store,
        rules=house.rules,
        now=house.pypi.now,
        supply=house.supply if repair else None,
    )


async def findings(house: House, *, repair: bool = False) -> list[Finding]:
    """What a look at everything finds."""
    found = [one async for _, several in verifier(house, repair=repair).all() for one in several]
    await has_heard(house)
    return found


async def stock(house: House, *versions: str) -> dict[str, Sha256]:
    """Wheels that are here, with their metadata: the digest of each version."""
    for version in versions:
        house.pypi.upload("demo", version, uploaded_at=long_ago(house.pypi, days=200))
    await house.poll()
    for filename in await house.listed("demo"):
        address = await house.url("demo", filename)
        for end in ("", ".metadata"):
            assert (await house.get(address + end))[0] == 200
    files = (await house.memory("demo")).files
    return {file.version: file.sha256 for file in files if file.version and file.sha256}


def damage(house: House, digest: Sha256, content: bytes | None) -> None:
    """Somebody else has been at the disk."""
    path = house.supply.store.local_path(StoreKey(digest))
    assert path is not None
    path.unlink()
    if content is not None:
        path.write_bytes(content)


async def test_an_intact_store_has_no_findings(house: House) -> None:
    """Every object is looked at, and nothing is changed by it."""
    await stock(house, "1.0", "2.0")

    seen = [holding async for holding, _ in verifier(house).all()]

    assert [holding.filename for holding in seen] == ["demo-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl"]
    assert await findings(house) == []


async def test_what_is_missing_and_what_was_changed_is_found_and_left_as_it_is(house: House) -> None:
    """A change that keeps the size is found, too: the digest says so."""
    digests = await stock(house, "1.0", "2.0", "3.0")
    damage(house, digests["1.0"], None)
    damage(house, digests["2.0"], b"short")
    file = (await house.memory("demo")).files[2]
    damage(house, digests["3.0"], b"x" * (file.listed_file.size or 0))

    found = await findings(house)

    assert [(one.filename, one.damage, one.outcome) for one in found] == [
        ("demo-1.0-py3-none-any.whl", Damage.MISSING, Outcome.LEFT),
        ("demo-2.0-py3-none-any.whl", Damage.CHANGED, Outcome.LEFT),
        ("demo-3.0-py3-none-any.whl", Damage.CHANGED, Outcome.LEFT),
    ]
    assert len(await findings(house)) == 3
    async with house.catalog.reading() as conn:
        assert await holdings.failures(conn) == 6
    assert b"\neverpin_verify_failures_total 6.0\n" in (await house.get("/metrics"))[1]


async def test_what_upstream_still_has_is_repaired(house: House) -> None:
    """The file and what stands beside it."""
    digests = await stock(house, "1.0")
    metadata = (await house.memory("demo")).files[0].listed_file.core_metadata
    assert isinstance(metadata, str)
    damage(house, digests["1.0"], b"rotten")
    damage(house, metadata, None)

    found = await findings(house, repair=True)

    assert [(one.damage, one.outcome) for one in found] == [
        (Damage.CHANGED, Outcome.REPAIRED),
        (Damage.MISSING, Outcome.REPAIRED),
    ]
    assert await findings(house) == []
    assert (await house.get(await house.url("demo", "demo-1.0-py3-none-any.whl")))[0] == 200


async def test_what_nobody_has_any_more_is_lost_and_said_to_be(house: House) -> None:
    """And comes off the page: nothing is offered that cannot be given."""
    digests = await stock(house, "1.0", "2.0")
    house.pypi.faults.forget_file("demo-1.0-py3-none-any.whl")
    house.pypi.delete_release("demo", "1.0")
    await house.poll()
    damage(house, digests["1.0"], None)

    found = await findings(house, repair=True)

    assert (found[0].damage, found[0].outcome) == (Damage.MISSING, Outcome.LOST)
    assert (await house.states("demo"))["demo-1.0-py3-none-any.whl"] == "lost"
    assert list(await house.listed("demo")) == ["demo-2.0-py3-none-any.whl"]


async def test_what_cannot_be_had_at_the_moment_is_not_given_up(house: House) -> None:
    """Nor forgotten: the keeper fetches it when upstream answers again."""
    digests = await stock(house, "1.0")
    damage(house, digests["1.0"], b"rotten")
    house.pypi.faults.files_down = "503html"

    (found,) = await findings(house, repair=True)
    house.pypi.faults.files_down = None
    await house.keeper.work_off()

    assert (found.damage, found.outcome) == (Damage.CHANGED, Outcome.NOT_NOW)
    assert (await house.memory("demo")).files[0].stored_at is not None
    assert await findings(house) == []


async def test_what_cannot_be_read_is_found_and_does_not_end_the_search(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk with a bad sector. It is not taken out: what cannot be read now may be whole."""
    digests = await stock(house, "1.0", "2.0", "3.0")
    digest = DirectoryStore.digest

    async def fails(store: DirectoryStore, key: StoreKey) -> Sha256 | None:
        if key.sha256 == digests["2.0"]:
            raise StoreError("the store could not read it: Input/output error")
        return await digest(store, key)

    damage(house, digests["3.0"], None)
    with monkeypatch.context() as broken:
        broken.setattr(DirectoryStore, "digest", fails)
        found = await findings(house, repair=True)

    assert [(one.damage, one.outcome) for one in found] == [
        (Damage.UNREADABLE, Outcome.LEFT),
        (Damage.MISSING, Outcome.REPAIRED),
    ]
    assert "Input/output" in found[0].reason
    assert await findings(house) == []


async def test_a_store_that_is_away_ends_the_search(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said to be damaged, object after object, that nobody can look at."""
    await stock(house, "1.0", "2.0", "3.0")
    monkeypatch.setattr(verification, "_MOST_UNREADABLE", 2)

    async def fails(*_: object) -> None:
        raise StoreError("the directory of the store is gone")

    monkeypatch.setattr(DirectoryStore, "size", fails)

    with pytest.raises(StoreError, match="is gone"):
        await findings(house, repair=True)


async def test_what_somebody_else_mended_meanwhile_is_left_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole bytes are not taken out because they were wrong a moment ago: there may be no others."""
    digests = await stock(house, "1.0", "2.0")
    house.pypi.faults.forget_file("demo-1.0-py3-none-any.whl")
    house.pypi.delete_release("demo", "1.0")
    await house.poll()
    digest, seen = DirectoryStore.digest, list[StoreKey]()

    async def wrong_once(store: DirectoryStore, key: StoreKey) -> Sha256 | None:
        seen.append(key)
        return Sha256("0" * 64) if seen.count(key) == 1 and key.sha256 == digests["1.0"] else await digest(store, key)

    with monkeypatch.context() as mended:
        mended.setattr(DirectoryStore, "digest", wrong_once)
        (found,) = await findings(house, repair=True)

    assert (found.damage, found.outcome) == (Damage.CHANGED, Outcome.REPAIRED)
    assert (await house.states("demo"))["demo-1.0-py3-none-any.whl"] == "kept"
    assert await findings(house) == []


async def test_what_is_blocked_and_sealed_is_looked_at_and_not_fetched(house: House) -> None:
    """Sealed bytes are no missing bytes."""
    digests = await stock(house, "1.0")
    await house.orders.carry_out(order_of(Verb.BLOCK, "demo", actor="olga", reason="malware"))
    await house.supply.store.seal(StoreKey(digests["1.0"]))

    assert await findings(house, repair=True) == []


async def test_a_sample_is_of_the_size_that_was_asked_for(house: House, tmp_path: Path) -> None:
    """Of all that is stored, by lot."""
    await stock(house, "1.0", "2.0", "3.0", "4.0", "5.0")

    async def drawn(count: int) -> list[Holding]:
        return [holding async for holding, _ in verifier(house).sample(count)]

    assert len({holding.file_id for holding in await drawn(3)}) == 3
    assert len(await drawn(50)) == 5
