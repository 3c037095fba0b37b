"""Several processes that want the same file: one of them fetches, the others read along or wait, whatever happens."""

import asyncio
import hashlib
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from mirror.catalog.claims import connected
from mirror.errors import BusyElsewhereError, EverpinError, UpstreamUnavailableError, WrongBytesError
from mirror.keep import following
from mirror.names import Sha256
from mirror.store import scratch
from mirror.store.keys import StoreKey
from tests.mirror.keep.conftest import BODY, PIECES, House, house_of, seen_before_failing, until, whole
from tests.mirror.upstream.canned_upstream import CannedUpstream, canned_upstream, says, streams

REPOSITORY = Path(__file__).parents[3]


@asynccontextmanager
async def two_houses(
    database_url: str, directory: Path, *, spools: tuple[str, str] = ("spool", "spool")
) -> AsyncIterator[tuple[House, House]]:
    """Two processes, as far as claims can tell: on one host, or where their spools differ on two."""
    async with (
        canned_upstream() as upstream,
        connected(database_url) as one,
        connected(database_url) as other,
        house_of(upstream, directory, claims=one, spool=spools[0]) as first,
        house_of(upstream, directory, claims=other, spool=spools[1]) as second,
    ):
        yield first, second


@asynccontextmanager
async def one_house(database_url: str, directory: Path) -> AsyncIterator[House]:
    """A house whose claims are shared there."""
    async with (
        canned_upstream() as upstream,
        connected(database_url) as claims,
        house_of(upstream, directory, claims=claims) as house,
    ):
        yield house


@asynccontextmanager
async def dying(database_url: str, directory: Path, house: House, body: bytes) -> AsyncIterator[Process]:
    """A process that fetches the file and, as upstream holds back the rest of it, can be killed in the middle."""
    promised = f"/f={hashlib.sha256(body).hexdigest()}={len(body)}"
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.mirror.keep.keeping_child", str(directory), house.upstream.url, "0", promised),
        cwd=REPOSITORY,
        env=os.environ | {"CLAIMS_DATABASE": database_url},
    )
    try:
        await until(lambda: any(path.stat().st_size for path in house.spooled()))
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def drop_claims(database_url: str) -> None:
    """Ends all connections that hold claims, as a restart of PostgreSQL would."""
    conn = await asyncpg.connect(database_url)
    try:
        await conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'everpin claims' and datname = current_database()"
        )
    finally:
        await conn.close()


async def test_two_processes_of_a_host_cost_one_request(database_url: str, tmp_path: Path) -> None:
    """Who comes second reads along while the first one's spool grows, and both record what they wanted it for."""
    gate = asyncio.Event()
    async with two_houses(database_url, tmp_path) as (first, second):
        first.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
        fetching = asyncio.create_task(whole(first.keeper.fetch(first.wanted(BODY))))
        await until(lambda: first.upstream.paths() == ["/f"])
        async with aclosing(second.keeper.fetch(second.wanted(BODY)).chunks()) as chunks:
            begun = await anext(chunks)
            before = list(first.recorded)
            gate.set()
            rest = b"".join([chunk async for chunk in chunks])

        assert (begun + rest, await fetching) == (BODY, BODY)
        assert (before, len(begun) < len(BODY)) == ([], True)
        assert first.upstream.paths() == ["/f"]
        assert (len(first.recorded), len(second.recorded)) == (1, 1)
        assert first.spooled() == []


async def test_two_hosts_cost_one_request(database_url: str, tmp_path: Path) -> None:
    """Where the spool cannot be seen, who comes second waits until the store has the file."""
    gate = asyncio.Event()
    async with two_houses(database_url, tmp_path, spools=("here", "there")) as (first, second):
        first.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
        fetching = first.keeper.fetch(first.wanted(BODY))
        await fetching.opened()
        waiting = asyncio.create_task(whole(second.keeper.fetch(second.wanted(BODY))))
        gate.set()

        assert await waiting == BODY
        assert first.upstream.paths() == ["/f"]


