"""What goes over a stream of server-sent events, as bytes. Pure.

The format is that of the HTML standard (section 9.2, "Server-sent events"). Its parsers take an `id` for good only with
the blank line that ends a block, dispatch nothing for a block without `data`, and skip lines that begin with a colon.
"""

import msgspec

from mirror.events import Cursor, Event
from watcher.feed import cloudevents

START = b"retry: 3000\n"
"""How many milliseconds clients wait before they come again. It takes effect by itself, without a block's end."""
BEAT = b":\n"
"""Says nothing. Without a blank line, since there are parsers that make an event of each."""


class _Resync(msgspec.Struct, frozen=True):
    resync: bool
    oldest: str


def told(event: Event, *, source: str) -> bytes:
    """The event as a CloudEvent on one line, under its cursor. Without a type, so that `onmessage` gets all kinds."""
    return b"id: %s\ndata: %s\n\n" % (str(event.cursor).encode(), cloudevents.envelope(event, source=source))


def passed(cursor: Cursor) -> bytes:
    """Moves the place from which a client comes again, and tells it nothing."""
    return b"id: %s\n\n" % str(cursor).encode()


def resync(oldest: Cursor) -> bytes:
    """Tells that a place cannot be gone on from.

    It moves the client's place to the oldest one, too: browsers come again by themselves, and with the old place they
    would be told the same for ever.
    """
    data = msgspec.json.encode(_Resync(resync=True, oldest=str(oldest)))
    return b"id: %s\nevent: resync\ndata: %s\n\n" % (str(oldest).encode(), data)
