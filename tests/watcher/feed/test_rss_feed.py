"""The deletion feed as RSS 2.0, read back by feedparser."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from mirror.event_kinds import EventKind
from mirror.events import Event
from tests.watcher.feed.made_documents import ORIGIN, UPDATED, document_of, read_rss
from tests.watcher.feed.told_events import HOSTILE_PIECES, hostile_events, redacted, told
from watcher.feed import Archive, Document, Form, prose, rss

FEED_URL = f"{ORIGIN}/feed/deletions.rss?project=a&project=b"


def document(*events: Event, title: str = "Deleted releases", earlier: Archive | None = None) -> Document:
    return document_of(*events, form=Form.RSS, title=title, earlier=earlier)


def test_the_feed_introduces_itself() -> None:
    """What it is, where it is, when it changed, and how often to ask."""
    feed = read_rss(rss.render(document(title="Deleted <releases> & more"))).feed

    assert feed.title == "Deleted <releases> & more"
    assert feed.link == f"{ORIGIN}/"
    assert feed.subtitle == "Since then"
    assert feed.language == "en"
    assert feed.ttl == "5"
    assert parsedate_to_datetime(feed.updated) == UPDATED.replace(microsecond=0)
    assert ("self", FEED_URL) in {(link.rel, link.href) for link in feed.links}


def test_an_item_tells_the_event() -> None:
    """The same name as in the other forms, which is no address, and the whole story as escaped HTML."""
    event = told()

    (item,) = read_rss(rss.render(document(event))).entries

    assert item.id == document_of(event).entry_id(event)
    assert item.guidislink is False
    assert item.title == "codecov 2.1.12 was deleted"
    assert item.link == f"{ORIGIN}/api/v1/projects/codecov"
    assert [tag.term for tag in item.tags] == ["release.deleted"]
    assert item.summary == prose.summary_html(event)
    assert item.published == "Wed, 12 Apr 2023 14:02:40 GMT"
    assert parsedate_to_datetime(item.published) == datetime(2023, 4, 12, 14, 2, 40, tzinfo=UTC)


def test_what_was_redacted_is_left_out() -> None:
    """RSS has no way to withdraw an item."""
    gone, left = redacted(told(number=2, serial=7)), told(number=1)

    items = read_rss(rss.render(document(gone, left))).entries

    assert [item.id for item in items] == [document_of().entry_id(left)]


def test_archives_are_named_as_in_atom() -> None:
    """RFC 5005 holds for RSS as well."""
    archive = document_of(told(), form=Form.RSS, archive=Archive(1, 3), earlier=Archive(1, 1))

    rendered = rss.render(archive)

    links = {link.rel: link.href for link in read_rss(rendered).feed.links if "rel" in link}
    assert links["prev-archive"] == f"{FEED_URL}&archive=1"
    assert links["current"] == FEED_URL
    assert links["self"] == f"{FEED_URL}&archive=3"
    assert fromstring(rendered).find("channel/{http://purl.org/syndication/history/1.0}archive") is not None


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
def test_hostile_text_is_shown_as_text(piece: str) -> None:
    """Also in titles, which many readers take for HTML."""
    event = told(kind=EventKind.RELEASE_YANKED, yanked_reason=f"because {piece} of that", version=f"1{piece}")
    rendered = rss.render(document(event))

    (item,) = read_rss(rendered, sanitized=False).entries

    assert item.summary == prose.summary_html(event)
    assert b"<script" not in rendered.lower()
    assert "<script" not in item.summary.lower()
    assert "<" not in (fromstring(rendered).findtext("channel/item/title") or "")


@given(st.lists(hostile_events(), max_size=3))
def test_any_events_make_a_valid_feed(events: list[Event]) -> None:
    """No text from upstream ends an element, opens one, or stops the parser."""
    rendered = rss.render(document(*events))

    assert len(read_rss(rendered).entries) == len(events)
    for title in fromstring(rendered).findall("channel/item/title"):
        assert "<" not in (title.text or "")
