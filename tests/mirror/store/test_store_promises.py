"""What every store promises, asked of each of them."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from mirror.errors import NotThereError
from mirror.names import Sha256
from mirror.store.directory import DirectoryStore
from mirror.store.interface import Store
from mirror.store.keys import Blob, StoreKey

BODY = bytes(range(256)) * 4000
BLOB = Blob("leftpad-1.0.tar.gz", canonicalize_name("leftpad"), "1.0")

Putter = Callable[[bytes], Awaitable[StoreKey]]


@pytest.fixture(params=["directory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made = {"directory": lambda: DirectoryStore(tmp_path / "store")}[request.param]()
    await made.check()
    return made


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Putter:
    async def put(body: bytes) -> StoreKey:
        key = key_of(body)
        spool = tmp_path / key.sha256
        spool.write_bytes(body)
        await store.put(spool, key, blob=BLOB)
        spool.unlink()
        return key

    return put


def key_of(body: bytes) -> StoreKey:
    return StoreKey(Sha256(hashlib.sha256(body).hexdigest()))


async def read(store: Store, key: StoreKey, *, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, start=start, stop=stop)])


@pytest.mark.parametrize("body", [b"", b"x", BODY], ids=["empty", "one byte", "several chunks"])
async def test_what_was_put_can_be_read(store: Store, put: Putter, body: bytes) -> None:
    """All bytes, and the size; the spool is the caller's to delete."""
    key = await put(body)

    assert await store.size(key) == len(body)
    assert await read(store, key) == body


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 1), (1, 5), (300_000, 300_001), (0, len(BODY)), (len(BODY) - 1, None), (5, 10 * len(BODY)), (len(BODY), None)],
)
async def test_a_part_can_be_read(store: Store, put: Putter, start: int, stop: int | None) -> None:
    """From `start` up to but without `stop`, as far as there are bytes."""
    key = await put(BODY)

    assert await read(store, key, start=start, stop=stop) == BODY[start:stop]


async def test_what_was_never_put_is_not_there(store: Store) -> None:
    """Which is an answer, not a failure."""
    key = key_of(b"never")

    assert await store.size(key) is None
    with pytest.raises(NotThereError):
        await read(store, key)


async def test_putting_again_changes_nothing(store: Store, put: Putter) -> None:
    """The same key means the same bytes."""
    key = await put(BODY)

    assert await put(BODY) == key
    assert await read(store, key) == BODY


async def test_what_was_deleted_is_gone(store: Store, put: Putter) -> None:
    """And deleting what is not there is harmless; it can be put again."""
    key = await put(BODY)

    await store.delete(key)
    await store.delete(key)

    assert await store.size(key) is None
    await put(BODY)
    assert await read(store, key) == BODY


async def test_a_reader_is_not_disturbed_by_a_deletion(store: Store, put: Putter) -> None:
    """Who has begun to read gets the object to its end."""
    key = await put(BODY)
    chunks = store.read(key)
    first = await anext(chunks)

    await store.delete(key)

    assert first + b"".join([chunk async for chunk in chunks]) == BODY


async def test_a_local_path_is_the_object(store: Store, put: Putter) -> None:
    """Where a store has files on this host, they hold exactly the bytes."""
    key = await put(BODY)
    path = store.local_path(key)

    assert path is None or path.read_bytes() == BODY


async def test_a_store_can_be_checked_while_it_is_used(store: Store, put: Putter) -> None:
    """Another process may start at any time."""
    key = await put(BODY)

    await store.check()

    assert await read(store, key) == BODY


@pytest.mark.parametrize("text", ["", "../../etc/passwd", "AB" * 32, "ab" * 31, "ab" * 32 + "\n", "g" * 64])
def test_only_a_digest_names_an_object(text: str) -> None:
    """No other text ever becomes part of a path."""
    with pytest.raises(ValueError, match="64 lower-case"):
        StoreKey(Sha256(text))


def test_the_layout_of_keys_is_fixed() -> None:
    """Objects that were stored once must be found for ever."""
    digest = "abcdef" + "0" * 58

    assert str(StoreKey(Sha256(digest))) == f"files/ab/cd/{digest}"
