"""Events are numbered in the order of commit: nothing ever appears below a number that was handed out."""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime

from mirror.catalog import events
from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.events import Event, EventDraft, Evidence, next_link
from mirror.names import ProjectName, Serial
from watcher.feed.filters import EventFilter
from watcher.feed.reading import page_after

NOW = datetime(2023, 4, 12, 12, 0, tzinfo=UTC)
WRITERS, TRANSACTIONS = 6, 12
KINDS = (EventKind.RELEASE_DELETED, EventKind.RELEASE_YANKED, EventKind.RESCUED)


class _GivenUpError(Exception):
    """A transaction that ends without a commit."""


def draft(serial: int) -> EventDraft:
    """An event of that serial, of one of three kinds and of one of four projects."""
    name = ProjectName(f"p{serial % 4}")
    return EventDraft(KINDS[serial % 3], name, "1.0", Serial(serial), NOW, NOW, Evidence.JOURNAL)


async def write(catalog: Catalog, writer: int, chance: random.Random) -> None:
    """Transactions of one or several events that stay open for a while; some are given up."""
    for turn in range(TRANSACTIONS):
        first = (writer * TRANSACTIONS + turn) * 10
        with suppress(_GivenUpError):
            async with catalog.writing() as conn:
                await events.append(conn, [draft(first + number) for number in range(chance.randint(1, 4))])
                await asyncio.sleep(chance.random() / 200)
                if turn % 5 == 4:
                    raise _GivenUpError


async def read(catalog: Catalog, wanted: EventFilter, written: asyncio.Event, limit: int) -> list[Event]:
    """What a reader gets who follows the end of each page from the first on, until all is written and read."""
    got: list[Event] = []
    number, more = 0, True
    while more or not written.is_set():
        was_written = written.is_set()
        async with catalog.reading() as conn:
            page = await page_after(conn, number, epoch=1, wanted=wanted, limit=limit)
        got += page.events
        number, more = page.end, page.more or not was_written
        await asyncio.sleep(0)
    return got


async def test_whoever_reads_while_others_write_gets_every_event_once(catalog: Catalog) -> None:
    """Whatever the filter passes over, and however writers overlap: as if it had been read when all was written."""
    chance, written = random.Random(17), asyncio.Event()  # noqa: S311 - only to overlap in many ways
    filters = (
        EventFilter(),
        EventFilter(kinds=frozenset({EventKind.RELEASE_YANKED})),
        EventFilter(projects=frozenset({ProjectName("p1"), ProjectName("p2")})),
        EventFilter(patterns=("p*3",), kinds=frozenset(KINDS[:2])),
    )
    reading = [asyncio.create_task(read(catalog, wanted, written, 1 + place)) for place, wanted in enumerate(filters)]

    await asyncio.gather(*(write(catalog, writer, chance) for writer in range(WRITERS)))
    written.set()
    got = await asyncio.gather(*reading)

    async with catalog.reading() as conn:
        told = await events.after(conn, 0, limit=10_000, epoch=1)
    assert [event.cursor.number for event in told] == list(range(1, len(told) + 1))
    for wanted, seen in zip(filters, got, strict=True):
        assert seen == [event for event in told if wanted.admits(event)]
    chain = ""
    for event in told:
        assert event.payload is not None
        chain = next_link(chain, event.id, event.payload)
        assert event.chain == chain
