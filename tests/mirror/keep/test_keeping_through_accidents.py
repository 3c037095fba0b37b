"""What is left when the process dies in the middle of keeping, or when there is no room to write."""

import asyncio
import hashlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mirror import seams
from mirror.errors import StoreError
from mirror.keep import Keeper, clean_spool
from mirror.keep.spool import Spool
from tests.mirror.keep.conftest import House, until
from tests.mirror.upstream.canned_upstream import says, streams

BODY = bytes(range(256)) * 8192
REPOSITORY = Path(__file__).parents[3]

Starter = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start_child(house: House, tmp_path: Path) -> AsyncIterator[Starter]:
    """Starts another process with the same store and spool as the house."""
    started: list[Process] = []

    async def start(*files: str, kill_at: str = "", largest_file: int = 0) -> Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.mirror.keep.keeping_child",
            str(tmp_path),
            house.upstream.url,
            str(largest_file),
            *files,
            cwd=REPOSITORY,
            env=os.environ | {seams.VARIABLE: kill_at},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def lines(child: Process) -> list[str]:
    _, said = await child.communicate()
    return said.decode().splitlines()


def promised(path: str, body: bytes) -> str:
    return f"{path}={hashlib.sha256(body).hexdigest()}"


async def test_death_between_put_and_record_costs_no_second_fetch(house: House, start_child: Starter) -> None:
    """The next who asks adopts what the dead process had stored."""
    house.upstream.answers["/f"] = says(BODY)
    child = await start_child(promised("/f", BODY), kill_at="keep.put")
    assert await lines(child) == []
    assert child.returncode == -signal.SIGKILL
    assert await house.stored(BODY) == BODY
    house.upstream.answers.clear()

    kept = await house.keeper.fetch(house.wanted(BODY)).finished()

    assert kept.size == len(BODY)
    assert len(house.recorded) == 1
    assert house.upstream.paths() == ["/f"]


async def test_death_before_the_put_leaves_a_spool_that_the_next_start_deletes(
    house: House, start_child: Starter
) -> None:
    """The store has nothing of it; the file is fetched again."""
    house.upstream.answers["/f"] = says(BODY)
    child = await start_child(promised("/f", BODY), kill_at="keep.spooled")
    assert await lines(child) == []
    assert child.returncode == -signal.SIGKILL
    assert await house.stored(BODY) is None
    assert [path.stat().st_size for path in house.spooled()] == [len(BODY)]

    assert clean_spool(house.spool_dir) == 1
    assert house.spooled() == []
    await house.keeper.fetch(house.wanted(BODY)).finished()

    assert await house.stored(BODY) == BODY
    assert house.upstream.paths() == ["/f", "/f"]


async def test_death_in_the_middle_of_a_body_leaves_nothing_visible(house: House, start_child: Starter) -> None:
    """And a start beside a living download spares its spool, while that of the dead one goes."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams([BODY, BODY], gate=gate)
    child = await start_child(promised("/f", BODY * 2))
    await until(lambda: any(path.stat().st_size for path in house.spooled()))

    assert clean_spool(house.spool_dir) == 0
    child.kill()
    await child.wait()

    assert await house.stored(BODY * 2) is None
    assert clean_spool(house.spool_dir) == 1


async def test_a_full_disk_fails_one_file_and_no_other(house: House, start_child: Starter) -> None:
    """The kernel refuses to let a file grow; what fits is still kept, and no spool stays behind."""
    small = BODY[:4096]
    house.upstream.answers |= {"/big": says(BODY), "/small": says(small)}

    child = await start_child(promised("/big", BODY), promised("/small", small), largest_file=2**20)

    assert await lines(child) == [
        "StoreError big: the download could not be spooled: File too large",
        "recorded small 4096",
    ]
    assert await house.stored(BODY) is None
    assert await house.stored(small) == small
    assert house.spooled() == []


async def test_a_file_that_does_not_fit_is_not_asked_for(house: House) -> None:
    """Its size is known before the first byte, and nobody waits for the bytes themselves: upstream is spared."""
    house.upstream.answers["/f"] = says(BODY)
    too_large = replace(house.wanted(BODY), size=2**50)
    keeper = Keeper(replace(house.means, max_file_size=2**60))

    with pytest.raises(StoreError, match="no room"):
        await keeper.fetch(too_large).finished()

    assert house.upstream.paths() == []
    assert house.spooled() == []


def test_reserved_room_is_no_content(tmp_path: Path) -> None:
    """The file is as long as what was written to it, however much was reserved."""
    spool = Spool(tmp_path, "f")
    spool.open()
    spool.reserve(0)
    spool.reserve(len(BODY))
    before = spool.path.stat().st_size
    spool.append([BODY[:10]])

    assert (before, spool.path.read_bytes()) == (0, BODY[:10])
    spool.remove()
    spool.close()


async def test_a_store_that_cannot_write_fails_the_download_and_heals(house: House) -> None:
    """Everybody who waits learns of it, the spool is gone, and the next try works."""
    house.upstream.answers["/f"] = streams([BODY])
    in_the_way = house.store._root / "files"
    in_the_way.write_text("a file where a directory should be")

    with pytest.raises(StoreError):
        await house.keeper.fetch(house.wanted(BODY)).finished()

    assert (house.spooled(), house.recorded) == ([], [])
    in_the_way.unlink()
    await house.keeper.fetch(house.wanted(BODY)).finished()
    assert await house.stored(BODY) == BODY


async def test_a_spool_directory_that_cannot_be_made_fails_the_download(house: House) -> None:
    """With the store's error: nothing is wrong upstream."""
    house.upstream.answers["/f"] = says(BODY)
    house.spool_dir.write_text("a file where a directory should be")

    with pytest.raises(StoreError, match="no download can be spooled"):
        await house.keeper.fetch(house.wanted(BODY)).finished()
    with pytest.raises(StoreError, match="spool directory"):
        clean_spool(house.spool_dir)
