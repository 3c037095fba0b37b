"""A body that is not what was promised, or too large, never reaches its end with a client, and nothing of it stays."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from mirror.errors import RefusedError, UpstreamUnavailableError, WrongBytesError
from tests.mirror.keep.conftest import BODY, MAX_FILE_SIZE, PIECES, House, seen_before_failing
from tests.mirror.upstream.canned_upstream import says, streams, streams_for_ever


@pytest.mark.parametrize("sized", [True, False])
async def test_wrong_bytes_are_never_completed(house: House, sized: bool) -> None:
    """A body of the right size and the wrong digest is broken off, not stored, not recorded."""
    wrong = BODY[:-1] + b"!"
    house.upstream.answers["/f"] = streams([*PIECES[:-1], PIECES[-1][:-1] + b"!"])

    with capture_logs() as logs:
        seen = await seen_before_failing(house.keeper.fetch(house.wanted(BODY, sized=sized)), WrongBytesError)

    assert wrong.startswith(seen)
    assert len(seen) < len(BODY)
    assert await house.stored(BODY) is None
    assert await house.stored(wrong) is None
    assert (house.recorded, house.spooled()) == ([], [])
    assert [(log["event"], log["reason"]) for log in logs] == [("keep.failed", "WrongBytesError")]


async def test_a_short_body_is_never_completed(house: House) -> None:
    """Also where upstream ended it properly."""
    house.upstream.answers["/f"] = streams(PIECES[:-1])

    seen = await seen_before_failing(house.keeper.fetch(house.wanted(BODY)), WrongBytesError)

    assert len(seen) < len(BODY)
    assert (await house.stored(BODY), house.spooled()) == (None, [])


async def test_a_truncated_transfer_is_upstreams_failure(house: House) -> None:
    """A connection that breaks off says nothing about the bytes."""
    house.upstream.answers["/f"] = streams(PIECES[:-1], announced=len(BODY), breaks=True)

    await seen_before_failing(house.keeper.fetch(house.wanted(BODY)), UpstreamUnavailableError)

    assert (await house.stored(BODY), house.spooled()) == (None, [])


async def test_a_longer_body_is_stopped_at_once(house: House) -> None:
    """Reading ends with the first byte too many, though upstream would go on for ever."""
    house.upstream.answers["/f"] = streams_for_ever(PIECES[0])

    seen = await seen_before_failing(house.keeper.fetch(house.wanted(BODY)), WrongBytesError)

    assert len(seen) < len(BODY)
    assert house.spooled() == []


async def test_another_announced_size_is_refused_before_the_first_byte(house: House) -> None:
    """The page said something else."""
    house.upstream.answers["/f"] = says(BODY + b"!")
    download = house.keeper.fetch(house.wanted(BODY))

    with pytest.raises(WrongBytesError, match=f"announced {len(BODY) + 1} bytes instead of {len(BODY)}"):
        await download.opened()


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_that_is_too_large_is_not_kept(house: House, announced: bool) -> None:
    """However the size becomes known."""
    too_large = bytes(MAX_FILE_SIZE + 1)
    house.upstream.answers["/f"] = says(too_large) if announced else streams_for_ever(bytes(2**20))
    download = house.keeper.fetch(house.wanted(too_large, sized=False))

    with pytest.raises(RefusedError, match=r"larger than keep\.max_file_size"):
        await download.finished()

    assert house.spooled() == []


async def test_a_file_whose_promised_size_is_too_large_is_not_asked_for(house: House) -> None:
    """The page's word is enough."""
    wanted = replace(house.wanted(BODY), size=MAX_FILE_SIZE + 1)

    with pytest.raises(RefusedError, match=r"larger than keep\.max_file_size"):
        await house.keeper.fetch(wanted).finished()

    assert house.upstream.asked == []
