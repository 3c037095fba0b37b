"""Events as the catalog would hand them out, for the tests of their renderings."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from mirror.event_kinds import EventKind
from mirror.events import Cursor, Event, EventDraft, EventFile, Evidence, next_link, payload_of
from mirror.model import State
from mirror.names import ProjectName, Serial, Sha256

FEED_ID = "urn:uuid:1f0c3c52-6b7e-4d6c-9a55-0d2f5cf0a001"
SOURCE = "https://mirror.example.org/"
NOON = datetime(2023, 4, 12, 12, 0, tzinfo=UTC)

WHEEL = EventFile(
    filename="codecov-2.1.12-py2.py3-none-any.whl",
    sha256=Sha256("5f" * 32),
    size=16512,
    upload_time=datetime(2021, 8, 24, tzinfo=UTC),
    state=State.KEPT,
)
DELETION = EventDraft(
    kind=EventKind.RELEASE_DELETED,
    project=ProjectName("codecov"),
    version="2.1.12",
    serial=Serial(17640001),
    upstream_time=datetime(2023, 4, 12, 14, 2, 11, tzinfo=UTC),
    observed_at=datetime(2023, 4, 12, 14, 2, 40, tzinfo=UTC),
    evidence=Evidence.JOURNAL,
    files=(WHEEL,),
    was_yanked=False,
    remaining_releases=11,
    latest_remaining="2.1.13",
    was_latest=False,
    incarnation=1,
)


def told(draft: EventDraft = DELETION, number: int = 42, **changes: Any) -> Event:
    """The event of a draft, with changes to it, under the number."""
    changed = replace(draft, **changes)
    payload = payload_of(changed)
    return Event(
        cursor=Cursor(1, number),
        id=changed.id,
        kind=changed.kind,
        project=changed.project,
        version=changed.version,
        time=changed.observed_at,
        payload=payload,
        chain=next_link("", changed.id, payload),
    )


def redacted(event: Event) -> Event:
    """The event after its payload was taken away."""
    return replace(event, payload=None)


def each_hour(count: int) -> tuple[Event, ...]:
    """Events an hour apart, the newest first and at noon."""
    return tuple(
        told(number=count - hours, serial=Serial(1000 - hours), observed_at=NOON - timedelta(hours=hours))
        for hours in range(count)
    )


HOSTILE_PIECES = (
    "]]>",
    "<script>alert(1)</script>",
    "<SCRIPT src=//example.org>",
    "</title>",
    "</td></table>",
    "<!--",
    "&lt;script&gt;",
    "&#0;",
    '" onload="',
    "\x00",
    "\x0b",
    "\x1b[31m",
    "\x85",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ufffe",
    "\U000fffff",
    "\ud800",
    "\udfff",
    "\r\n",
    "\u2028",
    "x" * 10_000,
)
"""What somebody could put into a filename or a yank reason to break a document or mislead its reader."""

_PLAIN = st.text(string.ascii_letters + string.digits + " .-_", max_size=20)
_ANYTHING = st.text(st.characters(), max_size=50)

hostile = st.lists(st.sampled_from(HOSTILE_PIECES) | _PLAIN | _ANYTHING, max_size=8).map("".join)
"""Texts with such pieces, with any character, lone surrogates among them."""


@st.composite
def hostile_events(draw: st.DrawFn) -> Event:
    """An event of any kind in which every text from upstream is hostile."""
    file = EventFile(draw(hostile), WHEEL.sha256, None, None, draw(st.sampled_from(State)))
    return told(
        kind=draw(st.sampled_from(EventKind)),
        version=draw(st.none() | hostile),
        evidence=draw(st.sampled_from(Evidence)),
        files=draw(st.none() | st.just((file, WHEEL))),
        filename=draw(st.none() | hostile),
        was_yanked=draw(st.none() | st.booleans()),
        yanked_reason=draw(st.none() | hostile),
        latest_remaining=draw(st.none() | hostile),
    )
