"""Files are claimed from the backlog in the order of their urgency, each by one claimer."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from mirror.catalog import backlog, files, projects
from mirror.catalog.backlog import LEASE, Claim, Priority
from mirror.catalog.database import Catalog, Connection
from mirror.model import FileFacts, ListedFile, ProjectFacts
from mirror.names import ProjectName

_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def wanted(catalog: Catalog) -> AsyncIterator[tuple[Connection, list[int]]]:
    """A connection and four wanted files: requested, then requested and rescued a minute later, and one not yet due."""
    async with catalog.writing() as conn:
        project = await projects.insert(conn, ProjectFacts(None, ProjectName("demo"), "Demo", _NOW))
        listed = [ListedFile(f"{n}.tar.gz", "", None, "1.0", 1, None) for n in range(4)]
        await files.insert(conn, project or 0, [FileFacts(None, 1, file, _NOW, None) for file in listed])
        ids = [record["id"] for record in await conn.fetch("select id from files order by id")]
        minute = timedelta(minutes=1)
        await backlog.add(conn, ids[:1], Priority.REQUESTED, now=_NOW - 2 * minute)
        await backlog.add(conn, ids[1:2], Priority.REQUESTED, now=_NOW - minute)
        await backlog.add(conn, ids[2:3], Priority.RESCUE, now=_NOW - minute)
        await backlog.add(conn, ids[3:], Priority.RESCUE, now=_NOW + minute)
        yield conn, ids


async def test_rescues_come_first_and_then_what_waits_longest(wanted: tuple[Connection, list[int]]) -> None:
    """What is not due is not claimed, however urgent, and what is claimed is not claimed again."""
    conn, ids = wanted

    first = await backlog.claim(conn, uuid.uuid4(), limit=2, now=_NOW)
    second = await backlog.claim(conn, uuid.uuid4(), limit=9, now=_NOW)
    third = await backlog.claim(conn, uuid.uuid4(), limit=9, now=_NOW)

    assert {claim.file_id for claim in first} == {ids[2], ids[0]}
    assert second == [Claim(ids[1], attempts=0, denials=0, priority=Priority.REQUESTED)]
    assert third == []


async def test_a_claim_holds_as_long_as_it_is_renewed(wanted: tuple[Connection, list[int]]) -> None:
    """The files of a claimer that died come back by themselves, those it gives back at once."""
    conn, ids = wanted
    alive, dead, leaving, heir = (uuid.uuid4() for _ in range(4))
    for claimer in (alive, dead, leaving):
        await backlog.claim(conn, claimer, limit=1, now=_NOW)

    await backlog.renew(conn, alive, now=_NOW + LEASE / 2)
    await backlog.give_back(conn, leaving)
    at_once = await backlog.claim(conn, heir, limit=9, now=_NOW)
    later = await backlog.claim(conn, heir, limit=9, now=_NOW + LEASE + timedelta(seconds=1))

    assert at_once == [Claim(ids[1], attempts=0, denials=0, priority=Priority.REQUESTED)]
    # The dead one's, the heir's own that it never renewed, and the one that has become due.
    assert {claim.file_id for claim in later} == {ids[0], ids[1], ids[3]}
