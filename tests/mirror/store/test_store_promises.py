"""What every store promises, asked of each of them: a directory and a bucket."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from mirror.errors import NotThereError, StoreError
from mirror.names import Sha256
from mirror.store.interface import CHUNK, Store
from mirror.store.keys import Blob, StoreKey
from tests.mirror.store.conftest import BLOB, Putter, key_of, read

BODY = bytes(range(256)) * 4000
LARGE = bytes(range(251)) * 48_000
"""Twelve megabytes, of which no two parts are alike."""


@pytest.mark.parametrize("body", [b"", b"x", BODY, LARGE], ids=["empty", "one byte", "several chunks", "large"])
async def test_what_was_put_can_be_read(store: Store, put: Putter, body: bytes) -> None:
    """All bytes, and the size; the spool is the caller's to delete."""
    key = await put(body)

    assert await store.size(key) == len(body)
    assert await read(store, key) == body


async def test_a_part_can_be_read(store: Store, put: Putter) -> None:
    """From `start` up to but without `stop`, as far as there are bytes."""
    key = await put(BODY)
    size = len(BODY)
    parts = [(0, 1), (1, 5), (300_000, 300_001), (0, size), (size - 1, None), (5, 10 * size), (size, None)]
    parts += [(size + 5, None), (size + 5, size + 9), (7, 7)]

    for start, stop in parts:
        assert await read(store, key, start=start, stop=stop) == BODY[start:stop], (start, stop)


async def test_bytes_come_in_chunks_of_bounded_size(store: Store, put: Putter) -> None:
    """However large the object is."""
    key = await put(LARGE)

    lengths = [len(chunk) async for chunk in store.read(key)]

    assert sum(lengths) == len(LARGE)
    assert 0 < max(lengths) <= CHUNK


async def test_what_was_never_put_is_not_there(store: Store) -> None:
    """Which is an answer, not a failure."""
    key = key_of(b"never")

    assert await store.size(key) is None
    assert await store.adopt(key) is None
    assert await store.digest(key) is None
    with pytest.raises(NotThereError):
        await read(store, key)
    with pytest.raises(NotThereError):
        await read(store, key, start=5, stop=5)


async def test_what_was_put_is_adopted(store: Store, put: Putter) -> None:
    """By who finds it after a crash."""
    assert await store.adopt(await put(BODY)) == len(BODY)


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
async def test_putting_again_changes_nothing(store: Store, put: Putter, body: bytes) -> None:
    """The same key means the same bytes."""
    key = await put(body)

    assert await put(body) == key
    assert await read(store, key) == body


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
async def test_many_puts_of_one_object_at_the_same_time_agree(store: Store, tmp_path: Path, body: bytes) -> None:
    """Whoever is first, the object is whole for everybody."""
    spools = [tmp_path / f"spool-{number}" for number in range(4)]
    for path in spools:
        path.write_bytes(body)

    await asyncio.gather(*(store.put(path, key_of(body)) for path in spools))

    assert await read(store, key_of(body)) == body
    assert [(stored.key, stored.size) async for stored in store.objects()] == [(key_of(body), len(body))]


async def test_a_spool_that_is_gone_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """The failure is told, and the store is as before."""
    with pytest.raises(StoreError):
        await store.put(tmp_path / "missing", key_of(BODY))

    assert await store.size(key_of(BODY)) is None
    assert [stored async for stored in store.objects()] == []


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
async def test_what_was_deleted_is_gone(store: Store, put: Putter, body: bytes) -> None:
    """And deleting what is not there is harmless; it can be put again."""
    key = await put(body)

    await store.delete(key)
    await store.delete(key)

    assert await store.size(key) is None
    await put(body)
    assert await read(store, key) == body


async def test_a_reader_is_not_disturbed_by_a_deletion(store: Store, put: Putter) -> None:
    """Who has begun to read gets the object to its end."""
    key = await put(BODY)
    chunks = store.read(key)
    first = await anext(chunks)

    await store.delete(key)

    assert first + b"".join([chunk async for chunk in chunks]) == BODY


async def test_who_stops_reading_disturbs_nobody(store: Store, put: Putter) -> None:
    """As a client that goes away."""
    key = await put(LARGE)
    chunks = store.read(key)
    await anext(chunks)

    await chunks.aclose()

    assert await read(store, key) == LARGE


