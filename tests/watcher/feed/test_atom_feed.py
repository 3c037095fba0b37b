"""The deletion feed as Atom, read back by feedparser."""

from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from mirror.event_kinds import EventKind
from mirror.events import Event
from tests.watcher.feed.told_events import FEED_ID, HOSTILE_PIECES, each_hour, hostile_events, redacted, told
from watcher.feed import Channel, atom, entry_id, prose

FEED_URL = "https://mirror.example.org/feed/deletions.atom?project=a&project=b"
SITE_URL = "https://mirror.example.org/"
UPDATED = datetime(2023, 4, 12, 14, 2, 40, 250000, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"


def rendered(*events: Event, title: str = "Deleted releases") -> bytes:
    return atom.render(events, Channel(FEED_ID, title, FEED_URL, SITE_URL), updated=UPDATED)


def read(document: bytes, *, sanitized: bool = True) -> Any:
    """The feed as a feed reader sees it; it must have had nothing to complain about."""
    feed = feedparser.parse(document, sanitize_html=sanitized)
    assert feed.bozo == 0, feed.bozo_exception
    assert feed.version == "atom10"
    return feed


def test_the_feed_introduces_itself() -> None:
    """Title, names, links and times are where RFC 4287 has them."""
    feed = read(rendered(title="Deleted <releases> & more")).feed

    assert feed.id == FEED_ID
    assert feed.title_detail.type == "text/plain"
    assert feed.title == "Deleted <releases> & more"
    assert feed.author == "everpin"
    assert feed.language == "en"
    assert feed.updated == "2023-04-12T14:02:40.250000Z"
    assert {(link.rel, link.href) for link in feed.links} == {("self", FEED_URL), ("alternate", SITE_URL)}


def test_an_entry_tells_the_event() -> None:
    """Name, title, kind, times and the whole story."""
    event = told()

    (entry,) = read(rendered(event)).entries

    assert entry.id == entry_id(FEED_ID, event)
    assert entry.title == "codecov 2.1.12 was deleted"
    assert [tag.term for tag in entry.tags] == ["release.deleted"]
    assert entry.published == entry.updated == "2023-04-12T14:02:40Z"
    assert entry.content[0].type == "text/html"
    assert entry.content[0].value == prose.summary_html(event)


def test_the_newest_entry_comes_first() -> None:
    """In whatever order the events were given."""
    events = each_hour(5)

    feed = read(rendered(*reversed(events)))

    assert [entry.id for entry in feed.entries] == [entry_id(FEED_ID, event) for event in events]


def test_a_feed_without_events_is_a_feed() -> None:
    """A fresh instance can be subscribed to."""
    assert read(rendered()).entries == []


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_is_a_category(kind: EventKind) -> None:
    """Readers filter by it; redacted events keep it."""
    feed = read(rendered(told(kind=kind), redacted(told(kind=kind, serial=1))))

    assert [[tag.term for tag in entry.tags] for entry in feed.entries] == [[kind.value]] * 2


def test_every_element_that_the_format_requires_is_there_once() -> None:
    """RFC 4287, 4.1.1 and 4.1.2: id, title and updated; an author for the feed stands for all entries."""
    root = fromstring(rendered(*each_hour(3)))

    for element in (root, *root.findall(f"{ATOM}entry")):
        for tag in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{tag}")) == 1
    assert len(root.findall(f"{ATOM}author/{ATOM}name")) == 1


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
def test_hostile_text_is_shown_as_text(piece: str) -> None:
    """A reader that renders the content finds our paragraphs and the reason's own words."""
    event = told(kind=EventKind.RELEASE_YANKED, yanked_reason=f"because {piece} of that", version=f"1{piece}")
    document = rendered(event)

    (entry,) = read(document, sanitized=False).entries

    assert entry.content[0].value == prose.summary_html(event)
    assert b"<script" not in document.lower()
    assert "<script" not in entry.content[0].value.lower()
    assert "because " in entry.content[0].value


def test_a_title_with_characters_that_xml_forbids_makes_no_broken_feed() -> None:
    """The title of the feed comes from the settings, where nobody checked it for XML."""
    assert read(rendered(title="a\x00b\x0b\ud800\ufffe\U0001f4e6c")).feed.title == "ab\U0001f4e6c"


@given(st.lists(hostile_events(), max_size=3))
def test_any_events_make_a_well_formed_feed(events: list[Event]) -> None:
    """No text from upstream ends an element, opens one, or stops the parser."""
    document = rendered(*events)

    root = fromstring(document)

    assert len(root.findall(f"{ATOM}entry")) == len(events)
    assert {element.tag for element in root.iter()} <= {
        f"{ATOM}{tag}"
        for tag in (
            *("feed", "id", "title", "updated", "link", "author", "name", "generator"),
            *("entry", "published", "category", "content"),
        )
    }
    assert b"<script" not in document.lower()
