"""Events as CloudEvents, read back by the CloudEvents SDK."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given

from mirror.event_kinds import EventKind
from mirror.events import Cursor, Event, next_link
from tests.watcher.feed.told_events import HOSTILE_PIECES, NOON, SOURCE, hostile_events, redacted, told
from watcher.feed import cloudevents
from watcher.feed.cloudevents import Start


def read(envelope: bytes) -> BaseCloudEvent:
    """The envelope as the SDK reads it, which validates every attribute."""
    return JSONFormat().read(None, envelope)


def data_of(event: Event) -> dict[str, object]:
    data = read(cloudevents.envelope(event, source=SOURCE)).get_data()
    assert isinstance(data, dict)
    return data


def test_an_event_is_a_valid_cloudevent() -> None:
    """The attributes say what it is, of which instance, about which release, and when."""
    event = told()

    seen = read(cloudevents.envelope(event, source=SOURCE))

    assert seen.get_attributes() == {
        "specversion": "1.0",
        "id": "17640001-release.deleted",
        "source": SOURCE,
        "type": "dev.everpin.release.deleted",
        "subject": "pkg:pypi/codecov@2.1.12",
        "time": datetime(2023, 4, 12, 14, 2, 40, tzinfo=UTC),
        "datacontenttype": "application/json",
        "chain": event.chain,
    }


def test_data_is_the_payload_with_the_cursor_first() -> None:
    """Every promised key is there, and the cursor is what a reader sees first."""
    data = data_of(told())

    assert next(iter(data.items())) == ("cursor", "1-42")
    assert data["kind"] == "release.deleted"
    assert data["serial"] == 17640001
    assert data["upstream_time"] == "2023-04-12T14:02:11Z"
    assert data["files"] == [
        {
            "filename": "codecov-2.1.12-py2.py3-none-any.whl",
            "sha256": "5f" * 32,
            "size": 16512,
            "upload_time": "2021-08-24T00:00:00Z",
            "state": "kept",
        }
    ]
    assert data["verdicts"] == {}
    assert data["supersedes"] is None


def test_whoever_takes_the_cursor_out_can_verify_the_chain() -> None:
    """The published bytes are the ones that were digested."""
    event = told()

    published = cloudevents.envelope(event, source=SOURCE)

    payload = published.partition(b'"data":')[2][:-1].replace(b'"cursor":"1-42",', b"", 1)
    assert payload == event.payload
    assert next_link("", json.loads(published)["id"], payload) == json.loads(published)["chain"]


def test_of_a_redacted_event_only_its_place_is_left() -> None:
    """Nothing of the payload is published any more; the sequence has no hole."""
    assert data_of(redacted(told(yanked_reason="secret"))) == {"cursor": "1-42", "redacted": True}


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_has_a_type(kind: EventKind) -> None:
    """The type is the kind under our own name."""
    assert read(cloudevents.envelope(told(kind=kind), source=SOURCE)).get_type() == f"dev.everpin.{kind.value}"


@pytest.mark.parametrize(
    ("project", "version", "purl"),
    [
        ("codecov", None, "pkg:pypi/codecov"),
        ("codecov", "", "pkg:pypi/codecov"),
        ("codecov", "2.1.12", "pkg:pypi/codecov@2.1.12"),
        ("zope-interface", "1!2.0rc1", "pkg:pypi/zope-interface@1%212.0rc1"),
        ("torch", "2.1.0+cu118", "pkg:pypi/torch@2.1.0%2Bcu118"),
        ("old", "1.0/beta 2?x#y@z", "pkg:pypi/old@1.0%2Fbeta%202%3Fx%23y%40z"),
        ("old", "a:b~c_d", "pkg:pypi/old@a:b~c_d"),
        ("old", "ü", "pkg:pypi/old@%C3%BC"),
        ("old", "1\u202e.0\ud800", "pkg:pypi/old@1.0"),
    ],
)
def test_the_subject_is_a_package_url(project: str, version: str | None, purl: str) -> None:
    """Separators within a version are percent-encoded, so that it cannot pose as a qualifier or a path."""
    assert cloudevents.purl(project, version) == purl


def test_times_are_told_in_utc() -> None:
    """Whatever zone the database answered in."""
    event = told(observed_at=datetime(2023, 4, 12, 16, 0, tzinfo=timezone(timedelta(hours=2))))

    assert json.loads(cloudevents.envelope(event, source=SOURCE))["time"] == "2023-04-12T14:00:00Z"


def test_a_page_tells_where_to_ask_on() -> None:
    """Events in the order given, the next cursor, and whether more is there by now."""
    events = (told(number=1), redacted(told(number=2)))

    page = cloudevents.page(
        events, source=SOURCE, next=Cursor(1, 2), more=True, observed_since=NOON, held_after=Start("1-0", "")
    )
    document = json.loads(page)

    assert list(document) == ["events", "next", "more", "observed_since", "held_after"]
    assert [event["data"]["cursor"] for event in document["events"]] == ["1-1", "1-2"]
    assert document["events"] == [json.loads(cloudevents.envelope(event, source=SOURCE)) for event in events]
    assert document["next"] == "1-2"
    assert document["more"] is True
    assert document["observed_since"] == "2023-04-12T12:00:00Z"


def test_an_empty_page_is_a_page() -> None:
    """Who is up to date gets no events and the same cursor again."""
    start = Start("3-0", "5f" * 32)
    page = cloudevents.page((), source=SOURCE, next=Cursor(3, 0), more=False, observed_since=None, held_after=start)

    assert json.loads(page) == {
        "events": [],
        "next": "3-0",
        "more": False,
        "observed_since": None,
        "held_after": {"cursor": "3-0", "chain": "5f" * 32},
    }


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
def test_hostile_text_stays_within_its_string(piece: str) -> None:
    """A reason can neither close the string nor be longer than promised."""
    data = data_of(told(kind=EventKind.RELEASE_YANKED, yanked_reason=f"because {piece}"))

    reason = data["yanked_reason"]
    assert isinstance(reason, str)
    assert reason.startswith("because ")
    assert len(reason) <= 500


@given(hostile_events())
def test_any_event_is_a_valid_cloudevent(event: Event) -> None:
    """No text from upstream makes an envelope that the SDK refuses."""
    seen = read(cloudevents.envelope(event, source=SOURCE))

    subject = seen.get_subject()
    assert subject is not None
    assert subject.isascii()
    assert subject.startswith("pkg:pypi/codecov")
