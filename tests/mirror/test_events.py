"""Events before they are stored: stable ids, canonical payloads, the chain, and text fit to be shown."""

import hashlib
import unicodedata
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.event_kinds import EventKind
from mirror.events import (
    LONGEST_TEXT,
    Cursor,
    EventDraft,
    EventFile,
    Evidence,
    next_link,
    payload_of,
    presentable,
    read_payload,
)
from mirror.model import State
from mirror.names import ProjectName, Serial, Sha256

NOON = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
ELSEWHERE = timezone(timedelta(hours=9))
BY_ROW = EventDraft(
    kind=EventKind.RELEASE_DELETED,
    project=ProjectName("demo"),
    version="1.0",
    serial=Serial(54),
    upstream_time=NOON - timedelta(seconds=30),
    observed_at=NOON,
    evidence=Evidence.JOURNAL,
    files=(EventFile("demo-1.0.tar.gz", Sha256("a" * 64), 7, NOON - timedelta(days=400), State.KEPT),),
    was_yanked=False,
    remaining_releases=1,
    latest_remaining="0.9",
    was_latest=True,
    incarnation=1,
)
BY_PAGE = replace(
    BY_ROW,
    kind=EventKind.RESTORED,
    serial=None,
    upstream_time=None,
    evidence=Evidence.INDEX,
    filename="demo-1.0.tar.gz",
)


def test_an_event_of_a_row_is_known_by_serial_and_kind() -> None:
    """Whenever and with whatever else the row is applied again, the id is the same."""
    again = replace(BY_ROW, observed_at=NOON + timedelta(days=1), files=None, incarnation=2)

    assert BY_ROW.id == again.id == "54-release.deleted"
    assert replace(BY_ROW, kind=EventKind.RELEASE_YANKED).id == "54-release.yanked"


def test_an_event_of_a_page_is_known_by_what_was_observed() -> None:
    """The same observation has the same id; another subject, time, kind, project or life has another."""
    others = [
        replace(BY_PAGE, filename="demo-1.1.tar.gz"),
        replace(BY_PAGE, observed_at=NOON + timedelta(microseconds=1)),
        replace(BY_PAGE, kind=EventKind.FILE_REPLACED),
        replace(BY_PAGE, project=ProjectName("other")),
        replace(BY_PAGE, incarnation=2),
    ]

    assert uuid.UUID(BY_PAGE.id).version == 5
    assert BY_PAGE.id == replace(BY_PAGE, files=None, was_yanked=None).id
    assert len({draft.id for draft in (BY_PAGE, *others)}) == 6


def test_an_event_of_an_advisory_is_known_by_what_the_advisory_said() -> None:
    """Whenever it is read; a later state of it, other files or another advisory make another event."""
    blocked = replace(
        BY_PAGE, kind=EventKind.ADVISORY_BLOCKED, evidence=None, upstream_time=NOON, advisories=("MAL-2026-1",)
    )
    others = [
        replace(blocked, upstream_time=NOON + timedelta(seconds=1)),
        replace(blocked, kind=EventKind.ADVISORY_WITHDRAWN),
        replace(blocked, advisories=("MAL-2026-2",)),
        replace(blocked, version="1.1"),
        replace(blocked, files=()),
    ]

    assert replace(blocked, observed_at=NOON + timedelta(days=1)).id == blocked.id
    assert len({draft.id for draft in (blocked, *others)}) == 6


def test_the_zone_in_which_a_moment_is_written_makes_no_difference() -> None:
    """Noon in UTC is nine in the evening elsewhere: one moment, one id, one payload."""
    elsewhere = replace(BY_PAGE, observed_at=NOON.astimezone(ELSEWHERE))

    assert elsewhere.id == BY_PAGE.id
    assert payload_of(elsewhere) == payload_of(BY_PAGE)


def test_an_id_can_be_made_of_any_name() -> None:
    """A name that has no bytes in UTF-8 does not stop everything else from being told."""
    assert uuid.UUID(replace(BY_PAGE, filename="demo-\ud800.whl").id).version == 5


def test_a_payload_is_read_back_as_it_was_written() -> None:
    """Nothing is lost, and what nobody could tell is null, never left out."""
    payload = payload_of(BY_ROW)
    read = read_payload(payload)

    assert msgspec.json.encode(read) == payload
    assert (read.kind, read.serial, read.observed_at) == ("release.deleted", 54, NOON)
    assert read.files is not None
    assert (read.files[0].filename, read.files[0].state) == ("demo-1.0.tar.gz", "kept")
    raw = msgspec.json.decode(payload_of(replace(BY_ROW, files=None, was_yanked=None)))
    assert {
        key: raw[key] for key in ("files", "was_yanked", "burst_id", "supersedes", "yanked_reason")
    } == dict.fromkeys(("files", "was_yanked", "burst_id", "supersedes", "yanked_reason"))
    assert raw["observed_at"] == "2026-08-10T12:00:00Z"


