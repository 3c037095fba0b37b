"""What feeds and their entries are called, and what feeds say of themselves."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror.event_kinds import BOOKKEEPING, EventKind
from mirror.names import ProjectName
from tests.watcher.feed.made_documents import INSTANCE, UPDATED, document_of
from tests.watcher.feed.told_events import redacted, told
from watcher.feed import Archive, Channel, titles
from watcher.feed.filters import EventFilter

# RFC 4151: a domain, a date, and what is allowed after the colon.
TAG = re.compile(r"tag:[a-z0-9.-]+\.[a-z]+,\d{4}(-\d\d){0,2}:([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})+")


def test_an_entry_keeps_its_name_when_it_is_redacted_and_shares_it_with_no_other() -> None:
    """Readers tell by the name what they have shown already."""
    event, document = told(), document_of()

    name = document.entry_id(event)

    assert TAG.fullmatch(name)
    assert document.entry_id(redacted(event)) == name
    assert document.entry_id(told(serial=1)) != name
    assert replace(document, instance=document_of().instance.__class__(int=7)).entry_id(event) != name


@pytest.mark.parametrize(
    "event_id", ["5-restored", "1f0c3c52-6b7e-4d6c-9a55-0d2f5cf0a001", "a b?c#d<é>", "act-1-takedown-x"]
)
def test_every_name_is_a_tag(event_id: str) -> None:
    """Whatever the event's id is made of."""
    assert TAG.fullmatch(document_of().entry_id(replace(told(), id=event_id)))


def test_a_feed_is_named_apart_from_others_and_does_not_tell_its_address() -> None:
    """The address of a private feed is its secret, and names are passed on."""
    secret = Channel("Mine", "https://mirror.example.org", "/feed/locks/s3cret.atom")
    document = replace(document_of(), channel=secret)

    assert TAG.fullmatch(document.id)
    assert "s3cret" not in document.id
    assert document.id != document_of().id
    assert replace(document, archive=Archive(1, 3)).id == document.id
    assert replace(document, channel=replace(secret, origin="https://other.example.org")).id == document.id
    assert str(INSTANCE) in document.id


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/feed/deletions.atom", "https://a.example.org/feed/deletions.atom?archive=3"),
        ("/feed/deletions.atom?project=b", "https://a.example.org/feed/deletions.atom?project=b&archive=3"),
    ],
)
def test_archives_are_asked_for_by_number(path: str, address: str) -> None:
    """Beside whatever filters the feed."""
    assert Channel("Mine", "https://a.example.org", path).archive_url(Archive(1, 3)) == address


@pytest.mark.parametrize(("text", "archive"), [("0", Archive(1, 0)), ("31", Archive(1, 31)), ("2-31", Archive(2, 31))])
def test_archives_are_numbered_anew_in_another_history(text: str, archive: Archive) -> None:
    """So that no reader takes one for another that it has read."""
    assert str(archive) == text
    assert Archive.parse(text) == archive


@pytest.mark.parametrize("text", ["", "-", "-1", "1-", "x", "1-x", "1-1-1", "1.0", "٣", "9" * 16])
def test_what_is_no_archive_is_taken_for_none(text: str) -> None:
    """Addresses can be anybody's."""
    assert Archive.parse(text) is None


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        (EventFilter(), "All"),
        (EventFilter(kinds=frozenset(EventKind) - BOOKKEEPING), "All"),
        (EventFilter(kinds=frozenset({EventKind.GAP, EventKind.RESTORED})), "All (kinds gap, restored)"),
        (
            EventFilter(projects=frozenset(ProjectName(f"p{n}") for n in range(8))),
            "All (projects p0, p1, p2, p3, p4 and 3 more)",
        ),
        (EventFilter(patterns=("acme-*",), stable_only=True), "All (project acme-*; no pre-releases)"),
        (EventFilter(min_age=timedelta(hours=72)), "All (files at least 3d old)"),
        (EventFilter(min_age=timedelta(hours=5)), "All (files at least 5h old)"),
        (EventFilter(min_age=timedelta(seconds=90)), "All (files at least 90s old)"),
        (EventFilter(verdicts=(("npm", "refuse"),)), "All (policy npm: refuse)"),
    ],
)
def test_the_title_says_what_a_feed_is_filtered_to(wanted: EventFilter, title: str) -> None:
    """Of many names the first few."""
    assert titles.title("All", wanted) == title


def test_the_subtitle_promises_no_more_than_is_known() -> None:
    """Since when, for how long, and whether something is missing."""
    watched = titles.current_subtitle(observed_since=UPDATED, retention=timedelta(days=90), is_cut=True)
    unwatched = titles.current_subtitle(observed_since=None, retention=None, is_cut=False)

    assert "since 2023-04-12 14:02:40 UTC; what happened before is not told here." in watched
    assert "Entries are held for 90 days." in watched
    assert "the rest is in the archives" in watched
    assert unwatched.endswith("only what pages showed is told here.")
