"""What every store promises of sealed objects: nobody reaches them, and nothing of them gets lost."""

from pathlib import Path

import pytest

from mirror.errors import NotThereError
from mirror.store.interface import Store, StoredObject
from mirror.store.keys import StoreKey
from tests.mirror.store.conftest import Putter, key_of, read

BODY = bytes(range(256)) * 4000
LARGE = bytes(range(251)) * 48_000

small_or_large = pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])


@pytest.fixture(params=["directory", "bucket", "versioned bucket"])
def kind(request: pytest.FixtureRequest) -> str:
    """Of which kind `store` is. Where versions are kept, what is moved away must not stay behind as one."""
    return str(request.param)


async def objects(store: Store) -> list[StoredObject]:
    """All objects."""
    return [stored async for stored in store.objects()]


async def is_reached(store: Store, key: StoreKey) -> bool:
    """Whether the store gives it away by any way."""
    path = store.local_path(key)
    ways = [await store.size(key) is not None, await store.adopt(key) is not None, path is not None and path.exists()]
    try:
        await read(store, key)
    except NotThereError:
        return any(ways)
    return True


@small_or_large
async def test_what_is_sealed_is_out_of_reach(store: Store, put: Putter, body: bytes) -> None:
    """It is there once, and sealing it again is harmless."""
    key = await put(body)

    await store.seal(key)
    await store.seal(key)

    assert not await is_reached(store, key)
    assert await objects(store) == [StoredObject(key, len(body), is_sealed=True)]


@small_or_large
async def test_what_is_unsealed_is_as_before(store: Store, put: Putter, body: bytes) -> None:
    """It is there once, and unsealing it again is harmless."""
    key = await put(body)
    await store.seal(key)

    await store.unseal(key)
    await store.unseal(key)

    assert await read(store, key) == body
    assert await objects(store) == [StoredObject(key, len(body))]


@small_or_large
async def test_what_is_lent_is_visible_and_can_be_sealed_again(store: Store, put: Putter, body: bytes) -> None:
    """However often either is done, and unsealed once more it is there once."""
    key = await put(body)
    await store.seal(key)

    await store.lend(key)
    await store.lend(key)
    lent = await store.size(key)
    await store.seal(key)
    sealed = await store.size(key)
    await store.unseal(key)

    assert (lent, sealed) == (len(body), None)
    assert [(one.key, one.is_sealed) async for one in store.objects()] == [(key, False)]


@small_or_large
async def test_a_put_unseals_nothing(store: Store, put: Putter, body: bytes) -> None:
    """The object is there once, as whole as after any put."""
    key = await put(body)
    await store.seal(key)

    await put(body)

    assert not await is_reached(store, key)
    assert await objects(store) == [StoredObject(key, len(body), is_sealed=True)]


async def test_what_is_not_there_is_neither_sealed_nor_unsealed(store: Store, put: Putter) -> None:
    """That is harmless, and what is put later can be reached."""
    await store.seal(key_of(BODY))
    await store.unseal(key_of(BODY))

    await put(BODY)

    assert await read(store, key_of(BODY)) == BODY


async def test_what_is_sealed_can_be_deleted(store: Store, put: Putter) -> None:
    """For good: unsealing brings nothing back."""
    key = await put(BODY)
    await store.seal(key)

    await store.delete(key)
    await store.unseal(key)

    assert await objects(store) == []
    assert not await is_reached(store, key)


async def test_what_is_sealed_is_known_by_its_digest(store: Store, put: Putter, tmp_path: Path) -> None:
    """A sealed object that is damaged is made whole by a put, and stays sealed."""
    key = key_of(BODY)
    spool = tmp_path / "short"
    spool.write_bytes(BODY)
    await put(BODY)
    await store.seal(key)

    assert await store.digest(key) == key.sha256
    await put(BODY)
    assert await store.digest(key) == key.sha256
