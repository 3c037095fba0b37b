"""The deletion feed as Atom (RFC 4287), with archives (RFC 5005) and tombstones (RFC 6721)."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from mirror.events import Event
from watcher.feed import Document, prose
from watcher.feed.xml import add_empty, add_text, written

MEDIA_TYPE = "application/atom+xml"

_NAMESPACES = {
    "xmlns": "http://www.w3.org/2005/Atom",
    "xmlns:at": "http://purl.org/atompub/tombstones/1.0",
    "xmlns:fh": "http://purl.org/syndication/history/1.0",
}
_AUTHOR = "everpin"


def render(document: Document) -> bytes:
    """The feed document. What was redacted is withdrawn by tombstones."""
    channel, detailed = document.channel, document.detailed
    feed = Element("feed", {**_NAMESPACES, "xml:lang": "en"})
    add_text(feed, "id", document.id)
    add_text(feed, "title", channel.title)
    add_text(feed, "subtitle", document.subtitle)
    add_text(feed, "updated", _rfc3339(document.updated))
    add_empty(feed, "link", rel="self", type=MEDIA_TYPE, href=document.url)
    add_empty(feed, "link", rel="alternate", type="text/html", href=channel.site_url)
    if document.archive is not None:
        add_empty(feed, "fh:archive")
        add_empty(feed, "link", rel="current", type=MEDIA_TYPE, href=channel.url)
    if document.earlier_url is not None:
        add_empty(feed, "link", rel="prev-archive", type=MEDIA_TYPE, href=document.earlier_url)
    add_text(SubElement(feed, "author"), "name", _AUTHOR)
    add_text(feed, "generator", _AUTHOR)
    # An entry about a deletion is an entry like any other: tombstones are for those that are withdrawn. The grammar of
    # RFC 4287 wants the entries last.
    for event in document.withdrawn:
        when = _rfc3339(event.redacted_at or event.time)
        add_empty(feed, "at:deleted-entry", ref=document.entry_id(event), when=when)
    for event in document.entries:
        _entry(feed, document, event, is_detailed=event.cursor.number in detailed)
    return written(feed)


def _entry(feed: Element, document: Document, event: Event, *, is_detailed: bool) -> None:
    entry = SubElement(feed, "entry")
    add_text(entry, "id", document.entry_id(event))
    add_text(entry, "title", prose.title(event))
    # An event is never edited: what corrects it is another one.
    add_text(entry, "published", _rfc3339(event.time))
    add_text(entry, "updated", _rfc3339(event.time))
    add_empty(entry, "category", term=event.kind.value)
    add_empty(entry, "link", rel="alternate", type="application/json", href=document.channel.event_url(event))
    if (about := document.channel.project_url(event)) is not None:
        add_empty(entry, "link", rel="related", type="application/json", href=about)
    # Type html wants the markup as escaped text: the writer escapes what is HTML already.
    add_text(
        entry, "content", prose.summary_html(event, most_files=prose.MOST_FILES if is_detailed else 0), type="html"
    )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
