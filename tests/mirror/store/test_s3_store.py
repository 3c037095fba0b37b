"""What only a store in a bucket promises: nothing unverified gets in, nothing stays behind, and clients can be sent."""

import base64
import hashlib
import itertools
import signal
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest

from mirror import clock
from mirror.errors import StoreError
from mirror.names import Sha256
from mirror.store.keys import StoreKey, key_of_path
from mirror.store.s3 import preflight
from mirror.store.s3.multipart import spans
from mirror.store.s3.store import S3Store
from tests.mirror.store.conftest import BLOB, Putter, Starter, key_of, read, s3_store, until_third_put
from tests.mirror.store.faulty_proxy import Fault, faulty_proxy
from tests.s3_server import S3Server

BODY = bytes(range(256)) * 4000
LARGE = bytes(range(251)) * 48_000


@pytest.fixture
def place(s3: S3Server) -> str:
    """Where the store's objects are."""
    return s3.place(versioned=True)


@pytest.fixture
async def store(s3: S3Server, place: str) -> AsyncIterator[S3Store]:
    """A store in a bucket that keeps versions."""
    async with s3_store(s3, place) as store:
        await store.check()
        yield store


def versions(s3: S3Server, place: str) -> list[str]:
    """The paths of everything that the bucket still has below the place, delete markers included."""
    bucket, _, prefix = place.partition("/")
    answer = s3.client.list_object_versions(Bucket=bucket, Prefix=f"{prefix}/")
    entries = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
    return sorted(entry["Key"].removeprefix(f"{prefix}/") for entry in entries)


def write_past(s3: S3Server, place: str, path: str, body: bytes) -> None:
    """Writes an object as somebody else would."""
    bucket, _, prefix = place.partition("/")
    s3.client.put_object(Bucket=bucket, Key=f"{prefix}/{path}", Body=body)


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
async def test_bytes_that_are_not_what_the_key_says_are_refused(
    s3: S3Server, place: str, store: S3Store, tmp_path: Path, body: bytes
) -> None:
    """As when a disk changed the spool after it was verified: nothing of it can be seen."""
    spool = tmp_path / "spool"
    spool.write_bytes(b"X" + body[1:])

    with pytest.raises(StoreError):
        await store.put(spool, key_of(body))

    assert await store.size(key_of(body)) is None
    assert versions(s3, place) == []


async def test_an_object_of_another_size_is_replaced(s3: S3Server, place: str, store: S3Store, put: Putter) -> None:
    """Small or large: whoever cut it short."""
    for body in (BODY, LARGE):
        write_past(s3, place, str(key_of(body)), body[:1000])

        await put(body)

        assert await read(store, key_of(body)) == body


async def test_the_digest_of_what_somebody_else_put_is_that_of_its_bytes(
    s3: S3Server, place: str, store: S3Store
) -> None:
    """A name is no proof."""
    write_past(s3, place, str(key_of(BODY)), LARGE)

    assert await store.digest(key_of(BODY)) == key_of(LARGE).sha256


async def test_nothing_of_a_deleted_object_stays(s3: S3Server, place: str, store: S3Store, put: Putter) -> None:
    """No version, no delete marker and nothing that was sealed."""
    bucket, _, prefix = place.partition("/")
    for body in (BODY, LARGE):
        key = await put(body)
        write_past(s3, place, str(key), body)
        s3.client.delete_object(Bucket=bucket, Key=f"{prefix}/{key}")
        write_past(s3, place, key.sealed, body)

        await store.delete(key)

    assert versions(s3, place) == []


async def test_no_version_of_a_sealed_object_stays_in_reach(
    s3: S3Server, place: str, store: S3Store, put: Putter
) -> None:
    """The other way round neither."""
    key = await put(BODY)
    write_past(s3, place, str(key), BODY)
    await store.seal(key)
    sealed = versions(s3, place)
    await store.unseal(key)

    assert (sealed, versions(s3, place)) == ([key.sealed], [str(key)])


async def test_a_seal_that_was_cut_short_is_made_up_for(s3: S3Server, place: str, store: S3Store, put: Putter) -> None:
    """Both copies were there for a while; sealing again leaves one."""
    key = await put(BODY)
    write_past(s3, place, key.sealed, BODY)

    await store.seal(key)

    assert versions(s3, place) == [key.sealed]


async def test_the_bucket_notes_what_objects_are(s3: S3Server, place: str, put: Putter) -> None:
    """For humans who look into it; and the server itself vouches for the digest of a small one."""
    key = await put(BODY)
    bucket, _, prefix = place.partition("/")

    found = s3.client.head_object(Bucket=bucket, Key=f"{prefix}/{key}", ChecksumMode="ENABLED")

    assert found["Metadata"] == {
        "sha256": key.sha256,
        "filename": BLOB.filename,
        "project": BLOB.project,
        "version": BLOB.version,
    }
    assert found["ContentType"] == "application/octet-stream"
    assert found["ChecksumSHA256"] == base64.b64encode(bytes.fromhex(key.sha256)).decode()


