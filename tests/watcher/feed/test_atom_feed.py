"""The deletion feed as Atom, read back by feedparser and held against the grammar of RFC 4287."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from mirror.event_kinds import EventKind
from mirror.events import Event
from tests.watcher.feed.made_documents import INSTANCE, ORIGIN, document_of, read_atom
from tests.watcher.feed.told_events import HOSTILE_PIECES, each_hour, hostile_events, redacted, told
from watcher.feed import Archive, atom, prose

FEED_URL = f"{ORIGIN}/feed/deletions.atom?project=a&project=b"
ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
ARCHIVE = "{http://purl.org/syndication/history/1.0}archive"


def test_the_feed_introduces_itself() -> None:
    """Title, names, links and times are where RFC 4287 has them."""
    feed = read_atom(atom.render(document_of(title="Deleted <releases> & more"))).feed

    assert feed.id.startswith(f"tag:everpin.dev,2026:{INSTANCE}/feeds/")
    assert feed.title_detail.type == "text/plain"
    assert feed.title == "Deleted <releases> & more"
    assert feed.subtitle == "Since then"
    assert feed.author == "everpin"
    assert feed.language == "en"
    assert feed.updated == "2023-04-12T14:02:40.250000Z"
    assert {(link.rel, link.href) for link in feed.links} == {("self", FEED_URL), ("alternate", f"{ORIGIN}/")}


def test_an_entry_tells_the_event() -> None:
    """Name, title, kind, times, the whole story, and where there is more of it."""
    event = told()

    (entry,) = read_atom(atom.render(document_of(event))).entries

    assert entry.id == f"tag:everpin.dev,2026:{INSTANCE}/17640001-release.deleted"
    assert entry.title == "codecov 2.1.12 was deleted"
    assert [tag.term for tag in entry.tags] == ["release.deleted"]
    assert entry.published == entry.updated == "2023-04-12T14:02:40Z"
    assert entry.content[0].type == "text/html"
    assert entry.content[0].value == prose.summary_html(event)
    assert {(link.rel, link.href) for link in entry.links} == {
        ("alternate", f"{ORIGIN}/api/v1/events?since=1-41&limit=1"),
        ("related", f"{ORIGIN}/api/v1/projects/codecov"),
    }


def test_an_event_about_no_project_is_related_to_none() -> None:
    """A gap in the journal is one."""
    (entry,) = read_atom(atom.render(document_of(told(kind=EventKind.GAP, project=None)))).entries

    assert [link.rel for link in entry.links] == ["alternate"]


def test_the_current_document_names_the_archive_before_it() -> None:
    """RFC 5005: `prev-archive` is what the reader takes that was away."""
    document = atom.render(document_of(told(), earlier=Archive(1, 3)))

    links = {link.rel: link.href for link in read_atom(document).feed.links}
    assert links["prev-archive"] == f"{FEED_URL}&archive=3"
    assert fromstring(document).find(ARCHIVE) is None


def test_an_archive_says_that_it_is_one() -> None:
    """It names the current document and the archive before it, and is the same feed."""
    current, archive = document_of(told()), document_of(told(), archive=Archive(1, 3), earlier=Archive(1, 1))
    rendered = atom.render(archive)

    feed = read_atom(rendered).feed

    links = {link.rel: link.href for link in feed.links}
    assert links == {
        "self": f"{FEED_URL}&archive=3",
        "alternate": f"{ORIGIN}/",
        "current": FEED_URL,
        "prev-archive": f"{FEED_URL}&archive=1",
    }
    assert fromstring(rendered).find(ARCHIVE) is not None
    assert feed.id == read_atom(atom.render(current)).feed.id


def test_what_was_redacted_is_withdrawn_by_a_tombstone() -> None:
    """RFC 6721: the entry goes, its name and the time stay, and nothing of what it said."""
    gone, left = told(number=2, serial=7, yanked_reason="secret"), told(number=1)
    gone = replace(redacted(gone), redacted_at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC))
    document = document_of(gone, left)

    rendered = atom.render(document)

    (tombstone,) = fromstring(rendered).findall(TOMBSTONE)
    assert tombstone.attrib == {"ref": document.entry_id(gone), "when": "2024-01-02T03:04:05Z"}
    assert [entry.id for entry in read_atom(rendered).entries] == [document.entry_id(left)]
    assert b"secret" not in rendered


def test_a_feed_without_events_is_a_feed() -> None:
    """A fresh instance can be subscribed to."""
    assert read_atom(atom.render(document_of())).entries == []


def test_every_kind_is_a_category() -> None:
    """Readers filter by it."""
    events = [told(kind=kind, number=99 - place) for place, kind in enumerate(EventKind)]

    feed = read_atom(atom.render(document_of(*events)))

    assert [[tag.term for tag in entry.tags] for entry in feed.entries] == [[kind.value] for kind in EventKind]


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
def test_hostile_text_is_shown_as_text(piece: str) -> None:
    """A reader that renders the content finds our paragraphs and the reason's own words."""
    event = told(kind=EventKind.RELEASE_YANKED, yanked_reason=f"because {piece} of that", version=f"1{piece}")
    rendered = atom.render(document_of(event))

    (entry,) = read_atom(rendered, sanitized=False).entries

    assert entry.content[0].value == prose.summary_html(event)
    assert b"<script" not in rendered.lower()
    assert "<script" not in entry.content[0].value.lower()
    assert "because " in entry.content[0].value


def test_a_title_with_characters_that_xml_forbids_makes_no_broken_feed() -> None:
    """The title of the feed comes from the settings, where nobody checked it for XML."""
    assert read_atom(atom.render(document_of(title="a\x00b\x0b\ud800\ufffe\U0001f4e6c"))).feed.title == "ab\U0001f4e6c"


def test_events_that_would_make_a_document_too_large_are_told_without_their_files() -> None:
    """Each stays an entry; the newest are told whole."""
    file = told().payload
    assert file is not None
    heavy = file.replace(b'"was_yanked"', b" " * 300_000 + b'"was_yanked"', 1)
    events = [replace(event, payload=heavy) for event in each_hour(70)]

    contents = [entry.content[0].value for entry in read_atom(atom.render(document_of(*events))).entries]

    assert ["<table>" in content for content in contents] == [True] * 64 + [False] * 6
    assert "Files: 1, not listed here; the event itself holds them all." in contents[-1]


@given(st.lists(hostile_events(), max_size=3))
def test_any_events_make_a_feed_that_follows_the_grammar(events: list[Event]) -> None:
    """No text from upstream ends an element, opens one, or stops the parser."""
    rendered = atom.render(document_of(*events, earlier=Archive(1, 1)))

    assert len(read_atom(rendered).entries) == len(events)
    assert {element.tag for element in fromstring(rendered).iter()} <= {
        f"{ATOM}{tag}"
        for tag in (
            *("feed", "id", "title", "subtitle", "updated", "link", "author", "name", "generator"),
            *("entry", "published", "category", "content"),
        )
    }
    assert b"<script" not in rendered.lower()
