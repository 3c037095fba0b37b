"""The deletion feed as JSON Feed 1.1, each item with its event as a CloudEvent under `_everpin`."""

from datetime import UTC, datetime

import msgspec

from mirror.events import Event, presentable
from watcher.feed import LARGEST_WHOLE, Document, cloudevents, prose

MEDIA_TYPE = "application/feed+json"

_VERSION = "https://jsonfeed.org/version/1.1"


class _Author(msgspec.Struct, frozen=True):
    name: str


class _Item(msgspec.Struct, frozen=True):
    id: str
    url: str
    external_url: str | msgspec.UnsetType
    title: str
    content_text: str
    content_html: str
    date_published: datetime
    tags: tuple[str, ...]
    everpin: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="_everpin")


class _Feed(msgspec.Struct, frozen=True):
    version: str
    title: str
    home_page_url: str
    # The current document's in archives as well: it is what the specification tells feeds apart by.
    feed_url: str
    description: str
    next_url: str | msgspec.UnsetType
    language: str
    authors: tuple[_Author, ...]
    items: tuple[_Item, ...]


def render(document: Document) -> bytes:
    """The feed document; `next_url` leads to the archive before it. What was redacted is left out."""
    channel, detailed = document.channel, document.detailed
    feed = _Feed(
        version=_VERSION,
        title=presentable(channel.title),
        home_page_url=channel.site_url,
        feed_url=channel.url,
        description=document.subtitle,
        next_url=document.earlier_url or msgspec.UNSET,
        language="en",
        authors=(_Author("everpin"),),
        items=tuple(_item(document, event, is_detailed=event.cursor.number in detailed) for event in document.entries),
    )
    # In JSON a `<` stands only within strings, where the escape means the same: no browser can take this for markup.
    return msgspec.json.encode(feed).replace(b"<", b"\\u003c")


def _item(document: Document, event: Event, *, is_detailed: bool) -> _Item:
    most_files = prose.MOST_FILES if is_detailed else 0
    is_whole = is_detailed and len(event.payload or b"") <= LARGEST_WHOLE
    return _Item(
        id=document.entry_id(event),
        url=document.channel.event_url(event),
        external_url=document.channel.project_url(event) or msgspec.UNSET,
        title=prose.title(event),
        content_text=prose.summary_text(event, most_files=most_files),
        content_html=prose.summary_html(event, most_files=most_files),
        date_published=event.time.astimezone(UTC),
        tags=(event.kind.value,),
        # What is too large is left out rather than cut: the item's `url` has it whole.
        everpin=msgspec.Raw(cloudevents.envelope(event, source=document.source)) if is_whole else msgspec.UNSET,
    )
