"""Events as documents for the outside: rendering is pure, from events to bytes.

Map: `cloudevents` one event as an envelope, and a page of them · `prose` an event in words for people · `atom` and
`jsonfeed` the deletion feed in two formats. Here stands what the formats share: which events a feed document holds, in
which order, what an entry is called, and what the feed says of itself.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mirror.events import Event

ALWAYS_INCLUDED = timedelta(hours=24)
"""Events younger than this stand in the feed however many there are, so that a reader who polls daily loses none."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What a feed document says of itself. `id` is a `urn:uuid:` that never changes: entries are named after it."""

    id: str
    title: str
    url: str
    site_url: str


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
    """The entry's name in every format of the feed: it follows from the feed's id and the event's."""
    return uuid.uuid5(uuid.UUID(feed_id), event.id).urn
