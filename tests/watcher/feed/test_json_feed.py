"""The deletion feed as JSON Feed, checked against what version 1.1 of the specification requires."""

import json
from datetime import datetime
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from mirror.event_kinds import EventKind
from mirror.events import Event
from tests.watcher.feed.told_events import FEED_ID, SOURCE, each_hour, hostile_events, redacted, told
from watcher.feed import Channel, cloudevents, entry_id, jsonfeed, prose

FEED_URL = "https://mirror.example.org/feed/deletions.json"
SITE_URL = "https://mirror.example.org/"


def rendered(*events: Event, title: str = "Deleted releases") -> bytes:
    return jsonfeed.render(events, Channel(FEED_ID, title, FEED_URL, SITE_URL), source=SOURCE)


def read(document: bytes) -> dict[str, Any]:
    """The feed, checked: required keys, their types, and no key that the specification does not know or allow."""
    feed: dict[str, Any] = json.loads(document)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(feed["title"], str)
    assert set(feed) <= {"version", "title", "home_page_url", "feed_url", "language", "authors", "items"}
    assert all(isinstance(author["name"], str) for author in feed["authors"])
    for item in feed["items"]:
        assert isinstance(item["id"], str)
        assert item["id"]
        assert isinstance(item["content_html"], str)
        assert isinstance(item["content_text"], str)
        assert datetime.fromisoformat(item["date_published"]).utcoffset() is not None
        assert all(isinstance(tag, str) for tag in item["tags"])
        known = {"id", "title", "content_text", "content_html", "date_published", "tags"}
        assert all(key in known or key.startswith("_") for key in item)
    ids = [item["id"] for item in feed["items"]]
    assert len(set(ids)) == len(ids)
    return feed


def test_the_feed_introduces_itself() -> None:
    """Where it is, and where people should look."""
    feed = read(rendered(title="Deleted\x00 releases\ud800"))

    assert feed["title"] == "Deleted releases"
    assert feed["feed_url"] == FEED_URL
    assert feed["home_page_url"] == SITE_URL
    assert feed["items"] == []


def test_an_item_tells_the_event_in_words_and_as_data() -> None:
    """People read the summary, programs the CloudEvent."""
    event = told()

    (item,) = read(rendered(event))["items"]

    assert item["id"] == entry_id(FEED_ID, event)
    assert item["title"] == "codecov 2.1.12 was deleted"
    assert item["content_text"] == prose.summary_text(event)
    assert item["content_html"] == prose.summary_html(event)
    assert item["date_published"] == "2023-04-12T14:02:40Z"
    assert item["tags"] == ["release.deleted"]
    assert item["_everpin"] == json.loads(cloudevents.envelope(event, source=SOURCE))


def test_the_newest_item_comes_first() -> None:
    """In whatever order the events were given."""
    events = each_hour(5)

    items = read(rendered(*reversed(events)))["items"]

    assert [item["id"] for item in items] == [entry_id(FEED_ID, event) for event in events]


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_is_a_tag(kind: EventKind) -> None:
    """Readers filter by it; redacted events keep it."""
    items = read(rendered(told(kind=kind), redacted(told(kind=kind, serial=1))))["items"]

    assert [item["tags"] for item in items] == [[kind.value]] * 2


@given(st.lists(hostile_events(), max_size=3, unique_by=lambda event: event.id))
def test_any_events_make_a_valid_feed_without_markup(events: list[Event]) -> None:
    """Even taken for HTML by mistake, the document has no element."""
    document = rendered(*events)

    feed = read(document)

    assert b"<" not in document
    for item in feed["items"]:
        assert "<script" not in item["content_html"].lower()
        JSONFormat().read(None, json.dumps(item["_everpin"]))
