"""A warm file costs no SQL, and whatever takes it away reaches the memory of every process at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from mirror.catalog.database import Catalog
from mirror.catalog.notices import NoticesLost
from mirror.setting_sections import Mirror, Safety
from mirror.targets import Verb, order_of
from mirror.web.file_memory import LARGEST_SMALL
from mirror.web.keys import DOWNLOADS, FILES
from tests.mirror.web.clients import Answer, CountingCatalog, ask, at_rest, old_wheel
from tests.osv_sim import OsvSim
from tests.pypi_sim import PyPISim
from tests.watcher.hearing import has_heard
from tests.watcher.houses import House, house_of, long_ago

LARGE = 3 * 2**20


@pytest_asyncio.fixture
async def other(house: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """A second process on the same catalog and store."""
    async with house_of(pypi, catalog, tmp_path) as other:
        await other.vouched()
        yield other


async def warm(house: House, filename: str, name: str = "demo", *suffixes: str) -> list[str]:
    """Has the file, and its siblings, in the house's memory; their addresses."""
    address = await house.url(name, filename)
    addresses = [f"{address}{suffix}" for suffix in ("", *suffixes)]
    for path in addresses:
        await ask(house, path)
    await has_heard(house)
    for path in addresses:
        answer = await ask(house, path)
        assert (answer.status, answer.headers["X-Everpin-Cache"]) == (200, "hit")
    return addresses


async def order(house: House, verb: Verb, target: str) -> None:
    """An operator orders this, and the house hears of it."""
    await house.orders.carry_out(order_of(verb, target, actor="olga", reason="so be it"))
    await has_heard(house)


async def every_way(house: House, path: str, etag: str) -> list[Answer]:
    """The answers to all kinds of questions about a file."""
    return [
        await ask(house, path),
        await ask(house, path, "HEAD"),
        await ask(house, path, Range="bytes=0-9"),
        await ask(house, path, If_None_Match=etag),
        await ask(house, path, If_None_Match='"other"'),
        await ask(house, f"{path}?x=1"),
    ]


@pytest.mark.parametrize("size", [0, LARGE], ids=["small", "large"])
async def test_a_warm_file_costs_no_sql(house: House, pypi: PyPISim, counting: CountingCatalog, size: int) -> None:
    """Whole, in part, or just asked about; small ones do not even cost a look at the disk."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=size)
    paths = await warm(house, file.filename, "demo", ".metadata")
    if not size:
        for stored in house.settings.store_dir.rglob("*"):
            if stored.is_file():
                stored.unlink()
    await at_rest(counting)
    uses = counting.uses

    answers = await every_way(house, paths[0], f'"{file.sha256}"')
    metadata = await ask(house, paths[1])

    assert counting.uses == uses
    assert [answer.status for answer in answers] == [200, 200, 206, 304, 200, 200]
    assert [len(answer.body) for answer in answers] == [file.size, 0, 10, 0, file.size, file.size]
    assert metadata.body == file.metadata
    for answer in answers:
        assert answer.headers["ETag"] == f'"{file.sha256}"'
        assert answer.headers["X-Everpin-State"] == "live"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "public, max-age=600"


async def test_both_ways_to_a_small_file_answer_alike(house: House, pypi: PyPISim) -> None:
    """The short one from memory, and the long one that an unusual spelling of the same question takes."""
    (path,) = await warm(house, old_wheel(pypi))

    short, long = await ask(house, path), await ask(house, f"{path}?x=1")

    assert short.body == long.body
    assert {**short.headers, "Date": ""} == {**long.headers, "Date": ""}


@pytest.mark.parametrize("size", [0, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("verb", [Verb.BLOCK, Verb.PURGE])
@pytest.mark.parametrize("target", ["demo", "demo==1.0", "sha256"])
async def test_an_order_reaches_the_memory(house: House, pypi: PyPISim, verb: Verb, target: str, size: int) -> None:
    """The next request is refused, however it is put; in every process that has heard."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=size)
    paths = await warm(house, file.filename, "demo", ".metadata")

    await order(house, verb, f"sha256:{file.sha256}" if target == "sha256" else target)

    answers = [*await every_way(house, paths[0], f'"{file.sha256}"'), await ask(house, paths[1])]
    assert {answer.status for answer in answers} == {403 if verb is Verb.BLOCK else 410}
    assert house.http.app[FILES].held_bytes == 0


async def test_an_order_reaches_the_memory_of_other_processes(house: House, other: House, pypi: PyPISim) -> None:
    """Given here, obeyed there."""
    (path,) = await warm(other, old_wheel(pypi))

    await house.orders.carry_out(order_of(Verb.BLOCK, "demo", actor="olga", reason="so be it"))
    await has_heard(other)

    assert (await ask(other, path)).status == 403


async def test_an_unblocked_file_is_served_again(house: House, pypi: PyPISim) -> None:
    """At once, and from memory as soon as it was asked for."""
    (path,) = await warm(house, old_wheel(pypi))
    await order(house, Verb.BLOCK, "demo")
    assert (await ask(house, path)).status == 403

    await order(house, Verb.UNBLOCK, "demo")

    assert (await ask(house, path)).status == 200


async def test_a_quarantine_reaches_the_memory(house: House, pypi: PyPISim) -> None:
    """By its row alone."""
    paths = await warm(house, old_wheel(pypi), "demo", ".metadata")
    pypi.quarantine_project("demo")

    await house.poll()
    await has_heard(house)

    assert [(await ask(house, path)).status for path in paths] == [403, 403]