async def test_a_local_path_is_the_object(store: Store, put: Putter, kind: str) -> None:
    """Where a store has files on this host, they hold exactly the bytes; a bucket has none."""
    key = await put(BODY)
    path = store.local_path(key)

    assert (path.read_bytes() if path else None) == (BODY if kind == "directory" else None)


async def test_a_store_that_streams_has_no_addresses(store: Store, put: Putter) -> None:
    """Clients get the bytes from the mirror."""
    assert await store.address(await put(BODY)) is None


@pytest.mark.parametrize("body", [b"", BODY, LARGE], ids=["empty", "small", "large"])
async def test_the_digest_is_that_of_the_bytes(store: Store, put: Putter, body: bytes) -> None:
    """Whether the object is sealed or not."""
    key = await put(body)
    visible = await store.digest(key)
    await store.seal(key)

    assert (visible, await store.digest(key)) == (key.sha256, key.sha256)


async def test_objects_are_listed_in_the_order_of_their_keys(store: Store, put: Putter) -> None:
    """Sealed ones among the others, each with its size."""
    bodies = [str(number).encode() * number for number in range(12)]
    keys = [await put(body) for body in bodies]
    for key in keys[::3]:
        await store.seal(key)

    listed = [(one.key, one.size, one.is_sealed) async for one in store.objects()]

    told = zip(keys, bodies, strict=True)
    assert listed == sorted(((key, len(body), key in keys[::3]) for key, body in told), key=lambda one: str(one[0]))


ODD = Blob('Größe "x"\r\n\\;=% ü\u202e.whl', canonicalize_name("odd.name"), "1.0+lökal")


@pytest.mark.parametrize("blob", [ODD, Blob("a-1.zip", BLOB.project, None), None])
async def test_what_is_noted_beside_an_object_is_told(store: Store, put: Putter, kind: str, blob: Blob | None) -> None:
    """Whatever upstream calls it; also of sealed and of large ones. A directory notes nothing."""
    keys = [await put(body, blob=blob) for body in (BODY, LARGE)]
    expected = None if kind == "directory" else blob

    before = [stored.blob async for stored in store.objects(with_blobs=True)]
    for key in keys:
        await store.seal(key)
    after = [stored.blob async for stored in store.objects(with_blobs=True)]

    assert (before, after) == ([expected] * 2, [expected] * 2)


async def test_a_name_that_no_header_can_hold_stops_no_put(store: Store, put: Putter) -> None:
    """What is noted is for humans; the bytes matter."""
    key = await put(BODY, blob=Blob("ü" * 3000, BLOB.project, "1" * 9000))

    assert await read(store, key) == BODY


async def test_acts_are_listed_in_the_order_of_their_names(store: Store, put: Putter) -> None:
    """They are no objects, and the same name again replaces one."""
    await put(BODY)
    for name, body in (("2-b.json", b"two"), ("1_a.json", b""), ("10.json", b"ten"), ("2-b.json", b"2")):
        await store.write_act(name, body)

    noted = [act async for act in store.acts()]

    assert noted == [("10.json", b"ten"), ("1_a.json", b""), ("2-b.json", b"2")]
    assert [stored.key async for stored in store.objects()] == [key_of(BODY)]


async def test_only_plain_names_name_an_act(store: Store) -> None:
    """None leads anywhere else."""
    for name in ("", ".", "..", ".hidden", "a/b", "a\\b", "a b", "ä", "a\n", "x" * 300):
        with pytest.raises(ValueError, match="name of an act"):
            await store.write_act(name, b"")

    assert [act async for act in store.acts()] == []


async def test_a_store_can_be_checked_while_it_is_used(store: Store, put: Putter) -> None:
    """Another process may start at any time; what it tries out leaves nothing."""
    key = await put(BODY)

    await store.check()

    assert await read(store, key) == BODY
    assert store.warnings == ()


@pytest.mark.parametrize("text", ["", "../../etc/passwd", "AB" * 32, "ab" * 31, "ab" * 32 + "\n", "g" * 64])
def test_only_a_digest_names_an_object(text: str) -> None:
    """No other text ever becomes part of a path."""
    with pytest.raises(ValueError, match="64 lower-case"):
        StoreKey(Sha256(text))


def test_the_layout_of_keys_is_fixed() -> None:
    """Objects that were stored once must be found for ever."""
    digest = hashlib.sha256(b"").hexdigest()
    key = StoreKey(Sha256(digest))

    assert (str(key), key.sealed) == (f"files/e3/b0/{digest}", f"sealed/files/e3/b0/{digest}")
