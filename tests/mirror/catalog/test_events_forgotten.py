"""Events that are too old are forgotten, and what was said in error is taken away; the rest stays what it was."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from mirror.catalog import acts, events, redactions, retention
from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.events import Cursor, Event, EventDraft, Evidence, digest_of, link_of_digest, next_link
from mirror.names import ProjectName, Serial
from mirror.targets import Verb, order_of
from watcher.feed.asking import Resync, start_after
from watcher.feed.filters import EventFilter
from watcher.feed.reading import page_after

NOON = datetime(2023, 4, 12, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def draft(serial: int, at: datetime, kind: EventKind = EventKind.RELEASE_DELETED) -> EventDraft:
    """An event of that serial, observed then."""
    return EventDraft(kind, ProjectName("demo"), f"1.{serial}", Serial(serial), at, at, Evidence.JOURNAL)


async def tell(catalog: Catalog, *drafts: EventDraft) -> list[EventDraft]:
    """Those that were not told before."""
    async with catalog.writing() as conn:
        return await events.append(conn, drafts)


async def tell_hourly(catalog: Catalog, count: int) -> list[EventDraft]:
    """Events an hour apart, the first at noon."""
    return await tell(catalog, *(draft(hour, NOON + hour * HOUR) for hour in range(count)))


async def forget(catalog: Catalog, before: datetime, *, limit: int = 100) -> int:
    async with catalog.writing() as conn:
        return await retention.forget(conn, before=before, limit=limit)


async def held_events(catalog: Catalog) -> tuple[events.Held, Sequence[Event]]:
    async with catalog.reading() as conn:
        return await events.held(conn), await events.after(conn, 0, limit=100, epoch=1)


async def redact(catalog: Catalog, event_id: str) -> bool:
    """Takes away what it said, as an act."""
    order = order_of(Verb.REDACT, f"event:{event_id}", actor="olga", reason="names a person")
    async with catalog.writing() as conn:
        act = await acts.record(conn, order, name=str(uuid.uuid4()), at=NOON)
        assert act is not None
        return await redactions.redact(conn, event_id, act=act, now=NOON)


async def test_old_events_are_forgotten_a_batch_at_a_time(catalog: Catalog) -> None:
    """The oldest first, and none that is young enough."""
    await tell_hourly(catalog, 6)

    batches = [await forget(catalog, NOON + 4 * HOUR, limit=3) for _ in range(3)]

    held, left = await held_events(catalog)
    assert batches == [3, 1, 0]
    assert [event.cursor.number for event in left] == [5, 6]
    assert (held.forgotten, held.last) == (4, 6)


async def test_an_old_event_stays_as_long_as_one_before_it(catalog: Catalog) -> None:
    """What is held has no holes, whatever the clock did."""
    await tell(catalog, draft(1, NOON + 9 * HOUR), draft(2, NOON), draft(3, NOON))

    assert await forget(catalog, NOON + HOUR) == 0


async def test_the_chain_can_be_checked_from_the_oldest_event_held(catalog: Catalog) -> None:
    """The link that it goes on from is remembered, also when nothing is left."""
    await tell_hourly(catalog, 3)
    await forget(catalog, NOON + 2 * HOUR)
    held, (oldest,) = await held_events(catalog)
    await forget(catalog, NOON + 9 * HOUR)
    await tell(catalog, draft(9, NOON + 9 * HOUR))
    later, (newest,) = await held_events(catalog)

    assert oldest.payload is not None
    assert newest.payload is not None
    assert oldest.chain == next_link(held.chain, oldest.id, oldest.payload)
    assert later.chain == oldest.chain
    assert (newest.cursor.number, newest.chain) == (4, next_link(later.chain, newest.id, newest.payload))


async def test_what_was_forgotten_is_not_told_again(catalog: Catalog) -> None:
    """As when the same rows are read once more; what was never told is told."""
    told = await tell_hourly(catalog, 3)
    await forget(catalog, NOON + 9 * HOUR)

    again = await tell(catalog, *told, draft(1, NOON, EventKind.RELEASE_YANKED))

    assert [new.id for new in again] == ["1-release.yanked"]


async def test_ids_that_cannot_come_again_are_not_remembered(catalog: Catalog) -> None:
    """Those that are made of when something was observed."""
    seen = EventDraft(EventKind.DISAPPEARED, ProjectName("demo"), "1.0", None, None, NOON, Evidence.INDEX)
    await tell(catalog, seen, draft(1, NOON))
    await forget(catalog, NOON + HOUR)

    async with catalog.reading() as conn:
        assert await retention.forgotten_of(conn, [seen.id, "1-release.deleted"]) == {"1-release.deleted"}


@pytest.mark.parametrize("since", ["1-1", "1-7", "2-4", "0-4", "gibberish", "1-"])
async def test_who_cannot_go_on_is_told_where_to_read_anew(catalog: Catalog, since: str) -> None:
    """Expired, future, of another history, or no cursor at all. What is answered can be gone on from."""
    await tell_hourly(catalog, 6)
    await forget(catalog, NOON + 2 * HOUR)
    held, _ = await held_events(catalog)

    with pytest.raises(Resync) as told:
        start_after(since, held=held)

    assert told.value.oldest == Cursor(1, 2)
    assert start_after(str(told.value.oldest), held=held) == start_after(None, held=held) == 2


async def test_a_reader_from_whom_events_are_taken_is_told_so(catalog: Catalog) -> None:
    """Nobody passes over a gap unknowingly."""
    await tell_hourly(catalog, 6)
    await forget(catalog, NOON + 4 * HOUR)

    async with catalog.reading() as conn:
        with pytest.raises(Resync):
            await page_after(conn, 2, epoch=1, wanted=EventFilter(), limit=10)
        page = await page_after(conn, 4, epoch=1, wanted=EventFilter(), limit=10)
    assert [event.cursor.number for event in page.events] == [5, 6]


async def test_of_a_redacted_event_the_digest_is_left(catalog: Catalog) -> None:
    """With it the chain can still be checked; everything else that the payload said is gone."""
    await tell_hourly(catalog, 2)
    _, (before, _) = await held_events(catalog)

    assert await redact(catalog, before.id)
    assert await redact(catalog, before.id)

    _, (after, other) = await held_events(catalog)
    assert before.payload is not None
    assert (after.payload, after.redacted_at) == (None, NOON)
    assert after.payload_sha256 == digest_of(before.payload)
    assert after.chain == link_of_digest("", after.id, after.payload_sha256)
    assert (other.redacted_at, other.payload_sha256) == (None, None)


async def test_what_was_redacted_can_be_forgotten_and_what_is_unknown_not_redacted(catalog: Catalog) -> None:
    """A redaction is no obstacle."""
    await tell_hourly(catalog, 1)
    await redact(catalog, "0-release.deleted")

    assert await forget(catalog, NOON + HOUR) == 1
    assert not await redact(catalog, "0-release.deleted")
