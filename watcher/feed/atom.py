"""The deletion feed as Atom (RFC 4287)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from mirror.events import Event
from watcher.feed import Channel, entry_id, newest_first, prose

MEDIA_TYPE = "application/atom+xml"

_NAMESPACE = "http://www.w3.org/2005/Atom"
_AUTHOR = "everpin"
# Everything outside of the production Char of XML 1.0; ElementTree would write such characters as they are.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(events: Sequence[Event], channel: Channel, *, updated: datetime) -> bytes:
    """The feed document, newest event first. `updated` is when its content last changed, not when it is asked for."""
    feed = Element("feed", {"xmlns": _NAMESPACE, "xml:lang": "en"})
    _text(feed, "id", channel.id)
    _text(feed, "title", channel.title)
    _text(feed, "updated", _rfc3339(updated))
    SubElement(feed, "link", {"rel": "self", "type": MEDIA_TYPE, "href": _legal(channel.url)})
    SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": _legal(channel.site_url)})
    _text(SubElement(feed, "author"), "name", _AUTHOR)
    _text(feed, "generator", _AUTHOR)
    for event in newest_first(events):
        _entry(feed, channel, event)
    document: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return document


def _entry(feed: Element, channel: Channel, event: Event) -> None:
    entry = SubElement(feed, "entry")
    _text(entry, "id", entry_id(channel.id, event))
    _text(entry, "title", prose.title(event))
    # An event is never edited, at most redacted, and nobody should be called to read that.
    _text(entry, "published", _rfc3339(event.time))
    _text(entry, "updated", _rfc3339(event.time))
    SubElement(entry, "category", {"term": event.kind.value})
    # Type html wants the markup as escaped text: the writer escapes what is HTML already.
    _text(entry, "content", prose.summary_html(event), type="html")


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = _legal(text)


def _legal(text: str) -> str:
    return _NOT_XML.sub("", text)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
