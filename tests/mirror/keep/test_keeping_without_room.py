"""What cannot be kept is passed on all the same to those who wait for it: verified, and then forgotten."""

import asyncio
import hashlib
import os
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from mirror.errors import RefusedError, StoreError, WrongBytesError
from mirror.keep.handout import MOST_IN_MEMORY
from mirror.upstream.session import MOST_PIECE
from tests.mirror.keep.conftest import BODY, PIECES, House, seen_before_failing, until, whole
from tests.mirror.upstream.canned_upstream import says, streams

LARGE = BODY * 4
LARGE_PIECES = PIECES * 4
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def full(house: House) -> House:
    """A house that can spool nothing."""
    house.spool_dir.write_text("a file where a directory should be")
    return house


def store_nothing(house: House) -> None:
    """From now on no object can be put."""
    (house.store._root / "files").write_text("a file where a directory should be")


async def test_clients_get_what_cannot_be_kept(full: House) -> None:
    """Those who come together share one request; whoever wants it kept is told that it is not."""
    gate = asyncio.Event()
    full.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
    downloads = [full.keeper.fetch(full.wanted(BODY)) for _ in range(3)]
    clients = [asyncio.create_task(whole(download)) for download in downloads]
    await downloads[0].opened()
    gate.set()

    assert await asyncio.gather(*clients) == [BODY] * 3
    assert full.upstream.paths() == ["/f"]
    assert (full.recorded, len(full.allowed), await full.stored(BODY)) == ([], 1, None)
    with pytest.raises(StoreError):
        await downloads[0].finished()


async def test_nothing_is_asked_for_where_nobody_waits_for_the_bytes(full: House) -> None:
    """Who only wants a file kept is refused without a request."""
    with pytest.raises(StoreError):
        await full.keeper.fetch(full.wanted(BODY)).finished()

    assert full.upstream.asked == []


async def test_a_client_of_a_small_file_may_take_its_time_to_begin(full: House) -> None:
    """All may have arrived before it asks for the first chunk."""
    full.upstream.answers["/f"] = says(BODY)
    download = full.keeper.fetch(full.wanted(BODY))
    await download.opened()
    await until(lambda: download.is_over)

    assert await whole(download) == BODY


async def test_memory_is_bounded_by_the_slowest_client(full: House) -> None:
    """Upstream has to wait for it, and who comes too late for the first bytes asks for itself."""
    full.upstream.answers["/f"] = streams(LARGE_PIECES, announced=len(LARGE))
    download = full.keeper.fetch(full.wanted(LARGE))

    async with aclosing(download.chunks()) as chunks:
        seen = bytearray()
        while len(seen) < 2 * MOST_IN_MEMORY:
            seen += await anext(chunks)
            assert download._handout._in_memory <= MOST_IN_MEMORY + MOST_PIECE
        late = full.keeper.fetch(full.wanted(LARGE))
        assert late is not download
        assert await whole(late) == LARGE
        seen += b"".join([chunk async for chunk in chunks])

    assert seen == LARGE
    assert full.upstream.paths() == ["/f", "/f"]


async def test_it_ends_when_all_clients_have_left(full: House) -> None:
    """Nobody needs the rest."""
    full.upstream.answers["/f"] = streams(LARGE_PIECES, announced=len(LARGE))
    download = full.keeper.fetch(full.wanted(LARGE))
    chunks = download.chunks()
    await anext(chunks)
    await chunks.aclose()

    with pytest.raises(StoreError):
        await download.finished()
    assert len(full.allowed) == 0


async def test_wrong_bytes_are_completed_towards_nobody(full: House) -> None:
    """What is not kept is verified like anything else."""
    full.upstream.answers["/f"] = streams([*PIECES[:-1], PIECES[-1][:-1] + b"!"])

    seen = await seen_before_failing(full.keeper.fetch(full.wanted(BODY)), WrongBytesError)

    assert len(seen) < len(BODY)
    assert full.allowed == []


@pytest.mark.parametrize("fails", ["spool", "store"])
async def test_what_was_blocked_meanwhile_is_broken_off(house: House, fails: str) -> None:
    """Though nothing is recorded, the catalog is asked."""
    house.upstream.answers["/f"] = streams(PIECES)
    house.refuses = True
    if fails == "spool":
        house.spool_dir.write_text("a file where a directory should be")
    else:
        store_nothing(house)

    seen = await seen_before_failing(house.keeper.fetch(house.wanted(BODY)), RefusedError)

    assert len(seen) < len(BODY)


async def test_a_store_that_fails_in_the_end_costs_the_client_nothing(house: House) -> None:
    """The bytes are verified: they are handed out, though neither stored nor recorded, and nothing of them stays."""
    house.upstream.answers["/f"] = streams(PIECES)
    store_nothing(house)
    download = house.keeper.fetch(house.wanted(BODY))

    assert await whole(download) == BODY
    assert (house.recorded, len(house.allowed)) == ([], 1)
    with pytest.raises(StoreError):
        await download.finished()
    await until(lambda: house.spooled() == [])


async def test_what_has_no_digest_is_not_passed_on(full: House) -> None:
    """Nothing could tell whether it is right."""
    full.upstream.answers["/f"] = says(BODY)

    with pytest.raises(StoreError):
        await whole(full.keeper.fetch(full.wanted(BODY, hashed=False)))

    assert full.upstream.asked == []


async def test_a_disk_that_is_full_in_the_middle_costs_the_client_nothing(house: House, tmp_path: Path) -> None:
    """What was spooled until then is read from there, the rest is passed on."""
    house.upstream.answers["/f"] = streams(LARGE_PIECES)
    promised = f"/f={hashlib.sha256(LARGE).hexdigest()}={len(LARGE)}=read"
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.mirror.keep.keeping_child", str(tmp_path), house.upstream.url, str(3 * 2**20), promised),
        cwd=REPOSITORY,
        env=dict(os.environ),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    _, said = await child.communicate()

    assert said.decode().splitlines() == [
        f"allowed f {len(LARGE)}",
        f"read {hashlib.sha256(LARGE).hexdigest()}",
    ]
    assert (await house.stored(LARGE), house.spooled()) == (None, [])
