"""A whole everpin whose bytes are in a bucket: what clients get is the same, by whichever way they get it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mirror.catalog.database import Catalog
from mirror.names import Sha256
from mirror.store.keys import StoreKey
from tests.mirror.store.conftest import s3_store
from tests.pypi_sim import File, PyPISim
from tests.s3_server import S3Server
from tests.watcher.houses import House, house_of, long_ago
from tests.watcher.test_operators_acts import act, statuses

CONTENT = bytes(range(251)) * 48_000


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """Where the bytes are: a bucket that keeps versions."""
    return s3.bucket(versioned=True)


@pytest.fixture(params=["stream", "redirect"])
def serve(request: pytest.FixtureRequest) -> str:
    """How files get from the bucket to clients."""
    return str(request.param)


@pytest_asyncio.fixture
async def house(
    serve: str, pypi: PyPISim, catalog: Catalog, tmp_path: Path, s3: S3Server, bucket: str
) -> AsyncIterator[House]:
    """Everpin on that bucket."""
    async with (
        s3_store(s3, bucket, serve=serve) as store,
        house_of(pypi, catalog, tmp_path, store=store) as house,
    ):
        await house.poll()
        yield house


@pytest.fixture
def file(pypi: PyPISim) -> File:
    """An old file that is too large to be remembered."""
    return pypi.upload("demo", "1.0", content=CONTENT, uploaded_at=long_ago(pypi, days=400))


async def kept(house: House, file: File) -> str:
    """The address of the file, whose bytes are in the bucket now."""
    await house.poll()
    address = await house.url(file.project, file.filename)
    assert await house.get(address) == (200, CONTENT)
    return address


async def test_a_file_comes_from_the_bucket(house: House, pypi: PyPISim, file: File) -> None:
    """Upstream is asked once; parts can be had as well."""
    address = await kept(house, file)

    whole = await house.get(address)
    part = await house.get(address, Range="bytes=1000000-1000009")

    assert whole == (200, CONTENT)
    assert part == (206, CONTENT[1_000_000:1_000_010])
    assert pypi.fetches(file.filename) == 1


async def test_clients_are_sent_to_the_bucket_only_where_that_is_wanted(
    house: House, file: File, s3: S3Server, serve: str
) -> None:
    """The page names the mirror's own address in either case, and a signed one is remembered by nobody."""
    address = await kept(house, file)

    async with house.http.get(address, allow_redirects=False) as answer:
        sent_to = answer.headers.get("Location", "")

    if serve == "redirect":
        assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store")
        assert sent_to.startswith(s3.endpoint_url)
    else:
        assert (answer.status, sent_to) == (200, "")


async def test_a_deleted_release_is_kept_in_the_bucket(house: House, pypi: PyPISim, file: File) -> None:
    """Also one that nobody had asked for before its deletion was noticed."""
    other = pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, days=300))
    address = await kept(house, file)
    await house.listed("demo")
    pypi.delete_release("demo", "1.0")
    pypi.delete_release("demo", "2.0")

    await house.watch()

    assert await house.states("demo") == {file.filename: "kept", other.filename: "kept"}
    assert await house.get(address) == (200, CONTENT)
    assert await house.get(await house.url("demo", other.filename)) == (200, other.content)


async def test_purged_bytes_leave_no_version_in_the_bucket(house: House, file: File, s3: S3Server, bucket: str) -> None:
    """And the address says so."""
    address = await kept(house, file)

    await act(house, "purge", "demo==1.0")

    assert await statuses(house, address) == [410, 410]
    assert [key for key in s3.keys(bucket) if file.sha256 in key] == []


async def test_an_object_that_the_bucket_lost_is_fetched_again(
    house: House, pypi: PyPISim, file: File, s3: S3Server, bucket: str
) -> None:
    """As long as upstream still has it."""
    address = await kept(house, file)
    await house.supply.store.delete(StoreKey(Sha256(file.sha256)))

    again = await house.get(address)

    assert again == (200, CONTENT)
    assert pypi.fetches(file.filename) == 2
    assert [key for key in s3.keys(bucket) if file.sha256 in key] != []
