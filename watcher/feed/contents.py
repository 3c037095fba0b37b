"""Which events a feed document holds.

The current document holds the newest events and those of the last day, so that a reader who comes once a day misses
none, and in any case all that are in no archive yet. It names the newest archive that holds an event which the reader
wants, each archive names the one before, and so on: whoever was away follows them until one that was read already, and
has every event. What is told meanwhile changes no archive; only what was taken away from one does.

The effort for a document is bounded: of a filter that admits few of many events no more than `MOST_LOOKED_AT` are
looked at, after which the next archive is named on suspicion, and may turn out to hold nothing.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from mirror.catalog import event_ranges
from mirror.catalog.database import Connection
from mirror.catalog.event_ranges import Told
from mirror.events import Event
from watcher.feed.filters import Filter

ALWAYS_INCLUDED = timedelta(hours=24)
"""Events younger than this stand in the current document however many there are, up to `MOST_ENTRIES`."""
WITHDRAWN_FOR = timedelta(days=30)
"""How long the current document withdraws what was redacted: readers do not look at archives again."""
MOST_ENTRIES = 5_000
"""What one document holds at most; those that are in no archive yet are always fewer."""
MOST_LOOKED_AT = 10_000
_MOST_WITHDRAWN = 1_000
_FIRST_BATCH = 100
_LARGEST_BATCH = 1_000
# Numbers follow the commits, times need not; so much later can an event have been told than one of a higher number.
_DISORDER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Contents:
    """The events of a document, newest first, and the archive before it.

    `is_cut`: there were more of the last day than one document can hold.
    """

    events: tuple[Event, ...]
    earlier: int | None
    is_cut: bool = False


def complete_blocks(told: Told, *, block_size: int) -> int:
    """How many archives there are by now; their numbers are those below."""
    return (told.last + 1) // block_size


def is_forgotten(told: Told, archive: int, *, block_size: int) -> bool:
    """Whether nothing of the archive is held any more."""
    return (archive + 1) * block_size - 1 <= told.forgotten


async def current(
    conn: Connection, told: Told, wanted: Filter, *, page_size: int, block_size: int, now: datetime
) -> Contents:
    """What the current document holds."""
    floor = complete_blocks(told, block_size=block_size) * block_size
    found: list[Event] = []
    is_cut, looked_at, horizon = False, 0, now - ALWAYS_INCLUDED
    async with aclosing(_backwards(conn, told, wanted, told.last + 1)) as events:
        async for event in events:
            looked_at += 1
            is_due = event.cursor.number >= floor or event.time > horizon
            if event.cursor.number < floor:
                if len(found) >= MOST_ENTRIES or looked_at > MOST_LOOKED_AT:
                    is_cut = event.time > horizon
                    break
                if len(found) >= page_size and event.time <= horizon - _DISORDER:
                    break
            if (is_due or len(found) < page_size) and _belongs(event, wanted):
                found.append(event)
    withdrawn = await _withdrawn(conn, told, wanted, now=now)
    every = {event.cursor.number: event for event in (*found, *withdrawn)}
    return Contents(
        tuple(every[number] for number in sorted(every, reverse=True)),
        await _earlier(conn, told, wanted, floor, block_size=block_size),
        is_cut,
    )


async def archived(conn: Connection, told: Told, wanted: Filter, archive: int, *, block_size: int) -> Contents:
    """What an archive holds, which must be one of those that there are."""
    floor = archive * block_size
    found: list[Event] = []
    async with aclosing(_backwards(conn, told, wanted, floor + block_size)) as events:
        async for event in events:
            if event.cursor.number < floor:
                break
            if _belongs(event, wanted):
                found.append(event)
    return Contents(tuple(found), await _earlier(conn, told, wanted, floor, block_size=block_size))


async def _earlier(conn: Connection, told: Told, wanted: Filter, number: int, *, block_size: int) -> int | None:
    """The newest archive below the number that there is reason to read.

    Made of what stands below the number only, which does not change any more, so that an archive always names the same.
    """
    looked_at = 0
    async with aclosing(_backwards(conn, told, wanted, number)) as events:
        async for event in events:
            looked_at += 1
            if _belongs(event, wanted) or looked_at == MOST_LOOKED_AT:
                return event.cursor.number // block_size
    return None


async def _backwards(conn: Connection, told: Told, wanted: Filter, number: int) -> AsyncGenerator[Event, None]:
    """The events below the number that the filter's bounds allow, newest first, read a few at a time."""
    size = _FIRST_BATCH
    while True:
        found = await event_ranges.before(
            conn,
            number,
            limit=size,
            epoch=told.epoch,
            projects=None if wanted.projects is None else sorted(wanted.projects),
            kinds=None if wanted.kinds is None else sorted(wanted.kinds),
        )
        for event in found:
            yield event
        if len(found) < size:
            return
        number, size = found[-1].cursor.number, min(2 * size, _LARGEST_BATCH)


async def _withdrawn(conn: Connection, told: Told, wanted: Filter, *, now: datetime) -> list[Event]:
    return await event_ranges.redacted_since(
        conn,
        now - WITHDRAWN_FOR,
        limit=_MOST_WITHDRAWN,
        epoch=told.epoch,
        projects=None if wanted.projects is None else sorted(wanted.projects),
        kinds=None if wanted.kinds is None else sorted(wanted.kinds),
    )


def _belongs(event: Event, wanted: Filter) -> bool:
    # What was redacted cannot be looked into any more. To withdraw what a reader never had does no harm; to leave
    # standing what is to be withdrawn would.
    return event.payload is None or wanted.admits(event)
