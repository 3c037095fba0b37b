"""What is sent to a webhook: the event as a CloudEvent, as an object of Standard Webhooks, or as a message. Pure.

A message is for Slack's incoming webhooks and those that take the same: Mattermost, Rocket.Chat, Discord's `/slack`.
Its words came from upstream in part and are hostile. Slack reads commands between `<` and `>` and takes three
characters as entities; the others read `@all`, addresses and links of Markdown out of plain words. None of that works
in what is made here, and it is no longer than the least of them takes.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Literal, assert_never

import msgspec

from mirror.events import Event
from watcher.feed import cloudevents, prose

Form = Literal["cloudevents", "json", "slack"]

TEST = "dev.everpin.test"
"""The type of what is sent to see whether it arrives."""

_MOST_TEXT = 1800
"""Characters of a message. Discord takes 2000, a section of Slack's 3000."""

_TEST_SENTENCE = "This is a test of everpin: what upstream deletes will be told here."
_SPACE = "\u200b"
"""Takes no room, and keeps apart what would mean something together."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'"}
# What calls people and what becomes a link: `@all`, `https://`, `www.`, `[words](address)`; and `||`, which hides.
_PIECES = re.compile(r"(?P<apart>@|:(?=//)|www(?=\.)|\](?=[(\[])|\|(?=\|))|.", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent, and the value of `Content-Type`. It is always JSON in UTF-8."""

    content: bytes
    content_type: str


class _Notice(msgspec.Struct, frozen=True):
    type: str
    timestamp: datetime
    data: msgspec.Raw


class _Enveloped(msgspec.Struct, frozen=True):
    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    datacontenttype: str
    data: msgspec.Raw


class _Text(msgspec.Struct, frozen=True):
    type: str
    text: str
    # Without this Slack makes links of what looks like one, and a filename can.
    verbatim: bool = True


class _Block(msgspec.Struct, frozen=True):
    type: str
    text: _Text


class _Message(msgspec.Struct, frozen=True):
    text: str
    blocks: tuple[_Block, ...]
    unfurl_links: bool = False
    unfurl_media: bool = False


def body_of(event: Event, *, form: Form, source: str) -> Body:
    """The event in that form. `source` is a URI that names this instance."""
    match form:
        case "cloudevents":
            return _cloudevent(cloudevents.envelope(event, source=source))
        case "json":
            data = b'{"id":' + msgspec.json.encode(event.id) + b"," + cloudevents.data_of(event)[1:]
            return _notice(f"{cloudevents.TYPE_PREFIX}{event.kind}", event.time, data)
        case "slack":
            # Sentences first, then an empty line, then the files: a message has no room for those.
            told = takewhile(bool, prose.summary_text(event).splitlines()[1:])
            return _message(prose.title(event), " ".join(told))
        case _:
            assert_never(form)


def body_of_test(message_id: str, at: datetime, *, form: Form, source: str) -> Body:
    """What is sent to see whether it arrives: of the type `dev.everpin.test`, about no project, with no cursor."""
    data = msgspec.json.encode({"kind": "test", "message": _TEST_SENTENCE})
    match form:
        case "cloudevents":
            moment = at.astimezone(UTC)
            enveloped = _Enveloped("1.0", message_id, source, TEST, moment, "application/json", msgspec.Raw(data))
            return _cloudevent(msgspec.json.encode(enveloped))
        case "json":
            return _notice(TEST, at, b'{"id":' + msgspec.json.encode(message_id) + b"," + data[1:])
        case "slack":
            return _message(_TEST_SENTENCE, f"Sent by {source}.")
        case _:
            assert_never(form)


def _cloudevent(content: bytes) -> Body:
    return Body(content, "application/cloudevents+json")


def _notice(kind: str, at: datetime, data: bytes) -> Body:
    return _json(_Notice(kind, at.astimezone(UTC), msgspec.Raw(data)))


def _message(title: str, rest: str) -> Body:
    heading = _harmless(title, _MOST_TEXT // 2)
    words = _harmless(rest, _MOST_TEXT - len(heading) - 1)
    blocks = tuple(_Block("section", _Text("mrkdwn", text)) for text in (heading, words) if text)
    # Those who know no blocks show this, and so do notifications.
    return _json(_Message("\n".join(filter(None, (heading, words))), blocks))


def _json(document: msgspec.Struct) -> Body:
    return Body(msgspec.json.encode(document), "application/json")


def _harmless(text: str, most: int) -> str:
    """At most `most` characters that show as `text` does and mean nothing else."""
    parts: list[str] = []
    room = most - 1
    for found in _PIECES.finditer(text):
        part = f"{found[0]}{_SPACE}" if found["apart"] else _ENTITIES.get(found[0], found[0])
        if len(part) > room:
            return "".join(parts) + "…"
        parts.append(part)
        room -= len(part)
    return "".join(parts)