def test_a_payload_carries_no_text_that_deceives() -> None:
    """Every text that came from upstream is cleaned on its way out."""
    hostile = "1.0\u202e\x1b[31m\x00"
    file = EventFile(f"{hostile}.whl", None, None, None, State.LIVE)
    draft = replace(
        BY_ROW,
        version=hostile,
        filename=hostile,
        status=hostile,
        yanked_reason=hostile * 200,
        latest_remaining=hostile,
        files=(file,),
    )

    read = read_payload(payload_of(draft))

    assert {read.version, read.filename, read.status, read.latest_remaining} == {"1.0[31m"}
    assert read.files is not None
    assert read.files[0].filename == "1.0[31m.whl"
    assert len(read.yanked_reason or "") == LONGEST_TEXT


def test_the_chain_ties_each_event_to_all_before_it() -> None:
    """Anyone can compute it from ids and payloads, and from a payload's digest where the payload is gone."""
    payload = payload_of(BY_ROW)
    first = next_link("", BY_ROW.id, payload)
    digest = hashlib.sha256(payload).hexdigest()

    assert first == hashlib.sha256(f"\n54-release.deleted\n{digest}".encode()).hexdigest()
    assert next_link(first, "x", payload) != next_link("", "x", payload)
    assert next_link("", "y", payload) != next_link("", "x", payload)
    assert next_link("", "x", payload + b" ") != next_link("", "x", payload)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Überraschung 雪 🎉", "Überraschung 雪 🎉", id="honest text"),
        pytest.param("", "", id="nothing"),
        pytest.param("a\tb\nc\r\nd", "a b c  d", id="breaks become spaces"),
        pytest.param("a\u2028b\u2029c\x85d\x0be\x0cf", "a b c d e f", id="all other line breaks too"),
        pytest.param("a\x00b\x07c\x1bd\x7fe\x9bf", "abcdef", id="control characters"),
        pytest.param("\u202abc\u202e\u2066x\u2069\u200e\u200f\u061c", "bcx", id="bidirectional controls"),
        pytest.param("a\u200bb\ufeffc\u00add", "abcd", id="invisible characters"),
        pytest.param("a\ud800b\udfffc", "abc", id="lone surrogates"),
        pytest.param("a\ue000b\U000f0000c", "abc", id="private use"),
        pytest.param("a\uffffb\u0378c", "abc", id="unassigned"),
        pytest.param("x" * 501, "x" * 500, id="too long"),
        pytest.param("\x00" * 1000 + "x" * 500, "x" * 500, id="only what is shown counts"),
    ],
)
def test_text_is_made_presentable(text: str, shown: str) -> None:
    """What could forge a line, hide or turn text is taken out, and the rest is left alone."""
    assert presentable(text) == shown


def test_no_text_stays_no_text() -> None:
    """None is not the empty text."""
    assert presentable(None) is None


@given(st.text(alphabet=st.characters(), max_size=700))
def test_presentable_text_is_one_line_that_can_be_written_anywhere(text: str) -> None:
    """For any text at all; and cleaning it twice changes nothing more."""
    shown = presentable(text)

    assert len(shown) <= LONGEST_TEXT
    assert shown.encode().decode() == shown
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert len(f"{shown}x".splitlines()) == 1
    assert presentable(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "--1",
        "1--1",
        "1-1-1",
        "+1-1",
        "1-+1",
        " 1-1",
        "1-1 ",
        "1-1\n",
        "1_0-1",
        "0x1-1",
        "1.0-1",
        "1e3-1",
        "a-b",
        "١-٢",
        "²-1",
        "1\u20131",
        "1-1\x00",
        f"1-{'9' * 16}",
        f"{'9' * 16}-1",
        f"1-{'9' * 5000}",
        "1-1;drop table events",
    ],
)
def test_what_is_no_cursor_is_not_read_as_one(text: str) -> None:
    """Cursors come from outside: nothing but two short plain numbers is believed."""
    assert Cursor.parse(text) is None


@given(st.integers(0, 10**15 - 1), st.integers(0, 10**15 - 1))
def test_a_cursor_is_read_as_it_was_written(epoch: int, number: int) -> None:
    """For every cursor that can be handed out."""
    cursor = Cursor(epoch, number)

    assert Cursor.parse(str(cursor)) == cursor


@given(st.text())
def test_no_text_breaks_the_reading_of_cursors(text: str) -> None:
    """It is a cursor or it is none."""
    cursor = Cursor.parse(text)

    assert cursor is None or (cursor.epoch >= 0 and cursor.number >= 0)
