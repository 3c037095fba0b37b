"""Events as documents for the outside: rendering is pure, from events to bytes.

    prose           an event in words for people
    cloudevents     one event as an envelope, and a page of them; `event_schema` is what one looks like
    atom, rss,      the deletion feed in three forms; `titles` what it says of itself, `xml` what two of them share
      jsonfeed
    contents        which events a feed document holds
    ready           documents that are kept ready
    documents       how documents are answered
    filters         who wants to hear of what; `asking` reads it from a query, `held_locks` from a lock file
    reading         the events that a filter admits, page by page
    events_api      the events by cursor
    hub             the newest events, read once for all who follow: `newest` holds them, `frames` are their bytes
    stream          events as they come
    routes,         the URLs; `parts` is what their handlers need
      stream_routes

Here stands what the forms share: what the feed and its entries are called, and where.

A feed is the current document, which changes, and archives, which do not (RFC 5005, section 4). Each archive is made of
a fixed range of numbers, and of complete ranges only, so that nothing comes into it later.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from urllib.parse import quote

from mirror.events import Cursor, Event

BLOCK_SIZE = 1_000
"""How many numbers an archive covers. To change it is to give other contents to archives that readers have."""
LARGEST_WHOLE = 256 * 2**10
"""A larger event is not part of a document as data: a project can leave with thousands of files."""
# So many bytes of events are told with all their files in one document; of those beyond, the files are only counted.
_MOST_DETAILS = 16 * 2**20

_FIRST_EPOCH = 1
# RFC 4151 wants names that never change to begin with a domain or an address, and with a day on which it was its
# owner's. The address of a mirror can change, so it is not that of the mirror: it is the name that the types of events
# begin with, too. Of each other the instances are told by their own id, which they keep for life.
_AUTHORITY = "everpin.dev,2026"
# What RFC 4151 allows in a name as it is, without what means something in an address.
_PLAIN = "!$'()*+,;:@/"


@dataclass(frozen=True, slots=True)
class Archive:
    """One of the archives, which cover the numbers of events block by block.

    Another epoch has other archives: its numbers can be those of other events.
    """

    epoch: int
    block: int

    def __str__(self) -> str:
        return str(self.block) if self.epoch == _FIRST_EPOCH else f"{self.epoch}-{self.block}"

    @classmethod
    def parse(cls, text: str) -> "Archive | None":
        """The archive that the text names, or None where it names none."""
        place = Cursor.parse(text if "-" in text else f"{_FIRST_EPOCH}-{text}")
        return cls(place.epoch, place.number) if place is not None else None


class Form(StrEnum):
    """What a feed document can be; the value is how its address ends."""

    ATOM = "atom"
    RSS = "rss"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Channel:
    """A feed in one form, as its readers know it.

    `origin` is the mirror's absolute address without a slash at the end, `path` what follows it, with the query that
    makes it this feed and no other.
    """

    title: str
    origin: str
    path: str

    @property
    def url(self) -> str:
        """Where the current document is."""
        return f"{self.origin}{self.path}"

    @property
    def site_url(self) -> str:
        """Where people should look."""
        return f"{self.origin}/"

    def archive_url(self, archive: Archive) -> str:
        """Where the archive is."""
        return f"{self.url}{'&' if '?' in self.path else '?'}archive={archive}"

    def project_url(self, event: Event) -> str | None:
        """Where everything is told that is known of the event's project; None where it is about no project."""
        return f"{self.origin}/api/v1/projects/{quote(event.project)}" if event.project is not None else None

    def event_url(self, event: Event) -> str:
        """Where the event itself is."""
        before = Cursor(event.cursor.epoch, event.cursor.number - 1)
        return f"{self.origin}/api/v1/events?since={before}&limit=1"


@dataclass(frozen=True, slots=True)
class Document:
    """A feed document before it takes a form: the current one, or an archive.

    `events` stand from the newest to the oldest; the redacted ones among them are those to be withdrawn. `earlier` is
    the archive to read before this document, None where there is none. `updated` is when what is in it last changed,
    not when it is asked for. `source` is that of the CloudEvents, `instance` the id of who tells all this.
    """

    channel: Channel
    instance: uuid.UUID
    source: str
    subtitle: str
    updated: datetime
    events: tuple[Event, ...] = ()
    archive: Archive | None = None
    earlier: Archive | None = None

    @property
    def id(self) -> str:
        """The feed's name, the same for all its documents."""
        # A digest, because the path of a private feed is its secret, and names are passed on.
        digest = blake2b(self.channel.path.encode(), digest_size=16).hexdigest()
        return f"tag:{_AUTHORITY}:{self.instance}/feeds/{digest}"

    @property
    def url(self) -> str:
        """Where this document is."""
        return self.channel.url if self.archive is None else self.channel.archive_url(self.archive)

    @property
    def earlier_url(self) -> str | None:
        """Where the document is that is to be read before this one."""
        return None if self.earlier is None else self.channel.archive_url(self.earlier)

    @property
    def entries(self) -> tuple[Event, ...]:
        """The events that are told, without the withdrawn ones."""
        return tuple(event for event in self.events if event.payload is not None)

    @property
    def withdrawn(self) -> tuple[Event, ...]:
        """The events that were told and are to be told no more."""
        return tuple(event for event in self.events if event.payload is None)

    @property
    def detailed(self) -> frozenset[int]:
        """The numbers of the events that are told with their files; there can be too much of it for one document."""
        left, numbers = _MOST_DETAILS, set()
        for event in self.entries:
            left -= min(len(event.payload or b""), LARGEST_WHOLE)
            if left < 0:
                break
            numbers.add(event.cursor.number)
        return frozenset(numbers)

    def entry_id(self, event: Event) -> str:
        """The entry's name, the same in every feed and form."""
        return f"tag:{_AUTHORITY}:{self.instance}/{quote(event.id, safe=_PLAIN)}"
