"""The deletion feed as JSON Feed, held against what version 1.1 of the specification allows."""

import json
from dataclasses import replace

from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from mirror.event_kinds import EventKind
from mirror.events import Event
from tests.watcher.feed.made_documents import ORIGIN, document_of, read_json_feed
from tests.watcher.feed.told_events import SOURCE, hostile_events, redacted, told
from watcher.feed import LARGEST_WHOLE, Archive, Document, Form, cloudevents, jsonfeed, prose

FEED_URL = f"{ORIGIN}/feed/deletions.json?project=a&project=b"


def document(*events: Event, title: str = "Deleted releases") -> Document:
    return document_of(*events, form=Form.JSON, title=title)


def test_the_feed_introduces_itself() -> None:
    """Where it is, and where people should look."""
    feed = read_json_feed(jsonfeed.render(document(title="Deleted\x00 releases\ud800")))

    assert feed["title"] == "Deleted releases"
    assert feed["description"] == "Since then"
    assert feed["feed_url"] == FEED_URL
    assert feed["home_page_url"] == f"{ORIGIN}/"
    assert feed["items"] == []
    assert "next_url" not in feed


def test_an_item_tells_the_event_in_words_and_as_data() -> None:
    """People read the summary, programs the CloudEvent."""
    event = told()

    (item,) = read_json_feed(jsonfeed.render(document(event)))["items"]

    assert item["id"] == document_of().entry_id(event)
    assert item["url"] == f"{ORIGIN}/api/v1/events?since=1-41&limit=1"
    assert item["external_url"] == f"{ORIGIN}/api/v1/projects/codecov"
    assert item["title"] == "codecov 2.1.12 was deleted"
    assert item["content_text"] == prose.summary_text(event)
    assert item["content_html"] == prose.summary_html(event)
    assert item["date_published"] == "2023-04-12T14:02:40Z"
    assert item["tags"] == ["release.deleted"]
    assert item["_everpin"] == json.loads(cloudevents.envelope(event, source=SOURCE))


def test_the_next_page_is_the_archive_before() -> None:
    """An archive is a page of the same feed."""
    archive = document_of(told(), form=Form.JSON, archive=Archive(1, 3), earlier=Archive(1, 1))

    feed = read_json_feed(jsonfeed.render(archive))

    assert feed["next_url"] == f"{FEED_URL}&archive=1"
    assert feed["feed_url"] == FEED_URL


def test_what_was_redacted_is_left_out() -> None:
    """JSON Feed has no way to withdraw an item."""
    gone, left = redacted(told(number=2, serial=7)), told(number=1)

    items = read_json_feed(jsonfeed.render(document(gone, left)))["items"]

    assert [item["id"] for item in items] == [document_of().entry_id(left)]


def test_an_event_larger_than_anybody_wants_is_not_part_of_the_document() -> None:
    """Its item tells of it, and where it is."""
    payload = told().payload
    assert payload is not None
    event = replace(told(), payload=payload.replace(b'"was_yanked"', b" " * LARGEST_WHOLE + b'"was_yanked"', 1))

    (item,) = read_json_feed(jsonfeed.render(document(event)))["items"]

    assert "_everpin" not in item
    assert "codecov-2.1.12-py2.py3-none-any.whl" in item["content_text"]


def test_every_kind_is_a_tag() -> None:
    """Readers filter by it."""
    events = [told(kind=kind, number=99 - place) for place, kind in enumerate(EventKind)]

    items = read_json_feed(jsonfeed.render(document(*events)))["items"]

    assert [item["tags"] for item in items] == [[kind.value] for kind in EventKind]


@given(st.lists(hostile_events(), max_size=3, unique_by=lambda event: event.id))
def test_any_events_make_a_valid_feed_without_markup(events: list[Event]) -> None:
    """Even taken for HTML by mistake, the document has no element."""
    # As the sequence has them: no two of one number.
    numbered = [replace(event, cursor=replace(event.cursor, number=9 - n)) for n, event in enumerate(events)]
    rendered = jsonfeed.render(document(*numbered))

    feed = read_json_feed(rendered)

    assert b"<" not in rendered
    for item in feed["items"]:
        assert "<script" not in item["content_html"].lower()
        JSONFormat().read(None, json.dumps(item["_everpin"]))
