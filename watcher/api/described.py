"""The operations of `/api/v1` as OpenAPI describes them: what can be asked, and what is answered. Pure."""

from collections.abc import Sequence

from mirror.event_kinds import EventKind
from mirror.policy import POLICIES, Verdict
from watcher.api.describing import (
    BAD,
    LIMIT,
    NOT_FOUND,
    UNAVAILABLE,
    Json,
    answer,
    in_path,
    json_answer,
    many,
    query,
    ref,
    refused,
)

_CURSOR = r"^[0-9]{1,15}-[0-9]{1,15}$"
_PATTERN = r"^[A-Za-z0-9*]([A-Za-z0-9._*-]{0,98}[A-Za-z0-9*])?$"
_NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$"


_RESYNC = json_answer("Events after that cursor are unknown or not held any more: read anew.", ref("Resync"))

_SINCE = query("since", "The cursor to go on after; without it, from the oldest held.", {"type": "string"})
_PLACE = query("since", "The cursor to go on after; without it, from now on.", {"type": "string"})
_LAST_EVENT_ID = "As `since`, and heeded before it: the `id` of the event that was received last."
_VERDICTS = [f"{policy.id}:{verdict}" for policy in POLICIES for verdict in Verdict]
_FILTERS: Sequence[Json] = (
    query("project", "Only these projects; `*` stands for anything.", many({"type": "string", "pattern": _PATTERN})),
    query("kind", "Only these kinds.", many({"type": "string", "enum": [kind.value for kind in EventKind]})),
    query("stable_only", "Nothing that is about a pre-release.", {"type": "boolean"}),
    query("min_age", "One of the files was at least so old.", {"type": "string", "examples": ["72h"]}),
    query("verdict", "A policy and what it says.", many({"type": "string", "enum": _VERDICTS})),
)

EVENTS: Json = {
    "/api/v1/events": {
        "get": {
            "operationId": "events",
            "summary": "The oldest events after a cursor.",
            "parameters": [
                _SINCE,
                LIMIT,
                query("format", "Events in an object, or one a line.", {"type": "string", "enum": ["json", "ndjson"]}),
                *_FILTERS,
            ],
            "responses": {
                "200": answer(
                    "Events, and where to go on.",
                    application_json=ref("EventPage"),
                    application_x_ndjson={"type": "string"},
                ),
                "400": BAD,
                "410": _RESYNC,
                "503": UNAVAILABLE,
            },
        }
    },
    "/api/v1/events/stream": {
        "get": {
            "operationId": "stream",
            "summary": "Events as they are told, as server-sent events.",
            "parameters": [
                _PLACE,
                {"name": "Last-Event-ID", "in": "header", "description": _LAST_EVENT_ID, "schema": {"type": "string"}},
                *_FILTERS,
            ],
            "responses": {
                "200": answer(
                    "A stream without end; or one `resync`, whose data is a Resync, where nobody can go on from there.",
                    text_event_stream={"type": "string"},
                ),
                "400": BAD,
                "503": UNAVAILABLE,
            },
        }
    },
}

PROJECTS: Json = {
    "/api/v1/projects/{project}": {
        "get": {
            "operationId": "project",
            "summary": "What is remembered of a project today.",
            "parameters": [
                in_path("project", "Its name, in any spelling.", {"type": "string", "pattern": _NAME}),
                query("version", "Only this release's files.", {"type": "string", "minLength": 1, "maxLength": 200}),
            ],
            "responses": {
                "200": json_answer("The project, its releases and their files, its newest events.", ref("Project")),
                "304": {"description": "As it was when it had that ETag."},
                "400": BAD,
                "404": NOT_FOUND,
                "503": UNAVAILABLE,
            },
        }
    }
}

_TOKEN = in_path("token", "What its address ends with.", {"type": "string", "minLength": 1, "maxLength": 200})
DESCRIPTIONS: Json = {
    "/api/v1/schema/event.json": {
        "get": {
            "operationId": "eventSchema",
            "summary": "The JSON Schema of an event.",
            "responses": {"200": answer("The schema.", application_schema__json={"type": "object"})},
        }
    },
    "/api/v1/openapi.json": {
        "get": {
            "operationId": "openapi",
            "summary": "This document.",
            "responses": {"200": json_answer("The document.", {"type": "object"})},
        }
    },
}

