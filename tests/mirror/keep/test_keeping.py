"""What everybody who waits for a file gets to see, and what is kept of it."""

import asyncio
import gc
import hashlib
from contextlib import aclosing
from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from structlog.testing import capture_logs

from mirror.errors import (
    CatalogUnavailableError,
    EverpinError,
    NotThereError,
    RefusedError,
    UpstreamUnavailableError,
    WrongBytesError,
)
from mirror.keep import Download, Kept
from mirror.model import HashSource, Sha256
from tests.mirror.keep.conftest import MAX_FILE_SIZE, House, until
from tests.mirror.upstream.canned_upstream import (
    canned_upstream,
    redirects,
    says,
    says_nothing,
    streams,
    streams_for_ever,
)

BODY = b"".join(n.to_bytes(4, "big") for n in range(500_000))
PIECES = [BODY[at : at + 300_000] for at in range(0, len(BODY), 300_000)]


async def whole(download: Download) -> bytes:
    return b"".join([chunk async for chunk in download.chunks()])


async def seen_before_failing(download: Download, expected: type[EverpinError]) -> bytes:
    """The bytes that were handed out before the promised error."""
    seen = bytearray()

    async def read() -> None:
        async for chunk in download.chunks():
            seen.extend(chunk)

    with pytest.raises(expected):
        await read()
    return bytes(seen)


async def test_a_file_is_fetched_verified_stored_and_recorded(house: House) -> None:
    """And whoever waits gets exactly its bytes; nothing is left of the spool."""
    house.upstream.answers["/f"] = says(BODY)
    wanted = house.wanted(BODY)

    download = house.keeper.fetch(wanted)

    assert await download.opened() == len(BODY)
    assert await whole(download) == BODY
    kept = await download.finished()
    assert kept == Kept(Sha256(hashlib.sha256(BODY).hexdigest()), len(BODY), HashSource.UPSTREAM)
    assert house.recorded == [(wanted, kept)]
    assert await house.stored(BODY) == BODY
    assert house.spooled() == []


async def test_sixteen_clients_cost_one_request(house: House) -> None:
    """All of them get all bytes from the first on, also those who come while it runs."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
    wanted = house.wanted(BODY)

    early = [asyncio.create_task(whole(house.keeper.fetch(wanted))) for _ in range(8)]
    await house.keeper.fetch(wanted).opened()
    late = [asyncio.create_task(whole(house.keeper.fetch(wanted))) for _ in range(8)]
    gate.set()

    assert await asyncio.gather(*early, *late) == [BODY] * 16
    assert house.upstream.paths() == ["/f"]
    assert len(house.recorded) == 1


async def test_the_same_bytes_are_recorded_for_every_file_that_has_them(house: House) -> None:
    """Two files of the catalog may be one object, with one request for both."""
    house.upstream.answers["/f"] = says(BODY)
    first = house.wanted(BODY)
    second = replace(first, file_id=2)

    one, other = house.keeper.fetch(first), house.keeper.fetch(second)
    await asyncio.gather(one.finished(), other.finished())

    assert [wanted.file_id for wanted, _ in house.recorded] == [1, 2]
    assert house.upstream.paths() == ["/f"]


async def test_a_dead_link_beside_somebody_elses_digest_spoils_nothing(house: House) -> None:
    """Downloads are shared by address too, so that one page cannot fail the files of another."""
    house.upstream.answers["/f"] = says(BODY)
    good = house.wanted(BODY)
    spoiler = replace(good, url=house.upstream.url + "/dead", project=canonicalize_name("evil"), file_id=2)

    spoilt = house.keeper.fetch(spoiler)
    kept = await house.keeper.fetch(good).finished()

    assert kept.size == len(BODY)
    with pytest.raises(NotThereError):
        await spoilt.finished()


async def test_bytes_flow_before_the_download_is_complete(house: House) -> None:
    """But what arrived last is always held back."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams([PIECES[0], *PIECES[1:]], announced=len(BODY), gate=gate)
    download = house.keeper.fetch(house.wanted(BODY))

    async with aclosing(download.chunks()) as chunks:
        first = await anext(chunks)
        assert BODY.startswith(first)
        assert len(first) < len(PIECES[0])
        assert house.recorded == []
        gate.set()
        rest = b"".join([chunk async for chunk in chunks])

    assert first + rest == BODY


