"""Absences that are believed, in the catalog: which are due, who may believe them, and what is stored of it."""

import asyncio
from datetime import timedelta

from mirror import observe
from mirror.catalog import absences, backlog, files, projects
from mirror.catalog.database import Catalog, Connection
from mirror.changes.disappearances import Doubt
from mirror.event_kinds import EventKind
from mirror.names import ProjectName, Serial
from tests.mirror.changes.histories import NAME, NOW, RULES, listed, page
from tests.mirror.observe.observations import events_told, finished, memory_of, see, states_of, store_all

INTERVAL = timedelta(minutes=5)
LATER = NOW + timedelta(minutes=6)
DOUBT = Doubt(INTERVAL, LATER)


async def missing(catalog: Catalog, *rest: str, twice: bool = True) -> None:
    """Pages list only these versions, now and after the interval."""
    await see(catalog, 50, *rest)
    if twice:
        async with catalog.writing() as conn:
            again = page(50, *(listed(version) for version in rest))
            await observe.page(conn, again, rules=RULES, now=LATER)


async def settled(conn: Connection, *but: ProjectName) -> ProjectName | None:
    return await absences.settled(conn, interval=INTERVAL, begun_by=LATER, but=but)


async def believe(conn: Connection) -> bool:
    return await observe.disappearances(conn, NAME, DOUBT, rules=RULES, now=LATER)


async def test_it_is_stored_with_its_event(watched: Catalog) -> None:
    """What is read back is what was believed, and it is due no more."""
    await see(watched, 50, "1.0", "1.1")
    await store_all(watched)
    await missing(watched, "1.0")

    async with watched.writing() as conn:
        assert await settled(conn) == NAME
        assert await settled(conn, NAME) is None
        assert await believe(conn)
        assert await settled(conn) is None
        assert not await believe(conn)

    (event,) = await events_told(watched)
    gone = (await memory_of(watched)).files[1]
    assert (event.kind, gone.disappeared_in, gone.disappeared_at) == (EventKind.DISAPPEARED, event.id, LATER)
    assert (gone.listed, gone.missing_since, gone.missing_seen, gone.listed_at) == (False, NOW, LATER, NOW)
    assert await states_of(watched) == {"1.0": "live", "1.1": "kept"}


async def test_one_observation_is_not_due(watched: Catalog) -> None:
    """Nor is what began too late."""
    await see(watched, 50, "1.0", "1.1")
    await missing(watched, "1.0", twice=False)
    async with watched.writing() as conn:
        assert await settled(conn) is None

    await missing(watched, "1.0")
    async with watched.writing() as conn:
        before = NOW - timedelta(seconds=1)
        assert await absences.settled(conn, interval=INTERVAL, begun_by=before, but=()) is None
        assert await settled(conn) == NAME


async def test_missing_bytes_are_wanted_first(watched: Catalog) -> None:
    """Only those of what disappeared."""
    await see(watched, 50, "1.0", "1.1")
    await missing(watched, "1.0")

    async with watched.writing() as conn:
        await believe(conn)
        wanted = await conn.fetch("select filename, priority from backlog join files on files.id = backlog.file")

    assert [tuple(record) for record in wanted] == [("demo-1.1-py3-none-any.whl", backlog.Priority.RESCUE)]
    assert await states_of(watched) == {"1.0": "live", "1.1": "held rescue"}


async def test_bytes_that_arrive_later_are_told_as_rescued(watched: Catalog) -> None:
    """As those of what a row took away."""
    await see(watched, 50, "1.0", "1.1")
    await missing(watched, "1.0")
    async with watched.writing() as conn:
        await believe(conn)

    await store_all(watched)

    assert [event.kind for event in await events_told(watched)] == [EventKind.DISAPPEARED, EventKind.RESCUED]


async def test_only_one_confirms_at_a_time(watched: Catalog) -> None:
    """Until its transaction has ended nobody else does; then anybody may."""
    async with watched.writing() as first:
        assert await absences.claim_confirming(first)
        async with watched.writing() as second:
            assert not await absences.claim_confirming(second)
    async with watched.writing() as third:
        assert await absences.claim_confirming(third)


async def test_two_who_believe_it_at_once_tell_it_once(watched: Catalog) -> None:
    """Whoever comes second finds nothing to believe any more."""
    await see(watched, 50, "1.0", "1.1")
    await missing(watched, "1.0")

    async def one() -> bool:
        async with watched.writing() as conn:
            return await believe(conn)

    both = asyncio.gather(one(), one())
    await finished(both)

    assert sorted(both.result()) == [False, True]
    assert len(await events_told(watched)) == 1


async def test_the_same_page_again_is_seen_missing_again(watched: Catalog) -> None:
    """Only the page that is believed now, and none of an older serial."""
    await see(watched, 50, "1.0", "1.1")
    seen = page(50, listed("1.0"))
    async with watched.writing() as conn:
        await conn.execute("update projects set etag = 'now'")
        await observe.page(conn, seen, rules=RULES, now=NOW)
        await conn.execute("update projects set etag = 'now'")

    async def seen_at(etag: str, serial: Serial | None) -> bool:
        async with watched.writing() as conn:
            known = await projects.find(conn, NAME)
            assert known is not None
            await observe.unchanged(conn, NAME, etag=etag, serial=serial, now=LATER)
            return (await files.of_project(conn, known))[1].missing_seen == LATER

    assert not await seen_at("before", Serial(50))
    assert not await seen_at("now", Serial(49))
    assert await seen_at("now", None)
    assert (await memory_of(watched)).files[0].missing_seen is None


async def test_looks_are_taken_when_due_and_by_one_alone(watched: Catalog) -> None:
    """After the interval, once; the page stays in the queue in case whoever took it dies."""
    await see(watched, 50, "1.0", "1.1")
    await missing(watched, "1.0", twice=False)

    async def take(seconds: int) -> list[tuple[str, int]]:
        now = NOW + timedelta(seconds=seconds)
        async with watched.writing() as conn:
            looks = await absences.take_looks(
                conn, interval=INTERVAL, again=6 * INTERVAL, until=now + timedelta(seconds=100), now=now, limit=20
            )
        return [(look.project, look.attempts) for look in looks]

    assert await take(299) == []
    assert await take(300) == [(NAME, 0)]
    assert await take(301) == []
    assert await take(400) == [(NAME, 1)]
    async with watched.writing() as conn:
        await absences.end_look(conn, NAME)
        await observe.page(conn, page(50, listed("1.0")), rules=RULES, now=NOW + timedelta(seconds=400))
    assert await take(500) == []
    assert await take(400 + 6 * 300) == [(NAME, 0)]


async def test_a_page_that_a_row_wants_stays_wanted(watched: Catalog) -> None:
    """A look at what is missing ends no wish for a newer page."""
    await see(watched, 50, "1.0", "1.1")
    async with watched.writing() as conn:
        await conn.execute("update projects set wanted_serial = 60, refresh_at = $1", NOW)
        await absences.end_look(conn, NAME)
        known = await projects.find(conn, NAME)

    assert known is not None
    assert (known.wanted_serial, known.refresh_at) == (60, NOW)