async def test_who_waits_too_long_for_another_host_is_sent_away_for_a_moment(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In time to be asked again; upstream is still asked only once."""
    monkeypatch.setattr(following, "FIRST_BYTE_SECONDS", 0.3)
    gate = asyncio.Event()
    async with two_houses(database_url, tmp_path, spools=("here", "there")) as (first, second):
        first.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
        fetching = first.keeper.fetch(first.wanted(BODY))
        await fetching.opened()

        with pytest.raises(BusyElsewhereError):
            await second.keeper.fetch(second.wanted(BODY)).opened()

        gate.set()
        await fetching.finished()
        assert await whole(second.keeper.fetch(second.wanted(BODY))) == BODY
        assert first.upstream.paths() == ["/f"]


async def test_a_file_without_a_digest_is_waited_for(database_url: str, tmp_path: Path) -> None:
    """What the first one found out about it, the second learns from the catalog."""
    gate = asyncio.Event()
    async with two_houses(database_url, tmp_path) as (first, second):
        first.upstream.answers["/f"] = streams(PIECES, gate=gate)
        second.recorded = first.recorded
        wanted = first.wanted(BODY, sized=False, hashed=False)
        fetching = first.keeper.fetch(wanted)
        await fetching.opened()
        waiting = asyncio.create_task(whole(second.keeper.fetch(wanted)))
        gate.set()

        assert await waiting == BODY
        assert first.upstream.paths() == ["/f"]


async def test_a_failure_of_the_first_is_no_failure_of_the_second(database_url: str, tmp_path: Path) -> None:
    """It sees for itself, and what it has begun to hand out goes on where that was right."""
    gate = asyncio.Event()
    async with two_houses(database_url, tmp_path) as (first, second):
        first.upstream.answers["/f"] = streams(PIECES[:2], announced=len(BODY), gate=gate, breaks=True)
        failing = asyncio.create_task(seen_before_failing(first.keeper.fetch(first.wanted(BODY)), EverpinError))
        await until(lambda: first.upstream.paths() == ["/f"])
        async with aclosing(second.keeper.fetch(second.wanted(BODY)).chunks()) as chunks:
            begun = await anext(chunks)
            first.upstream.answers["/f"] = says(BODY)
            gate.set()
            rest = b"".join([chunk async for chunk in chunks])

        await failing
        assert begun + rest == BODY
        assert first.upstream.paths() == ["/f", "/f"]


async def test_the_death_of_who_fetches_is_survived_by_who_follows(database_url: str, tmp_path: Path) -> None:
    """A client in the middle of the body gets the rest, once it is seen that what it has was right."""
    async with one_house(database_url, tmp_path) as house:
        house.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=asyncio.Event())
        async with dying(database_url, tmp_path, house, BODY) as child:
            chunks = house.keeper.fetch(house.wanted(BODY)).chunks()
            begun = await anext(chunks)
            house.upstream.answers["/f"] = says(BODY)
            child.kill()
            rest = b"".join([chunk async for chunk in chunks])

        assert (len(begun) > 0, begun + rest) == (True, BODY)
        assert house.upstream.paths() == ["/f", "/f"]
        assert await house.stored(BODY) == BODY


async def test_what_a_dead_process_handed_out_wrongly_is_not_gone_on_with(database_url: str, tmp_path: Path) -> None:
    """Upstream had sent other bytes to it: the client is broken off, and nobody gets a mixture."""
    wrong = [b"!" + PIECES[0][1:], *PIECES[1:]]
    async with one_house(database_url, tmp_path) as house:
        house.upstream.answers["/f"] = streams(wrong, announced=len(BODY), gate=asyncio.Event())
        async with dying(database_url, tmp_path, house, BODY) as child:
            download = house.keeper.fetch(house.wanted(BODY))
            await download.opened()
            reading = asyncio.create_task(seen_before_failing(download, UpstreamUnavailableError))
            house.upstream.answers["/f"] = says(BODY)
            child.kill()
            seen = await reading

        assert (len(seen) > 0, wrong[0].startswith(seen)) == (True, True)
        assert await whole(house.keeper.fetch(house.wanted(BODY))) == BODY


async def test_wrong_bytes_are_completed_towards_nobody_who_follows(database_url: str, tmp_path: Path) -> None:
    """Of either process; and the store gets nothing."""
    gate = asyncio.Event()
    wrong = [*PIECES[:-1], PIECES[-1][:-1] + b"!"]
    async with two_houses(database_url, tmp_path) as (first, second):
        first.upstream.answers["/f"] = streams(wrong, announced=len(BODY), gate=gate)
        fetching = asyncio.create_task(seen_before_failing(first.keeper.fetch(first.wanted(BODY)), WrongBytesError))
        await until(lambda: first.upstream.paths() == ["/f"])
        following_it = second.keeper.fetch(second.wanted(BODY))
        await following_it.opened()
        reading = asyncio.create_task(seen_before_failing(following_it, WrongBytesError))
        gate.set()

        assert all(len(seen) < len(BODY) for seen in await asyncio.gather(fetching, reading))
        assert await first.stored(BODY) is None
        assert (first.recorded, second.recorded) == ([], [])


async def test_a_lost_claim_costs_a_second_request_at_worst(database_url: str, tmp_path: Path) -> None:
    """Who believed to have it alone goes on, another begins as well, and both end with the same bytes."""
    gate = asyncio.Event()
    async with two_houses(database_url, tmp_path) as (first, second):
        first.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
        one = asyncio.create_task(whole(first.keeper.fetch(first.wanted(BODY))))
        await until(lambda: first.upstream.paths() == ["/f"])
        other = asyncio.create_task(whole(second.keeper.fetch(second.wanted(BODY))))
        await drop_claims(database_url)
        await until(lambda: first.upstream.paths() == ["/f", "/f"])
        gate.set()

        assert (await one, await other) == (BODY, BODY)
        assert await first.stored(BODY) == BODY
        assert first.spooled() == []


async def test_files_are_fetched_while_nobody_can_be_asked_for_claims(tmp_path: Path) -> None:
    """Claims only spare work."""
    async with one_house("postgresql://nobody@127.0.0.1:1/none", tmp_path) as house:
        house.upstream.answers["/f"] = says(BODY)

        assert await whole(house.keeper.fetch(house.wanted(BODY))) == BODY


async def test_many_processes_with_many_clients_cost_one_request(database_url: str, tmp_path: Path) -> None:
    """All of them get all bytes."""
    async with canned_upstream() as upstream:
        upstream.answers["/f"] = says(BODY)
        got = await asyncio.gather(*(_some_clients(database_url, tmp_path, upstream) for _ in range(4)))

    assert got == [[BODY] * 4] * 4
    assert upstream.paths() == ["/f"]


async def _some_clients(database_url: str, directory: Path, upstream: CannedUpstream) -> list[bytes]:
    async with connected(database_url) as claims, house_of(upstream, directory, claims=claims) as house:
        wanted = house.wanted(BODY)
        return list(await asyncio.gather(*(whole(house.keeper.fetch(replace(wanted))) for _ in range(4))))


async def test_a_spool_that_is_not_what_was_stored_is_read_by_nobody(database_url: str, tmp_path: Path) -> None:
    """Whoever left it behind: the object of the store is what is handed out."""
    async with two_houses(database_url, tmp_path) as (first, second):
        wanted = first.wanted(BODY[:1000])
        claim = await first.means.claims.try_claim(wanted.name)
        assert claim is not None
        first.spool_dir.mkdir()
        path, descriptor = scratch.create(first.spool_dir, wanted.label)
        os.write(descriptor, bytes(1000))
        download = second.keeper.fetch(wanted)
        await download.opened()
        reading = asyncio.create_task(whole(download))
        stored = tmp_path / "stored"
        stored.write_bytes(BODY[:1000])
        await first.store.put(stored, StoreKey(Sha256(hashlib.sha256(BODY[:1000]).hexdigest())))
        path.unlink()
        await claim.release()

        assert await reading == BODY[:1000]
        assert first.upstream.asked == []
        os.close(descriptor)
