"""Events as documents for the outside: rendering is pure, from events to bytes.

Map: `cloudevents` one event as an envelope, and a page of them · `prose` an event in words for people · `atom` and
`jsonfeed` the deletion feed in two formats. Here stands what the formats share: which events a feed document holds, in
which order, and what an entry is called.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from mirror.events import Event

ALWAYS_INCLUDED = timedelta(hours=24)
"""Events younger than this stand in the feed however many there are, so that a reader who polls daily loses none."""


def newest_first(events: Sequence[Event]) -> tuple[Event, ...]:
    """The events from the latest told to the first; their times may be in another order."""
    return tuple(sorted(events, key=lambda event: (event.cursor.epoch, event.cursor.number), reverse=True))


def select(events: Sequence[Event], *, page_size: int, now: datetime) -> tuple[Event, ...]:
    """What a feed document holds: the newest `page_size` events and everything of the last 24 hours.

    `events` are given newest first and keep their order.
    """
    horizon = now - ALWAYS_INCLUDED
    return tuple(event for place, event in enumerate(events) if place < page_size or event.time > horizon)


def entry_id(feed_id: str, event: Event) -> str:
    """The entry's name in every format of the feed: it follows from the feed's `urn:uuid:` and the event's id."""
    return uuid.uuid5(uuid.UUID(feed_id), event.id).urn
