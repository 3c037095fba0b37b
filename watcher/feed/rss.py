"""The deletion feed as RSS 2.0, with the archives of RFC 5005, for chat tools and readers that take nothing else."""

from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from xml.etree.ElementTree import Element, SubElement

from mirror.events import Event
from watcher.feed import Document, prose
from watcher.feed.xml import add_empty, add_text, written

MEDIA_TYPE = "application/rss+xml"

_NAMESPACES = {
    "xmlns:atom": "http://www.w3.org/2005/Atom",
    "xmlns:fh": "http://purl.org/syndication/history/1.0",
}
_GENERATOR = "everpin"
# So many minutes may pass before a reader asks again: there is more than one deletion an hour on most days.
_TTL_MINUTES = 5


def render(document: Document) -> bytes:
    """The feed document. RSS cannot withdraw an item, so what was redacted is only left out."""
    channel, detailed = document.channel, document.detailed
    rss = Element("rss", {"version": "2.0", **_NAMESPACES})
    feed = SubElement(rss, "channel")
    add_text(feed, "title", channel.title)
    add_text(feed, "link", channel.site_url)
    add_text(feed, "description", document.subtitle)
    add_text(feed, "language", "en")
    add_text(feed, "lastBuildDate", _rfc822(document.updated))
    add_text(feed, "generator", _GENERATOR)
    add_text(feed, "ttl", str(_TTL_MINUTES))
    add_empty(feed, "atom:link", rel="self", type=MEDIA_TYPE, href=document.url)
    if document.archive is not None:
        add_empty(feed, "fh:archive")
        add_empty(feed, "atom:link", rel="current", type=MEDIA_TYPE, href=channel.url)
    if document.earlier_url is not None:
        add_empty(feed, "atom:link", rel="prev-archive", type=MEDIA_TYPE, href=document.earlier_url)
    for event in document.entries:
        _item(feed, document, event, is_detailed=event.cursor.number in detailed)
    return written(rss)


def _item(feed: Element, document: Document, event: Event, *, is_detailed: bool) -> None:
    item = SubElement(feed, "item")
    # Whether titles are HTML, RSS does not say, and many readers take them for it: what is escaped is text to these.
    add_text(item, "title", escape(prose.title(event), quote=False))
    add_text(item, "link", document.channel.project_url(event) or document.channel.event_url(event))
    add_text(item, "guid", document.entry_id(event), isPermaLink="false")
    add_text(item, "pubDate", _rfc822(event.time))
    add_text(item, "category", event.kind.value)
    add_text(item, "description", prose.summary_html(event, most_files=prose.MOST_FILES if is_detailed else 0))


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