async def test_the_last_byte_comes_after_everything_is_recorded(house: House) -> None:
    """Who has all bytes can rely on their being kept."""
    house.upstream.answers["/f"] = streams(PIECES)
    seen = 0

    async for chunk in house.keeper.fetch(house.wanted(BODY)).chunks():
        seen += len(chunk)
        if seen == len(BODY):
            assert len(house.recorded) == 1

    assert seen == len(BODY)


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

    assert len(seen) < len(BODY) - len(PIECES[-1])
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


async def test_the_download_goes_on_when_the_first_client_leaves(house: House) -> None:
    """What was asked for once is kept, and those who joined get it."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
    wanted = house.wanted(BODY)
    first = house.keeper.fetch(wanted).chunks()
    await anext(first)
    second = asyncio.create_task(whole(house.keeper.fetch(wanted)))

    await first.aclose()
    gate.set()

    assert await second == BODY
    assert house.upstream.paths() == ["/f"]


async def test_the_download_goes_on_when_everybody_leaves(house: House) -> None:
    """Also a client that is cancelled in the middle of a wait."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
    download = house.keeper.fetch(house.wanted(BODY))
    client = asyncio.create_task(whole(download))
    await download.opened()
    client.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client

    gate.set()
    await download.finished()

    assert await house.stored(BODY) == BODY


async def test_who_comes_after_the_end_is_served_from_the_store(house: House) -> None:
    """A download that somebody still holds gives its bytes at any time."""
    house.upstream.answers["/f"] = says(BODY)
    download = house.keeper.fetch(house.wanted(BODY))
    await download.finished()

    assert await whole(download) == BODY
    assert await whole(house.keeper.fetch(house.wanted(BODY))) == BODY
    assert house.upstream.paths() == ["/f"]


async def test_what_the_store_holds_already_is_adopted(house: House) -> None:
    """Bytes that were put and not recorded are recorded without asking upstream again."""
    house.upstream.answers["/f"] = says(BODY)
    house.catalog_is_down = True
    with pytest.raises(CatalogUnavailableError):
        await house.keeper.fetch(house.wanted(BODY)).finished()
    house.catalog_is_down = False
    house.upstream.answers.clear()

    download = house.keeper.fetch(house.wanted(BODY))

    assert await download.opened() == len(BODY)
    assert await whole(download) == BODY
    assert house.upstream.paths() == ["/f"]
    assert [kept.hash_source for _, kept in house.recorded] == [HashSource.UPSTREAM]


async def test_nobody_gets_the_last_byte_of_what_was_not_recorded(house: House) -> None:
    """A catalog that is down fails the download, though the bytes were right."""
    house.upstream.answers["/f"] = streams(PIECES)
    house.catalog_is_down = True

    seen = await seen_before_failing(house.keeper.fetch(house.wanted(BODY)), CatalogUnavailableError)

    assert len(seen) < len(BODY)
    assert house.spooled() == []


