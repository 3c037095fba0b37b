"""`import` from buckets: this mirror's own after the loss of its database, and those of others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from mirror.names import ProjectName
from mirror.store.interface import Store
from mirror.store.keys import Blob
from tests.mirror.store.conftest import key_of, s3_store
from tests.pypi_sim import File
from tests.s3_server import REGION, S3Server, s3_environment
from tests.watcher.cli.shells import Ended, Shell
from tests.watcher.houses import House, long_ago


@pytest_asyncio.fixture
async def bucket(s3: S3Server) -> str:
    """A bucket in which objects lie below a prefix."""
    return f"{s3.bucket()}/deep"


@pytest_asyncio.fixture
async def filled(s3: S3Server, bucket: str, house: House, tmp_path: Path) -> AsyncIterator[tuple[Store, list[File]]]:
    """Two files that upstream lists and no catalog knows, in the bucket as an everpin puts them there."""
    files = [
        house.pypi.upload("demo", version, uploaded_at=long_ago(house.pypi, days=200)) for version in ("1.0", "2.0")
    ]
    await house.poll()
    async with s3_store(s3, bucket) as store:
        for file in files:
            spool = tmp_path / "a-file"
            spool.write_bytes(file.content)
            await store.put(spool, key_of(file.content), blob=Blob(file.filename, ProjectName("demo"), file.version))
        yield store, files


async def imported(
    shell: Shell, s3: S3Server, bucket: str, database_url: str, *arguments: str, own: str | None = None
) -> Ended:
    """The end of an import from the bucket, by one whose own store is `own`, or a directory."""
    settings = {"EVERPIN_STORE__ENDPOINT_URL": s3.endpoint_url, "EVERPIN_STORE__REGION": REGION}
    if own is not None:
        settings["EVERPIN_STORE__URL"] = f"s3://{own}"
    return await shell.run(
        "import", f"s3://{bucket}/", *arguments, EVERPIN_DATABASE__URL=database_url, **settings, **s3_environment()
    )


async def test_what_the_own_bucket_holds_is_found_again(
    shell: Shell, s3: S3Server, bucket: str, filled: tuple[Store, list[File]], house: House, database_url: str
) -> None:
    """Sealed or not, by the names that stand beside the objects; upstream is asked for pages alone."""
    store, files = filled
    await store.seal(key_of(files[1].content))

    ended = await imported(shell, s3, bucket, database_url, own=bucket)

    assert (ended.status, sorted(ended.out.splitlines())) == (
        0,
        ["2 adopted", *(f"{file.filename}: adopted" for file in files)],
    )
    stored = {file.filename for file in (await house.memory("demo")).files if file.stored_at is not None}
    assert stored == {file.filename for file in files}
    assert [house.pypi.fetches(file.filename) for file in files] == [0, 0]


async def test_nothing_is_written_to_the_bucket_of_another(
    shell: Shell, s3: S3Server, bucket: str, filled: tuple[Store, list[File]], house: House, database_url: str
) -> None:
    """Keys that may only read are enough. What the other has sealed it had blocked, and it stays there."""
    store, files = filled
    await store.seal(key_of(files[1].content))
    name = bucket.partition("/")[0]
    before = s3.keys(name)

    ended = await imported(shell, s3, bucket, database_url)

    assert (ended.status, ended.out.splitlines()) == (0, [f"{files[0].filename}: adopted", "1 adopted"])
    assert s3.keys(name) == before
    assert {file.version for file in (await house.memory("demo")).files if file.stored_at is not None} == {"1.0"}


async def test_what_a_bucket_holds_can_be_vouched_for(
    shell: Shell, s3: S3Server, bucket: str, house: House, database_url: str, tmp_path: Path
) -> None:
    """The name that stands beside an object says of which project and version it is."""
    spool = tmp_path / "a-file"
    spool.write_bytes(b"an sdist")
    async with s3_store(s3, bucket) as store:
        await store.put(spool, key_of(b"an sdist"), blob=Blob("gone-1.0.tar.gz", ProjectName("gone"), "1.0"))

    ended = await imported(shell, s3, bucket, database_url, "--vouch", "--reason", "ours")

    assert (ended.status, ended.out.splitlines()) == (
        0,
        ["gone-1.0.tar.gz: vouched for (gone 1.0, kept)", "1 vouched for"],
    )
    assert await house.states("gone") == {"gone-1.0.tar.gz": "kept"}
