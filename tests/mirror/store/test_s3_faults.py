"""A bucket behind a bad network: asked again, given up in time, and never mistaken."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from mirror.errors import NoRoomError, StoreError
from mirror.store.s3.store import S3Store
from tests.mirror.store.conftest import BLOB, LIMITS, key_of, read, s3_store
from tests.mirror.store.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from tests.s3_server import S3Server

BODY = bytes(range(256)) * 4000
LARGE = bytes(range(251)) * 48_000
HASTY = replace(LIMITS, connect_seconds=1.5, read_seconds=1.5, attempts=2)


@pytest.fixture
def place(s3: S3Server) -> str:
    """Where the store's objects are."""
    return s3.place()


@pytest_asyncio.fixture
async def proxy(s3: S3Server) -> AsyncIterator[FaultyProxy]:
    """What stands between the store and its server."""
    async with faulty_proxy(s3.endpoint_url) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def store(s3: S3Server, proxy: FaultyProxy, place: str) -> AsyncIterator[S3Store]:
    """A store that has little patience and only knows the proxy."""
    async with s3_store(s3, place, endpoint_url=proxy.url, limits=HASTY) as store:
        await store.check()
        yield store


@pytest_asyncio.fixture
async def direct(s3: S3Server, place: str) -> AsyncIterator[S3Store]:
    """The same bucket without anything between."""
    async with s3_store(s3, place) as store:
        yield store


@pytest.fixture
def spools(tmp_path: Path) -> dict[bytes, Path]:
    """Files with what is to be put."""
    paths = {body: tmp_path / str(len(body)) for body in (BODY, LARGE)}
    for body, path in paths.items():
        path.write_bytes(body)
    return paths


small_or_large = pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
recoverable = pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.SILENT], ids=lambda fault: fault.name)


@recoverable
@small_or_large
async def test_one_fault_is_made_up_for(
    store: S3Store, direct: S3Store, proxy: FaultyProxy, spools: dict[bytes, Path], body: bytes, fault: Fault
) -> None:
    """Whichever request it happens to."""
    key = key_of(body)
    for method in ("HEAD", "PUT", "POST"):
        proxy.fails(fault, method)

    await store.put(spools[body], key, blob=BLOB)
    proxy.fails(fault, "HEAD")
    proxy.fails(fault, "GET")

    assert await store.size(key) == len(body)
    assert await read(store, key) == body
    assert await read(direct, key) == body


@recoverable
@small_or_large
async def test_faults_without_end_are_failures_and_leave_nothing(
    store: S3Store, direct: S3Store, proxy: FaultyProxy, spools: dict[bytes, Path], body: bytes, fault: Fault
) -> None:
    """They are never mistaken for an answer."""
    key = key_of(body)
    proxy.always["PUT"] = fault
    with pytest.raises(StoreError, match="the bucket lasting could not take"):
        await store.put(spools[body], key)
    proxy.always = {"HEAD": fault, "GET": fault}

    with pytest.raises(StoreError):
        await store.size(key)
    with pytest.raises(StoreError):
        await read(store, key)
    with pytest.raises(StoreError):
        _ = [stored async for stored in store.objects()]
    assert await direct.size(key) is None
    assert [stored async for stored in direct.objects()] == []


async def test_an_object_whose_answer_got_lost_is_there(
    store: S3Store, direct: S3Store, proxy: FaultyProxy, spools: dict[bytes, Path]
) -> None:
    """The second attempt finds that another one was there first: its own."""
    proxy.fails(Fault.UNANSWERED, "PUT")

    await store.put(spools[BODY], key_of(BODY))

    assert len([one for one in proxy.seen if one.startswith("PUT") and key_of(BODY).sha256 in one]) == 2
    assert await read(direct, key_of(BODY)) == BODY


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.STALLED], ids=lambda fault: fault.name)
async def test_a_stream_that_breaks_is_taken_up_where_it_broke(
    store: S3Store, proxy: FaultyProxy, spools: dict[bytes, Path], fault: Fault
) -> None:
    """As often as it takes, as long as it makes headway; also where only a part was asked for."""
    await store.put(spools[BODY], key_of(BODY))
    proxy.cut_after = 400_000
    proxy.always["GET"] = fault

    whole = await read(store, key_of(BODY))
    part = await read(store, key_of(BODY), start=100_000, stop=700_000)

    assert whole == BODY
    assert part == BODY[100_000:700_000]


async def test_a_stream_without_headway_is_given_up(
    store: S3Store, proxy: FaultyProxy, spools: dict[bytes, Path]
) -> None:
    """What came before is right, and the rest is never made up."""
    await store.put(spools[BODY], key_of(BODY))
    proxy.cut_after = 200_000
    proxy.fails(Fault.CUT, "GET")
    proxy.always["GET"] = Fault.LOST
    got = bytearray()

    async def read_on() -> None:
        async for chunk in store.read(key_of(BODY)):
            got.extend(chunk)

    with pytest.raises(StoreError, match="could not be read on"):
        await read_on()
    assert bytes(got) == BODY[:200_000]


@small_or_large
async def test_a_full_bucket_is_told_apart(
    store: S3Store, proxy: FaultyProxy, spools: dict[bytes, Path], body: bytes
) -> None:
    """Room can be made, and what is there can be read meanwhile."""
    proxy.always["PUT"] = Fault.FULL

    with pytest.raises(NoRoomError, match="no room"):
        await store.put(spools[body], key_of(body))


async def test_a_mirror_starts_although_its_bucket_is_full(store: S3Store, proxy: FaultyProxy) -> None:
    """Since it serves what it has."""
    proxy.always["PUT"] = Fault.FULL

    await store.check()

    assert store.warnings == ("the bucket is full",)


async def test_a_bucket_that_is_gone_holds_nothing_and_lacks_nothing(s3: S3Server, spools: dict[bytes, Path]) -> None:
    """Whether an object was there cannot be known then."""
    async with s3_store(s3, "never-made") as store:
        for question in (store.size(key_of(BODY)), read(store, key_of(BODY)), store.put(spools[BODY], key_of(BODY))):
            with pytest.raises(StoreError):
                await question