async def test_a_file_without_a_digest_is_spooled_whole(house: House) -> None:
    """Nothing is handed out before its end, and the digest is our own."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams(PIECES, gate=gate)
    download = house.keeper.fetch(house.wanted(BODY, sized=False, hashed=False))
    chunks = download.chunks()
    await download.opened()
    first = asyncio.ensure_future(anext(chunks))
    await until(lambda: download._spool is not None and download._spool.size == len(PIECES[0]))

    assert not first.done()
    gate.set()
    assert await first + b"".join([chunk async for chunk in chunks]) == BODY
    kept = await download.finished()
    assert kept == Kept(Sha256(hashlib.sha256(BODY).hexdigest()), len(BODY), HashSource.SELF)
    assert await house.stored(BODY) == BODY


@pytest.mark.parametrize("size", [0, 1])
async def test_tiny_files_are_files_too(house: House, size: int) -> None:
    """Also one without any byte."""
    house.upstream.answers["/f"] = says(BODY[:size])

    download = house.keeper.fetch(house.wanted(BODY[:size]))

    assert await whole(download) == BODY[:size]
    assert (await download.finished()).size == size


async def test_metadata_is_kept_like_a_file(house: House) -> None:
    """From the address it is given, by its own digest."""
    house.upstream.answers["/f.metadata"] = says(b"Name: leftpad\n")
    wanted = replace(house.wanted(b"Name: leftpad\n", path="/f.metadata", sized=False), metadata=True)

    assert await whole(house.keeper.fetch(wanted)) == b"Name: leftpad\n"
    assert [recorded.metadata for recorded, _ in house.recorded] == [True]


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotThereError), (410, NotThereError), (403, NotThereError), (503, UpstreamUnavailableError)],
)
async def test_upstreams_refusal_reaches_everybody_who_waits(
    house: House, status: int, error: type[EverpinError]
) -> None:
    """Before any byte, from all three ways to wait, each with an exception of its own."""
    house.upstream.answers["/f"] = says(status=status)
    download = house.keeper.fetch(house.wanted(BODY))

    outcomes = await asyncio.gather(
        download.opened(), download.finished(), whole(download), download.finished(), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [error] * 4
    assert len({id(outcome) for outcome in outcomes}) == 4
    assert house.spooled() == []


async def test_a_failure_is_forgotten_by_the_next_who_asks(house: House) -> None:
    """Another request is another try."""
    with pytest.raises(NotThereError):
        await house.keeper.fetch(house.wanted(BODY)).finished()
    house.upstream.answers["/f"] = says(BODY)

    assert await whole(house.keeper.fetch(house.wanted(BODY))) == BODY


async def test_files_behind_a_foreign_redirect_are_refused(house: House) -> None:
    """And the foreign host is left alone."""
    async with canned_upstream() as foreign:
        foreign.answers["/f"] = says(BODY)
        house.upstream.answers["/f"] = redirects(f"{foreign.url}/f")

        with pytest.raises(UpstreamUnavailableError, match="does not follow"):
            await house.keeper.fetch(house.wanted(BODY)).finished()

        assert foreign.asked == []


async def test_a_failure_that_nobody_waits_for_is_logged_once(house: House) -> None:
    """With its reason, in one line, and without noise from the event loop."""
    noise: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    with capture_logs() as logs:
        house.keeper.fetch(house.wanted(BODY))
        await until(lambda: bool(logs))
        await house.keeper.close()
        gc.collect()

    assert [(log["event"], log["reason"], log["filename"]) for log in logs] == [
        ("keep.failed", "NotThereError", "leftpad-1.0.tar.gz")
    ]
    assert noise == []


async def test_a_defect_reaches_those_who_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever because of an error that nobody thought of."""

    async def broken() -> tuple[str, ...]:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(house, "allowed_hosts", broken)
    with capture_logs() as logs, pytest.raises(ZeroDivisionError):
        await whole(house.keeper.fetch(house.wanted(BODY)))

    assert [log["event"] for log in logs] == ["keep.crashed"]


async def test_closing_ends_what_runs(house: House) -> None:
    """Whoever waits is told, also for a download that had not yet begun, and no spool is left."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
    house.upstream.answers["/silent"] = says_nothing
    streaming = house.keeper.fetch(house.wanted(BODY))
    client = asyncio.create_task(whole(streaming))
    silent = house.keeper.fetch(house.wanted(BODY, path="/silent"))
    await streaming.opened()
    unbegun = house.keeper.fetch(house.wanted(b"other", path="/other"))

    await house.keeper.close()

    outcomes = await asyncio.gather(client, silent.finished(), unbegun.opened(), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [UpstreamUnavailableError] * 3
    assert house.spooled() == []
    assert await house.stored(BODY) is None