_LOCK_BODY: Json = {
    "description": "A lock or requirements file as it is; an empty one pins nothing.",
    "content": {"application/octet-stream": {"schema": {"type": "string"}}},
}
# A Pipfile.lock is JSON, too, where it is called that.
_PINS: Json = {"anyOf": [ref("Question"), {}]}
_FILENAME = query("filename", "What the file is called, which tells its format.", {"type": "string", "maxLength": 255})
_OF_BODIES: Json = {
    "400": BAD,
    "408": refused("The body did not arrive in time."),
    "413": refused("The body is too large, or holds too many pins."),
    "422": refused("It cannot be read as a lock file; the sentence says where."),
    "503": UNAVAILABLE,
}

LOCK_FILES: Json = {
    "/api/v1/check": {
        "post": {
            "operationId": "check",
            "summary": "How all pins of a lock file stand here.",
            "parameters": [
                _FILENAME,
                query("strict", "Whether what is yanked counts as found, too.", {"type": "boolean"}),
            ],
            "requestBody": {
                **_LOCK_BODY,
                "content": {**_LOCK_BODY["content"], "application/json": {"schema": _PINS}},
            },
            "responses": {
                "200": json_answer("How they stand.", ref("Report")),
                **_OF_BODIES,
                "415": refused("The file itself is the body."),
            },
        }
    },
    "/api/v1/locks": {
        "post": {
            "operationId": "makeLockFeed",
            "summary": "A private feed that tells only what touches a lock file.",
            "security": [{}, {"admin": []}],
            "parameters": [
                _FILENAME,
                query("webhook", "Where events are sent to; takes an admin token.", {"type": "string"}),
            ],
            "requestBody": _LOCK_BODY,
            "responses": {
                "201": json_answer("Its addresses, which are secrets.", ref("MadeLockFeed")),
                **_OF_BODIES,
                "401": refused("A webhook takes an admin token."),
                "404": refused("Lock files get no feeds here, or no admin token is set."),
                "507": refused("As many lock files have feeds as may."),
            },
        }
    },
    "/api/v1/locks/{token}": {
        "get": {
            "operationId": "lockFeed",
            "summary": "The addresses of a lock's feed.",
            "parameters": [_TOKEN],
            "responses": {"200": json_answer("Its addresses.", ref("LockFeed")), "404": NOT_FOUND, "503": UNAVAILABLE},
        },
        "delete": {
            "operationId": "removeLockFeed",
            "summary": "Removes a lock's feed and all that is kept of the lock.",
            "parameters": [_TOKEN],
            "responses": {"204": {"description": "It is gone."}, "404": NOT_FOUND, "503": UNAVAILABLE},
        },
    },
}

SCHEMAS: Json = {
    "Problem": {
        "description": "Problem details (RFC 9457).",
        "type": "object",
        "required": ["type", "status", "title"],
        "properties": {
            "type": {"type": "string"},
            "status": {"type": "integer"},
            "title": {"type": "string"},
            "detail": {"type": "string"},
            "state": {"type": "string"},
        },
    },
    "Resync": {
        "type": "object",
        "required": ["resync", "oldest"],
        "properties": {"resync": {"const": True}, "oldest": {"type": "string", "pattern": _CURSOR}},
    },
    "EventPage": {
        "type": "object",
        "required": ["events", "next", "more", "observed_since", "held_after"],
        "properties": {
            "events": {"type": "array", "items": ref("Event")},
            "next": {"type": "string", "pattern": _CURSOR},
            "more": {"type": "boolean"},
            "observed_since": {"type": ["string", "null"], "format": "date-time"},
            "held_after": {
                "description": "Where the events that are held begin, and the link that their chain goes on from.",
                "type": "object",
                "required": ["cursor", "chain"],
                "properties": {"cursor": {"type": "string", "pattern": _CURSOR}, "chain": {"type": "string"}},
            },
        },
    },
}
