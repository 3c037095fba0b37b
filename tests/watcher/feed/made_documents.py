"""Feed documents for the tests of their forms, and the validators of others that judge them."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
from jsonschema import Draft202012Validator
from lxml import etree

from mirror.events import Event
from tests.watcher.feed.told_events import SOURCE
from watcher.feed import Channel, Document, Form

INSTANCE = uuid.UUID("1f0c3c52-6b7e-4d6c-9a55-0d2f5cf0a001")
ORIGIN = "https://mirror.example.org"
UPDATED = datetime(2023, 4, 12, 14, 2, 40, 250000, tzinfo=UTC)

_HERE = Path(__file__).parent
_ATOM = etree.RelaxNG(etree.parse(_HERE / "atom.rng"))
_JSON_FEED = Draft202012Validator(json.loads((_HERE / "json_feed.schema.json").read_bytes()))


def document_of(*events: Event, form: Form = Form.ATOM, title: str = "Deleted releases", **changes: Any) -> Document:
    """The document that holds these events, newest first."""
    channel = Channel(title, ORIGIN, f"/feed/deletions.{form}?project=a&project=b")
    values: dict[str, Any] = {
        "channel": channel,
        "instance": INSTANCE,
        "source": SOURCE,
        "subtitle": "Since then",
        "updated": UPDATED,
    }
    return Document(**(values | {"events": events} | changes))


def read_xml(document: bytes, *, version: str, sanitized: bool = True) -> Any:
    """The feed as a feed reader sees it; it must have had nothing to complain about."""
    feed = feedparser.parse(document, sanitize_html=sanitized)
    assert feed.bozo == 0, feed.bozo_exception
    assert feed.version == version
    return feed


def read_atom(document: bytes, *, sanitized: bool = True) -> Any:
    """The same for Atom, whose grammar it must follow."""
    assert _ATOM.validate(etree.fromstring(document)), _ATOM.error_log
    return read_xml(document, version="atom10", sanitized=sanitized)


def read_rss(document: bytes, *, sanitized: bool = True) -> Any:
    """The same for RSS, with the elements that it must have, and no other element that is not of a namespace."""
    channel = etree.fromstring(document).find("channel")
    assert channel is not None
    assert {"title", "link", "description"} <= {child.tag for child in channel}
    known = {"title", "link", "description", "language", "lastBuildDate", "generator", "ttl", "item"}
    assert {child.tag for child in channel if not child.tag.startswith("{")} <= known
    for item in channel.findall("item"):
        tags = [child.tag for child in item]
        assert sorted(tags) == ["category", "description", "guid", "link", "pubDate", "title"]
    return read_xml(document, version="rss20", sanitized=sanitized)


def read_json_feed(document: bytes) -> dict[str, Any]:
    """The same for JSON Feed, whose specification it must follow."""
    feed: dict[str, Any] = json.loads(document)
    _JSON_FEED.validate(feed)
    ids = [item["id"] for item in feed["items"]]
    assert len(set(ids)) == len(ids)
    return feed
