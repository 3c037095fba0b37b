"""Every kind of store, empty, and the ways to put things into it."""

import asyncio
import hashlib
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from packaging.utils import canonicalize_name

from mirror import seams
from mirror.names import Sha256
from mirror.setting_sections import Store as StoreSettings
from mirror.store.directory import DirectoryStore
from mirror.store.interface import Store
from mirror.store.keys import Blob, StoreKey
from mirror.store.s3.bucket import Limits
from mirror.store.s3.store import S3Store, opened
from tests.s3_server import REGION, S3Server

BLOB = Blob("leftpad-1.0.tar.gz", canonicalize_name("leftpad"), "1.0")
LIMITS = Limits(part_bytes=5 * 2**20, copied_bytes=6 * 2**20, listed=5)
"""The least that a bucket takes as a part, so that ten megabytes are a large object, and short pages of listings."""

Putter = Callable[..., Awaitable[StoreKey]]
Starter = Callable[..., Awaitable[Process]]

REPOSITORY = Path(__file__).parents[3]


def key_of(body: bytes) -> StoreKey:
    """The key that these bytes have."""
    return StoreKey(Sha256(hashlib.sha256(body).hexdigest()))


async def read(store: Store, key: StoreKey, *, start: int = 0, stop: int | None = None) -> bytes:
    """What the store hands out."""
    return b"".join([chunk async for chunk in store.read(key, start=start, stop=stop)])


@asynccontextmanager
async def s3_store(
    s3: S3Server, place: str, *, serve: str = "stream", endpoint_url: str = "", limits: Limits = LIMITS
) -> AsyncIterator[S3Store]:
    """A store in a bucket, below a prefix or not, which `check` has not looked over yet."""
    settings = StoreSettings.model_validate(
        {
            "url": f"s3://{place}",
            "endpoint_url": endpoint_url or s3.endpoint_url,
            "region": REGION,
            "serve": serve,
        }
    )
    async with opened(settings, limits=limits) as store:
        yield store


@pytest_asyncio.fixture
async def bucket_store(s3: S3Server) -> AsyncIterator[S3Store]:
    """A store in a bucket, empty and ready for use."""
    async with s3_store(s3, s3.place()) as store:
        await store.check()
        yield store


@pytest.fixture(params=["directory", "bucket"])
def kind(request: pytest.FixtureRequest) -> str:
    """Of which kind `store` is."""
    return str(request.param)


@pytest_asyncio.fixture
async def store(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store, ready for use."""
    if kind == "directory":
        directory = DirectoryStore(tmp_path / "store")
        await directory.check()
        yield directory
        return
    # Asked for by name, since a directory needs no server.
    s3: S3Server = request.getfixturevalue("s3")
    async with s3_store(s3, s3.place(versioned=kind == "versioned bucket")) as bucket:
        await bucket.check()
        yield bucket


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Putter:
    """Puts bytes into the store, by way of a spool that is gone afterwards."""

    async def put(body: bytes, *, blob: Blob | None = BLOB) -> StoreKey:
        key = key_of(body)
        spool = tmp_path / key.sha256
        spool.write_bytes(body)
        await store.put(spool, key, blob=blob)
        spool.unlink(missing_ok=True)
        return key

    return put


@pytest_asyncio.fixture
async def start_child(tmp_path: Path) -> AsyncIterator[Starter]:
    """Starts processes that put until they die."""
    started: list[Process] = []

    async def start(*arguments: str, kill_at: str = "") -> Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.mirror.store.putting_child",
            *arguments,
            cwd=REPOSITORY,
            env=os.environ | {seams.VARIABLE: kill_at},
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def until_third_put(child: Process) -> set[str]:
    """What the child reports as put until its third object is on its way."""
    assert child.stdout is not None
    begun, done = 0, set()
    while begun < 3:
        what, key = (await child.stdout.readline()).decode().split()
        if what == "put":
            done.add(key)
        else:
            begun += 1
    return done
