"""What everybody who waits for a file gets to see, and what is kept of it."""

import asyncio
import hashlib
from contextlib import aclosing
from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name

from mirror.errors import CatalogUnavailableError, NotThereError
from mirror.index.paths import Kind
from mirror.keep import Kept
from mirror.model import HashSource
from mirror.names import Sha256
from tests.mirror.keep.conftest import BODY, PIECES, House, until, whole
from tests.mirror.upstream.canned_upstream import says, streams


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
    """But the end is always held back."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams([PIECES[0], *PIECES[1:]], announced=len(BODY), gate=gate)
    download = house.keeper.fetch(house.wanted(BODY))

    async with aclosing(download.chunks()) as chunks:
        first = await anext(chunks)
        assert BODY.startswith(first)
        assert len(first) < len(BODY)
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


async def test_a_file_without_a_digest_is_spooled_whole(house: House) -> None:
    """Nothing is handed out before its end, and the digest is our own."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams(PIECES, gate=gate)
    download = house.keeper.fetch(house.wanted(BODY, sized=False, hashed=False))
    chunks = download.chunks()
    await download.opened()
    first = asyncio.ensure_future(anext(chunks))
    await until(lambda: [path.stat().st_size for path in house.spooled()] == [len(PIECES[0])])

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
    wanted = replace(house.wanted(b"Name: leftpad\n", path="/f.metadata", sized=False), kind=Kind.METADATA)

    assert await whole(house.keeper.fetch(wanted)) == b"Name: leftpad\n"
    assert [recorded.kind for recorded, _ in house.recorded] == [Kind.METADATA]
