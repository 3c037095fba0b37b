"""Those who read a download along share what is in memory, hold nobody up, and are told in time."""

import asyncio
from dataclasses import replace

import pytest

from mirror.errors import UpstreamUnavailableError
from mirror.keep import Keeper
from mirror.keep.handout import MOST_IN_MEMORY, Handout
from mirror.store.interface import CHUNK
from mirror.upstream.session import MOST_PIECE
from tests.mirror.keep.conftest import BODY, PIECES, House, until, whole
from tests.mirror.upstream.canned_upstream import streams

LARGE = BODY * 4


async def test_a_client_that_lags_behind_holds_up_nobody(house: House) -> None:
    """The download ends without it, others have all, memory is bounded; the laggard reads the rest from the spool."""
    house.upstream.answers["/f"] = streams(PIECES * 4, announced=len(LARGE))
    download = house.keeper.fetch(house.wanted(LARGE))
    slow = download.chunks()
    first = await anext(slow)

    assert await whole(download) == LARGE
    await download.finished()
    assert download._handout._in_memory <= MOST_IN_MEMORY + CHUNK + MOST_PIECE
    assert first + b"".join([chunk async for chunk in slow]) == LARGE
    assert house.upstream.paths() == ["/f"]


async def test_small_pieces_are_handed_out_together() -> None:
    """The first at once; those that come soon after each other as one chunk, and never later than their timer."""
    handout = Handout()
    reader = handout.enter()
    seen: list[bytes] = []

    async def read() -> None:
        async for chunk in handout.chunks(reader):
            seen.append(chunk)  # noqa: PERF401 - what was seen so far counts

    reading = asyncio.create_task(read())
    handout.add(b"first")
    handout.publish(5)
    await until(lambda: seen == [b"first"])
    for number in range(3):
        handout.add(bytes([number]))
        handout.publish(6 + number)
    await until(lambda: seen == [b"first", bytes([0, 1, 2])])
    handout.add(b"last")
    handout.finish(12)
    await reading

    assert seen == [b"first", bytes([0, 1, 2]), b"last"]


async def test_who_waits_for_a_first_byte_is_told_in_time(house: House) -> None:
    """The download goes on for those who ask again."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams([b"", BODY], announced=len(BODY), gate=gate)
    keeper = Keeper(replace(house.means, patience_seconds=0.2))
    download = keeper.fetch(house.wanted(BODY))

    with pytest.raises(UpstreamUnavailableError, match="in time"):
        await download.opened()

    gate.set()
    assert await whole(keeper.fetch(house.wanted(BODY))) == BODY
    assert house.upstream.paths() == ["/f"]