async def test_others_objects_are_not_listed(s3: S3Server, place: str, store: S3Store, put: Putter) -> None:
    """Neither those beside the prefix nor those that have no key's path."""
    key = await put(BODY)
    write_past(s3, f"{place}-too", str(key_of(LARGE)), LARGE)
    for path in ("files/readme", f"files/{key.sha256}", f"files/00/00/{key.sha256}", "sealed/files/x", "else"):
        write_past(s3, place, path, b"")

    assert [(one.key, one.is_sealed) async for one in store.objects()] == [(key, False)]


async def test_clients_can_be_sent_to_the_bucket(s3: S3Server, put: Putter, place: str) -> None:
    """They need no credentials, and get what the mirror would have sent; no other address works."""
    async with s3_store(s3, place, serve="redirect") as redirecting, aiohttp.ClientSession() as client:
        key, other = await put(BODY), await put(LARGE)
        address = await redirecting.address(key)
        assert address is not None
        async with client.get(address, headers={"Range": "bytes=5-9"}) as answer:
            part = (answer.status, await answer.read(), answer.headers["Content-Type"])
            disposition = answer.headers["Content-Disposition"]
        async with client.get(address.replace(key.sha256, other.sha256)) as answer:
            forged = answer.status

    assert part == (206, BODY[5:10], "application/octet-stream")
    assert disposition == "attachment"
    assert forged == 403
    assert "X-Amz-Expires=60" in address


async def test_a_sealed_object_is_not_at_its_address(s3: S3Server, put: Putter, place: str) -> None:
    """Also where a client had got the address before."""
    async with s3_store(s3, place, serve="redirect") as redirecting, aiohttp.ClientSession() as client:
        key = await put(BODY)
        address = await redirecting.address(key)
        await redirecting.seal(key)
        assert address is not None
        async with client.get(address) as answer:
            assert answer.status == 404


async def test_death_before_the_parts_are_one_leaves_nothing_to_see(
    s3: S3Server, place: str, store: S3Store, tmp_path: Path, start_child: Starter
) -> None:
    """A start frees what the parts take, once they are old enough to be nobody's."""
    bucket, _, prefix = place.partition("/")
    async with faulty_proxy(s3.endpoint_url) as proxy:
        proxy.faults = [("POST", Fault.NONE), ("POST", Fault.SILENT)]
        child = await start_child(f"s3://{place}", str(tmp_path), str(12 * 2**20), proxy.url)
        await proxy.until(2, "POST")
        child.kill()
        assert await child.wait() == -signal.SIGKILL

    def unfinished() -> list[str]:
        answer = s3.client.list_multipart_uploads(Bucket=bucket)
        return [one["Key"] for one in answer.get("Uploads", []) if one["Key"].startswith(prefix)]

    assert [one async for one in store.objects()] == []
    await store.check()
    young = unfinished()
    await preflight.look_over(store._bucket, store._reading, now=clock.now() + timedelta(days=2))
    assert (len(young), unfinished()) == (1, [])


async def test_death_at_any_moment_leaves_whole_objects_only(
    place: str, s3: S3Server, store: S3Store, start_child: Starter
) -> None:
    """What was reported as put is there, and whatever is visible is complete."""
    with TemporaryDirectory() as spools:
        child = await start_child(f"s3://{place}", spools, str(6 * 2**20), s3.endpoint_url)
        reported = await until_third_put(child)
        # Whatever the third put is doing right now.
        child.kill()
        await child.wait()

    visible = [one.key async for one in store.objects()]
    assert len(reported) == 2
    assert {str(key) for key in visible} >= reported
    for key in visible:
        assert hashlib.sha256(await read(store, key)).hexdigest() == key.sha256


async def test_a_large_object_is_never_in_memory(store: S3Store, tmp_path: Path) -> None:
    """Neither on its way in nor on its way out."""
    spool = tmp_path / "spool"
    with spool.open("wb") as file:
        file.truncate(60 * 2**20)
    with spool.open("rb") as file:
        key = StoreKey(Sha256(hashlib.file_digest(file, "sha256").hexdigest()))
    digest = hashlib.sha256()
    tracemalloc.start()
    try:
        await store.put(spool, key)
        async for chunk in store.read(key):
            digest.update(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert digest.hexdigest() == key.sha256
    assert peak < 12 * 2**20


def test_parts_grow_so_that_the_largest_object_fits() -> None:
    """A bucket takes ten thousand parts and five terabytes."""
    whole = 5 * 2**40
    parts = list(spans(whole, 8 * 2**20))

    assert len(parts) <= 10_000
    assert (parts[0].number, parts[0].start, parts[-1].stop) == (1, 0, whole)
    assert all(one.stop == next_.start for one, next_ in itertools.pairwise(parts))
    assert [(one.start, one.stop) for one in spans(20, 8)] == [(0, 8), (8, 16), (16, 20)]


def test_only_the_path_of_a_key_names_an_object() -> None:
    """What else lies in a store is left alone."""
    key = key_of(BODY)

    assert key_of_path(str(key)) == key
    assert key_of_path(key.sealed) is None
    assert key_of_path(f"files/00/00/{key.sha256}") is None
    assert key_of_path(str(key).upper()) is None
    assert isinstance(key, StoreKey)