async def test_an_advisory_reaches_the_memory(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """As soon as it is read."""
    async with (
        OsvSim(pypi.now) as osv,
        house_of(pypi, catalog, tmp_path, safety=Safety(osv_url=osv.url)) as house,
    ):
        await house.vouched()
        (path,) = await warm(house, old_wheel(pypi))
        osv.publish("MAL-2026-1", "demo", versions=["1.0"])

        assert house.advisories is not None
        assert await house.advisories.tick()
        await has_heard(house)

        assert (await ask(house, path)).status == 403


async def test_yanks_and_deletions_reach_the_memory(house: House, pypi: PyPISim) -> None:
    """The file goes on being served, and says what it is now."""
    (path,) = await warm(house, old_wheel(pypi))
    old_wheel(pypi, version="2.0")

    pypi.yank("demo", "1.0", "broken")
    await house.watch()
    await has_heard(house)
    yanked = [(await ask(house, path)).headers["X-Everpin-State"] for _ in range(2)]
    pypi.delete_release("demo", "1.0")
    await house.watch()
    await has_heard(house)
    kept = [(await ask(house, path)).headers["X-Everpin-State"] for _ in range(2)]

    assert yanked == ["yanked"] * 2
    assert kept == ["kept"] * 2


async def test_a_young_file_that_is_deleted_leaves_the_memory(house: House, pypi: PyPISim) -> None:
    """What is held is not served by anybody who still has it."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, hours=1))
    (path,) = await warm(house, file.filename)

    pypi.delete_release("demo", "1.0")
    await house.poll()
    await has_heard(house)

    assert (await ask(house, path)).status == 403


async def test_a_state_that_the_clock_ends_is_not_remembered_beyond(
    house: House, pypi: PyPISim, counting: CountingCatalog
) -> None:
    """When it may have ended the catalog is asked."""
    (path,) = await warm(house, old_wheel(pypi))
    async with counting.writing() as conn:
        until = pypi.now() + timedelta(minutes=1)
        await conn.execute("update files set state_until = $1", until)
    house.http.app[FILES].heard(NoticesLost(hearing=True))
    await ask(house, path)
    await at_rest(counting)
    uses = counting.uses
    await ask(house, path)
    assert counting.uses == uses
    pypi.advance(timedelta(minutes=2))

    assert (await ask(house, path)).status == 200
    assert counting.uses > uses


async def test_without_notices_the_catalog_is_asked_for_every_file(
    house: House, pypi: PyPISim, counting: CountingCatalog
) -> None:
    """A block that nobody told is obeyed all the same."""
    (path,) = await warm(house, old_wheel(pypi))
    house.http.app[FILES].heard(NoticesLost())
    assert [(await ask(house, path)).status for _ in range(2)] == [200, 200]
    async with counting.writing() as conn:
        await conn.execute("update files set state = 'blocked', cause = 'operator'")

    assert (await ask(house, path)).status == 403


async def test_a_large_file_that_vanished_from_the_store_is_fetched_again(house: House, pypi: PyPISim) -> None:
    """Though memory says that it is there: nobody sees a failure."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    (path,) = await warm(house, file.filename)
    (stored,) = [found for found in house.settings.store_dir.rglob(f"*{file.sha256[4:]}*") if found.is_file()]
    stored.unlink()

    answers = [await ask(house, path) for _ in range(2)]

    assert [(answer.status, answer.body == file.content) for answer in answers] == [(200, True)] * 2
    assert [answer.headers["X-Everpin-Cache"] for answer in answers] == ["miss", "hit"]
    assert pypi.fetches(file.filename) == 2


async def test_many_small_files_stay_within_their_share(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """A quarter of `mirror.memory`, however many different ones are asked for; all are served."""
    async with house_of(pypi, catalog, tmp_path, mirror=Mirror(memory=2**20)) as house:
        await house.vouched()
        files = [
            pypi.upload("demo", f"1.{n}", uploaded_at=long_ago(pypi, days=200), payload_size=LARGEST_SMALL // 2)
            for n in range(8)
        ]
        for file in files * 2:
            answer = await ask(house, await house.url("demo", file.filename))
            assert answer.body == file.content
            assert house.http.app[FILES].held_bytes <= 2**18

    assert house.http.app[FILES].held_bytes > 0


async def test_downloads_are_counted_whichever_way_they_went(house: House, pypi: PyPISim) -> None:
    """Cold, from memory by either way, by the kernel; not what was only asked about, nor parts or metadata."""
    small = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    large = pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    for file in (small, large):
        path = await house.url("demo", file.filename)
        for _ in range(3):
            assert (await ask(house, path)).status == 200
        await ask(house, f"{path}?x=1")
        await ask(house, path, Range="bytes=0-")
        for unlike in (await ask(house, path, "HEAD"), await ask(house, path, Range="bytes=1-")):
            assert unlike.status in (200, 206)
        await ask(house, path, If_None_Match=f'"{file.sha256}"')
        await ask(house, f"{path}.metadata")

    assert await _counted(house) == [5, 5]


async def _counted(house: House) -> list[int]:
    """How often each file was counted, by its number."""
    # The last count follows the last byte.
    await asyncio.sleep(0.05)
    await house.http.app[DOWNLOADS].write()
    async with house.catalog.reading() as conn:
        return [row["sum"] for row in await conn.fetch("select sum(count) from downloads group by file order by file")]
