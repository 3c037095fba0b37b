"""What is answered of a file before its bytes are here, and what goes wrong is told before the answer begins."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from mirror.targets import Verb
from tests.mirror.web.clients import CountingCatalog, ask, old_wheel
from tests.mirror.web.far_store import FarStore
from tests.mirror.web.test_warm_files import order
from tests.pypi_sim import PyPISim
from tests.watcher.hearing import has_heard
from tests.watcher.houses import House, eventually, house_of, long_ago

LARGE = 3 * 2**20


async def test_a_cold_file_says_what_a_warm_one_says(house: House, pypi: PyPISim) -> None:
    """Its ETag is its digest, which the page promised; only where the bytes were is another matter."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await house.url("demo", file.filename)

    head, cold, warm = await ask(house, path, "HEAD"), await ask(house, path), await ask(house, path)

    assert [answer.headers["X-Everpin-Cache"] for answer in (head, cold, warm)] == ["miss", "miss", "hit"]
    told = [{**answer.headers, "Date": "", "X-Everpin-Cache": ""} for answer in (head, cold, warm)]
    assert told[0] == told[1] == told[2]
    assert warm.headers["ETag"] == f'"{file.sha256}"'
    assert warm.headers["Content-Length"] == str(file.size)


async def test_who_joins_a_fetch_is_told_so(house: House, pypi: PyPISim) -> None:
    """One request had it fetched, the others follow."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await house.url("demo", file.filename)
    pypi.faults.hold(file.filename, after=LARGE // 2)

    clients = [asyncio.create_task(ask(house, path)) for _ in range(3)]
    await pypi.until(1, kind="file")
    pypi.faults.release(file.filename)
    answers = await asyncio.gather(*clients)

    assert sorted(answer.headers["X-Everpin-Cache"] for answer in answers) == ["follow", "follow", "miss"]


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "items=0-5", "bytes=5-4"])
async def test_what_is_no_single_part_is_passed_on_whole(house: House, pypi: PyPISim, asked: str) -> None:
    """As if nobody had asked for a part."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)

    answer = await ask(house, await house.url("demo", file.filename), Range=asked)

    assert (answer.status, answer.body) == (200, file.content)


async def test_a_part_for_one_who_holds_other_bytes_is_the_whole(house: House, pypi: PyPISim) -> None:
    """`If-Range` holds for the promised digest alone."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await house.url("demo", file.filename)

    other = await ask(house, path, Range="bytes=0-9", If_Range='"other"')
    same = await ask(house, path, Range="bytes=0-9", If_Range=f'"{file.sha256}"')

    assert (other.status, other.body) == (200, file.content)
    assert (same.status, same.body) == (206, file.content[:10])


async def test_who_has_a_cold_file_is_told_so_and_it_is_kept(house: House, pypi: PyPISim) -> None:
    """It is in use, so it is worth keeping; who insists on other bytes gets none, and nothing is fetched for that."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    path = await house.url("demo", file.filename)

    insisting = await ask(house, path, If_Match='"other"')
    fetches = pypi.fetches(file.filename)
    answer = await ask(house, path, If_None_Match=f'"{file.sha256}"')

    async def is_kept() -> bool:
        return (await house.memory("demo")).files[0].stored_at is not None

    await eventually(is_kept)
    assert (insisting.status, fetches) == (412, 0)
    assert (answer.status, answer.body) == (304, b"")


@pytest.mark.parametrize("suffix", ["", ".metadata"])
async def test_a_small_body_that_is_wrong_is_refused_in_words(house: House, pypi: PyPISim, suffix: str) -> None:
    """All of it is checked before the answer begins."""
    filename = old_wheel(pypi)
    path = await house.url("demo", filename)
    pypi.faults.wrong_bytes(f"{filename}{suffix}")

    answer = await ask(house, f"{path}{suffix}")

    assert answer.status == 502
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_clients_are_sent_elsewhere_only_for_what_is_served(
    house: House, pypi: PyPISim, counting: CountingCatalog
) -> None:
    """A bucket hands out what it is asked for: who may not have a file is told nothing of where it is."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await house.url("demo", file.filename)
    await ask(house, path)
    await has_heard(house)
    far = FarStore(elsewhere="https://bucket.example.org")
    far.add(file.content)
    house.supply.store = far
    first = await ask(house, path)
    uses = counting.uses
    again = await ask(house, path)
    warm_uses = counting.uses - uses

    await order(house, Verb.BLOCK, "demo")
    refused = [await ask(house, path), await ask(house, path, Range="bytes=0-9"), await ask(house, path, "HEAD")]

    assert (first.status, again.status, warm_uses) == (302, 302, 0)
    assert again.headers["Location"].startswith("https://bucket.example.org/")
    assert [(answer.status, "Location" in answer.headers) for answer in refused] == [(403, False)] * 3


async def test_a_file_that_a_bucket_lost_is_not_elsewhere(house: House, pypi: PyPISim) -> None:
    """Nobody is sent to an address that leads nowhere."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    path = await house.url("demo", file.filename)
    await ask(house, path)
    house.supply.store = FarStore(elsewhere="https://bucket.example.org")

    answer = await ask(house, path)

    assert answer.status != 302


@pytest.mark.parametrize(("method", "suffix", "seconds"), [("GET", "", 4), ("HEAD", ".metadata", 4)])
async def test_who_would_wait_too_long_for_a_check_is_told_to_ask_again(
    pypi: PyPISim, counting: CountingCatalog, tmp_path: Path, method: str, suffix: str, seconds: int
) -> None:
    """A part, and a length that nobody promised, come only from what was checked, and installers give up before that.

    The fetch goes on, so that one of the next times there is something to answer with.
    """
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    body = file.metadata if suffix else file.content
    assert body is not None
    async with house_of(pypi, counting, tmp_path, upstream_timeout=timedelta(seconds=1)) as house:
        await house.vouched()
        path = f"{await house.url('demo', file.filename)}{suffix}"
        pypi.faults.slow(f"{file.filename}{suffix}", len(body) // seconds)

        early = await ask(house, path, method, Range="bytes=0-9")

        async def is_answered() -> bool:
            return (await ask(house, path, method, Range="bytes=0-9")).status in (200, 206)

        await eventually(is_answered)
        assert (early.status, early.headers["Retry-After"]) == (503, "1")
        assert pypi.count(kind="metadata" if suffix else "file") == 1
