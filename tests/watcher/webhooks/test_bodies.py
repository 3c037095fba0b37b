"""What receivers read: the CloudEvent, an object of Standard Webhooks, a message that nobody can abuse."""

import html
import json
import re
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from hypothesis import given
from hypothesis import strategies as st

from mirror.event_kinds import EventKind
from mirror.events import Event
from tests.watcher.feed.told_events import SOURCE, hostile_events, redacted, told
from watcher.feed import cloudevents, prose
from watcher.webhooks.bodies import Form, body_of, body_of_test

FORMS: tuple[Form, ...] = get_args(Form)
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
SPACE = "\u200b"
CHATTY = (
    "<!channel>",
    "<@U012345>",
    "@here",
    "@everyone @channel @all",
    "<https://evil.example|pip>",
    "[pip](https://evil.example)",
    "![](http://evil.example/x.png)",
    "[a][b]",
    "www.evil.example",
    "&lt;!channel&gt;",
    "&amp;",
    "`code`",
    "||hidden||",
    "x" * 5000,
    "&" * 5000,
)


def message(event: Event) -> Any:
    body = body_of(event, form="slack", source=SOURCE)
    assert body.content_type == "application/json"
    return json.loads(body.content)


def test_a_cloudevent_is_the_one_of_the_interface() -> None:
    """Byte for byte, so that who reads both needs to know only one."""
    event = told()

    body = body_of(event, form="cloudevents", source=SOURCE)

    assert body.content_type == "application/cloudevents+json"
    assert body.content == cloudevents.envelope(event, source=SOURCE)


def test_json_has_type_timestamp_and_data() -> None:
    """As Standard Webhooks recommends; `data` is that of the CloudEvent, with the id in it."""
    event = told()

    said = json.loads(body_of(event, form="json", source=SOURCE).content)

    in_cloudevent = json.loads(cloudevents.envelope(event, source=SOURCE))
    assert list(said) == ["type", "timestamp", "data"]
    assert (said["type"], said["timestamp"]) == ("dev.everpin.release.deleted", "2023-04-12T14:02:40Z")
    assert said["data"] == {"id": event.id} | in_cloudevent["data"]
    assert said["data"]["cursor"] == "1-42"


def test_a_message_says_what_happened() -> None:
    """In its text, for all; in sections, for those who show them and would make links of names otherwise."""
    said = message(told())

    heading, rest = said["text"].split("\n")
    assert heading == "codecov 2.1.12 was deleted"
    assert "Evidence: the index's journal (serial 17640001)." in rest
    assert "11 releases remain, the latest is 2.1.13." in rest
    assert "5f5f5f" not in said["text"]
    assert [block["type"] for block in said["blocks"]] == ["section", "section"]
    assert [block["text"] for block in said["blocks"]] == [
        {"type": "mrkdwn", "text": text, "verbatim": True} for text in (heading, rest)
    ]
    assert (said["unfurl_links"], said["unfurl_media"]) == (False, False)


@pytest.mark.parametrize("form", FORMS)
def test_a_redacted_event_tells_no_details(form: Form) -> None:
    """What was taken away is not sent either."""
    content = body_of(redacted(told(yanked_reason="hush")), form=form, source=SOURCE).content

    json.loads(content)
    assert b"hush" not in content
    assert b"redacted" in content or b"withdrawn" in content


def _harmless(text: str) -> None:
    assert not re.search(r"[<>`]", text)
    assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    assert not re.search(r"@(?!\u200b)|://|\]\(|\]\[|\|\||www\.", text, re.IGNORECASE)


def _shows(text: str) -> str:
    return html.unescape(text).replace(SPACE, "")


@given(
    hostile_events()
    | st.builds(
        lambda version, reason, kind: told(kind=kind, version=version, yanked_reason=reason, filename=reason),
        st.lists(st.sampled_from(CHATTY), max_size=3).map(" ".join),
        st.lists(st.sampled_from(CHATTY), max_size=4).map("".join),
        st.sampled_from(EventKind),
    )
)
def test_a_message_calls_nobody_and_leads_nowhere(event: Event) -> None:
    """Whatever upstream wrote shows as it is, as far as there is room, and does nothing."""
    said = message(event)

    heading, *rest = (block["text"]["text"] for block in said["blocks"])
    assert said["text"] == "\n".join([heading, *rest])
    assert len(said["text"]) <= 1800
    for text in (heading, *rest):
        _harmless(text)
    title = prose.title(event).replace("`", "'")
    assert _shows(heading) == title or (heading.endswith("…") and title.startswith(_shows(heading)[:-1]))


@pytest.mark.parametrize("form", FORMS)
def test_a_test_says_that_it_is_one(form: Form) -> None:
    """Its type is none of those that events have."""
    body = body_of_test("test-1", NOW, form=form, source=SOURCE)

    said = json.loads(body.content)
    assert b"test of everpin" in body.content
    match form:
        case "cloudevents":
            read = from_structured_event(HTTPMessage({"content-type": body.content_type}, body.content))
            assert (read.get_type(), read.get_id(), read.get_time()) == ("dev.everpin.test", "test-1", NOW)
        case "json":
            assert (said["type"], said["timestamp"]) == ("dev.everpin.test", "2026-02-03T04:05:06Z")
            assert said["data"]["id"] == "test-1"
        case "slack":
            assert SOURCE.removeprefix("https://") in said["text"]
