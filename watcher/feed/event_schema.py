"""What an event looks like, as JSON Schema (draft 2020-12), made of the types that events are made of. Pure.

It has no references, so that it can be put into another document as it is. Later versions may add properties and kinds,
and take none away.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import msgspec

from mirror.event_kinds import EventKind
from mirror.events import Payload
from mirror.policy import Verdict
from watcher.feed.cloudevents import TYPE_PREFIX

Json: TypeAlias = dict[str, Any]

PATH = "/api/v1/schema/event.json"

_REF = "#/{name}"
_TIMES = frozenset({"upstream_time", "observed_at", "upload_time", "since", "until", "observed_since"})
_DIGEST: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_CURSOR: Json = {
    "type": "string",
    "pattern": "^[0-9]+-[0-9]+$",
    "title": "Cursor",
    "description": "The event's place in the sequence, to be given as `since`. Nothing is to be read out of it.",
}

_MEANINGS: Mapping[str, str] = {
    "kind": "What happened.",
    "project": "The project's normalised name; null where it is about no project, such as a gap.",
    "version": "The release that it is about, as upstream writes it.",
    "serial": "The serial of the row of PyPI's journal that told of it; null where none did.",
    "upstream_time": "When it happened, by PyPI's clock or that of an advisory's source.",
    "observed_at": "When this instance came to know of it.",
    "evidence": "Where it was seen; null where it is not PyPI's act.",
    "files": "The files that it is about; null where the project was not known, so that nobody can say.",
    "filename": "The file that an event about one file is about.",
    "status": "The new status of the project.",
    "was_yanked": "Whether what was deleted had been yanked before.",
    "yanked_reason": "Why it is, or was, yanked.",
    "remaining_releases": "How many releases the project has left.",
    "latest_remaining": "The newest of these.",
    "was_latest": "Whether what was deleted was the newest release.",
    "incarnation": "Which life of the project's name it belongs to, from 1.",
    "burst_id": "The id of the first of several deletions of this project that followed each other closely.",
    "local_downloads_30d": "How often this mirror's clients fetched the files in the 30 days before.",
    "verdicts": "What deletion policies say of it, by their ids.",
    "advisories": "The ids of the advisories that call it malware.",
    "supersedes": "The id of the event that this one corrects or ends.",
    "act": "What an operator ordered.",
    "period": "A time without a journal.",
    "observed_since": "Since when this instance watches the project or, of one that it does not know, the journal."
    " What happened before may never have been told.",
    "sha256": "The sha256 of the file's bytes.",
    "size": "The size of the file in bytes.",
    "upload_time": "When the file was uploaded.",
    "state": "What this mirror made of the file at that moment.",
    "number": "The number of the act.",
    "verb": "What was ordered.",
    "target": "What it was ordered for.",
    "reason": "Why it was ordered.",
    "since": "When it began.",
    "until": "When it was over; null as long as it lasts.",
    "recovered": "Whether nothing was missed; null as long as nobody can say.",
}


def event_schema() -> Json:
    """The schema of one event with its envelope."""
    _, found = msgspec.json.schema_components([Payload], ref_template=_REF)
    data = _described(found["Payload"], found)
    data["title"] = "What happened"
    data["description"] = "What nobody could tell is null."
    data["properties"] = {"cursor": _CURSOR} | data["properties"]
    data["properties"]["verdicts"]["additionalProperties"] = {"enum": sorted(Verdict)}
    data["required"] = ["cursor", *data["required"]]
    return {
        "title": "Event",
        "description": "Something that PyPI lost, took back or hid, or that was done about it, as a CloudEvent 1.0.",
        "type": "object",
        "properties": _envelope() | {"data": {"oneOf": [data, _redacted()]}},
        "required": ["specversion", "id", "source", "type", "time", "datacontenttype", "chain", "data"],
    }


@cache
def document() -> bytes:
    """The same as a document of its own."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:everpin:schema:event"}
    return msgspec.json.encode(head | event_schema())


def _envelope() -> Json:
    return {
        "specversion": {"const": "1.0", "description": "The version of CloudEvents."},
        "id": {"type": "string", "minLength": 1, "description": "Stable: the same happening is never told under two."},
        "source": {"type": "string", "format": "uri-reference", "description": "The instance that tells it."},
        "type": {
            "enum": [f"{TYPE_PREFIX}{kind}" for kind in EventKind],
            "description": "The kind, under a name that is this project's own.",
        },
        "subject": {"type": "string", "pattern": "^pkg:pypi/", "description": "The package URL; absent without one."},
        "time": {"type": "string", "format": "date-time", "description": "When this instance came to know of it."},
        "datacontenttype": {"const": "application/json"},
        "chain": _DIGEST
        | {
            "description": "sha256 of the chain of the event before (nothing, for the first), a line feed, the id, a"
            " line feed and the sha256 of the payload, all as text. The payload is `data` without its cursor."
        },
        "payloadsha256": _DIGEST | {"description": "The sha256 of the payload, where that was taken away."},
    }


def _redacted() -> Json:
    return {
        "title": "Redacted",
        "description": "What it said was taken away; its place in the sequence is left.",
        "type": "object",
        "properties": {"cursor": _CURSOR, "redacted": {"const": True}},
        "required": ["cursor", "redacted"],
        "additionalProperties": False,
    }


def _described(schema: Json, found: Mapping[str, Json], *, name: str = "") -> Json:
    """The schema with what it refers to in the place of references, and with what its properties mean."""
    if "$ref" in schema:
        return _described(found[schema["$ref"].removeprefix("#/")], found, name=name)
    described = {key: value for key, value in schema.items() if key not in ("default", "title", "description")}
    if name in _TIMES and schema.get("type") == "string":
        described["format"] = "date-time"
    if name == "sha256" and schema.get("type") == "string":
        described |= _DIGEST
    if "properties" in schema:
        described["properties"] = {
            key: _described(value, found, name=key) | {"description": _MEANINGS[key]}
            for key, value in schema["properties"].items()
        }
    if "items" in schema:
        described["items"] = _described(schema["items"], found)
    if "anyOf" in schema:
        described["anyOf"] = [_described(one, found, name=name) for one in schema["anyOf"]]
    return described
