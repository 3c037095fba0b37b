"""The deletion feed as JSON Feed 1.1, each item with its event as a CloudEvent under `_everpin`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from mirror.events import Event, presentable
from watcher.feed import Channel, cloudevents, entry_id, newest_first, prose

MEDIA_TYPE = "application/feed+json"

_VERSION = "https://jsonfeed.org/version/1.1"


class _Author(msgspec.Struct, frozen=True):
    name: str


class _Item(msgspec.Struct, frozen=True):
    id: str
    title: str
    content_text: str
    content_html: str
    date_published: datetime
    tags: tuple[str, ...]
    everpin: msgspec.Raw = msgspec.field(name="_everpin")


class _Feed(msgspec.Struct, frozen=True):
    version: str
    title: str
    home_page_url: str
    feed_url: str
    language: str
    authors: tuple[_Author, ...]
    items: tuple[_Item, ...]


def render(events: Sequence[Event], channel: Channel, *, source: str) -> bytes:
    """The feed document, newest event first.

    Items are called as the entries of the Atom feed of the same channel. `source` is that of the CloudEvents.
    """
    feed = _Feed(
        version=_VERSION,
        title=presentable(channel.title),
        home_page_url=channel.site_url,
        feed_url=channel.url,
        language="en",
        authors=(_Author("everpin"),),
        items=tuple(_item(event, channel, source) for event in newest_first(events)),
    )
    # In JSON a `<` stands only within strings, where the escape means the same: no browser can take this for markup.
    return msgspec.json.encode(feed).replace(b"<", b"\\u003c")


def _item(event: Event, channel: Channel, source: str) -> _Item:
    return _Item(
        id=entry_id(channel.id, event),
        title=prose.title(event),
        content_text=prose.summary_text(event),
        content_html=prose.summary_html(event),
        date_published=event.time.astimezone(UTC),
        tags=(event.kind.value,),
        everpin=msgspec.Raw(cloudevents.envelope(event, source=source)),
    )
