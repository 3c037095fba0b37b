"""How often this mirror's clients fetched what is deleted upstream is told, where the operator wants that."""

from collections.abc import AsyncIterator
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from mirror.catalog.database import Catalog
from mirror.setting_subscribers import Feed
from mirror.web.keys import DOWNLOADS
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago
from watcher.duties import forget_rows


@pytest_asyncio.fixture
async def telling(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """Everpin whose operator wants local figures to be told."""
    async with house_of(pypi, catalog, tmp_path, feed=Feed(include_local=True)) as house:
        await house.poll()
        yield house


async def _address(house: House, version: str = "1.0") -> str:
    """Uploads a wheel long ago and says its address."""
    file = house.pypi.upload("demo", version, uploaded_at=long_ago(house.pypi, days=200))
    await house.watch()
    return await house.url("demo", file.filename)


async def _written(house: House) -> dict[date, int]:
    """What is in the catalog once the counts are written: downloads by day."""
    # On the same connection: answered only when what was asked before is done with.
    assert (await house.get("/healthz"))[0] == 200
    await house.http.app[DOWNLOADS].write()
    async with house.catalog.reading() as conn:
        records = await conn.fetch("select day, sum(count)::int as total from downloads group by day order by day")
    return {record["day"]: record["total"] for record in records}


async def _told(house: House) -> list[tuple[str, int | None]]:
    return [(payload.kind, payload.local_downloads_30d) for payload in await house.payloads()]


async def test_downloads_of_a_deleted_release_are_told(telling: House, pypi: PyPISim) -> None:
    """Those of all its files, from the first one, that was fetched for it, on."""
    address = await _address(telling)
    sdist = pypi.upload("demo", "1.0", kind="sdist", uploaded_at=long_ago(pypi, days=200))
    await telling.watch()
    other = await telling.url("demo", sdist.filename)
    for path in (address, address, other):
        assert (await telling.get(path))[0] == 200
    await _written(telling)

    pypi.delete_file("demo", sdist.filename)
    await telling.poll()
    pypi.delete_release("demo", "1.0")
    await telling.poll()

    assert await _told(telling) == [("file.deleted", 1), ("release.deleted", 2)]


async def test_what_nobody_fetched_is_told_as_nought_and_what_nobody_knew_as_null(
    telling: House, pypi: PyPISim
) -> None:
    """Of an unknown project nobody can have fetched anything, but nobody says so either."""
    await _address(telling)
    pypi.upload("unheard", "1.0")
    await telling.poll()

    pypi.delete_project("demo")
    pypi.delete_project("unheard")
    await telling.poll()

    assert await _told(telling) == [("project.deleted", 0), ("project.deleted", None)]


async def test_unless_the_operator_wants_it_nothing_is_told(house: House, pypi: PyPISim) -> None:
    """Events are public; what goes on in this house is counted all the same."""
    address = await _address(house)
    await house.get(address)
    counted = await _written(house)

    pypi.delete_project("demo")
    await house.poll()

    assert list(counted.values()) == [1]
    assert await _told(house) == [("project.deleted", None)]


@pytest.mark.parametrize(
    ("headers", "counted"),
    [
        pytest.param({}, 1, id="whole"),
        pytest.param({"Range": "bytes=0-"}, 1, id="whole as a range"),
        pytest.param({"Range": "bytes=0-9"}, 0, id="the beginning"),
        pytest.param({"Range": "bytes=10-"}, 0, id="the rest"),
        pytest.param({"Range": "bytes=-10"}, 0, id="the end"),
        pytest.param({"Range": "bytes=999999999-"}, 0, id="beyond the end"),
        pytest.param({"If-None-Match": "*"}, 0, id="had already"),
    ],
)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "cold"])
async def test_only_whole_files_count(house: House, headers: dict[str, str], counted: int, *, kept: bool) -> None:
    """Whether the bytes are here or are fetched for the client."""
    address = await _address(house)
    if kept:
        await house.get(address)
        await _written(house)
        async with house.catalog.writing() as conn:
            await conn.execute("delete from downloads")

    await house.get(address, **headers)

    assert sum((await _written(house)).values()) == counted


async def test_metadata_and_questions_about_a_file_do_not_count(house: House) -> None:
    """Resolvers ask for those of files that they never fetch."""
    address = await _address(house)

    for _ in range(2):
        assert (await house.get(f"{address}.metadata"))[0] == 200
        async with house.http.head(address) as answer:
            assert answer.status == 200

    assert await _written(house) == {}


async def test_what_breaks_off_does_not_count(house: House, pypi: PyPISim) -> None:
    """The client got no file."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=30_000_000)
    await house.watch()
    address = await house.url("demo", file.filename)
    assert (await house.get(address))[0] == 200

    async with house.http.get(address) as answer:
        await answer.content.read(10)
        answer.close()
    assert (await house.get(address))[0] == 200

    assert list((await _written(house)).values()) == [2]


async def test_days_are_counted_apart_and_only_the_last_thirty_are_told(telling: House, pypi: PyPISim) -> None:
    """And those that are never asked for again are forgotten."""
    address = await _address(telling)
    today = pypi.now().astimezone(UTC).date()
    for _ in range(3):
        await telling.get(address)
        by_day = await _written(telling)
        pypi.advance(timedelta(days=15 if len(by_day) < 3 else 0))
    await telling.watch()
    pypi.delete_release("demo", "1.0")
    await telling.poll()
    await forget_rows(telling.catalog, now=pypi.now() + timedelta(days=2))

    assert by_day == {today + timedelta(days=n): 1 for n in (0, 15, 30)}
    assert await _told(telling) == [("release.deleted", 2)]
    assert list(await _written(telling)) == [today + timedelta(days=n) for n in (15, 30)]


async def test_counts_are_written_at_the_end(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Whoever stops everpin in order loses none."""
    async with house_of(pypi, catalog, tmp_path) as house:
        await house.poll()
        await house.get(await _address(house))

    async with catalog.reading() as conn:
        assert await conn.fetchval("select sum(count)::int from downloads") == 1
