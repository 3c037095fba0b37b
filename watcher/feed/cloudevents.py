"""Events as CloudEvents 1.0 in the JSON event format.

`data` is the stored payload byte for byte, with the cursor put before its first key: who takes the cursor out again
holds exactly the bytes whose digest went into `chain`. A redacted event carries that digest in their place.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from mirror.events import Cursor, Event, presentable

TYPE_PREFIX = "dev.everpin."
"""What the type of every event begins with."""


class _Envelope(msgspec.Struct, frozen=True):
    specversion: str
    id: str
    source: str
    type: str
    # There is none where the event is about no project.
    subject: str | msgspec.UnsetType
    time: datetime
    datacontenttype: str
    # Not an attribute that the specification knows; its rules for extension attributes allow the name.
    chain: str
    # Likewise. Only a redacted event has it: of any other one it can be computed.
    payloadsha256: str | msgspec.UnsetType
    data: msgspec.Raw


class Start(msgspec.Struct, frozen=True):
    """Where the events that are held begin: the cursor before the oldest, and the link that its chain goes on from."""

    cursor: str
    chain: str


class _Page(msgspec.Struct, frozen=True):
    events: tuple[_Envelope, ...]
    next: str
    more: bool
    observed_since: datetime | None
    held_after: Start


def envelope(event: Event, *, source: str) -> bytes:
    """The event as a CloudEvent. `source` is a URI that names this instance."""
    return msgspec.json.encode(_enveloped(event, source))


def page(
    events: Sequence[Event],
    *,
    source: str,
    next: Cursor,  # noqa: A002 - the key's name
    more: bool,
    observed_since: datetime | None,
    held_after: Start,
) -> bytes:
    """Events in the order given, with the cursor from which to ask on and whether there is more by now.

    `observed_since` is when the journal began to be watched: of what was before, not everything was told.
    """
    enveloped = tuple(_enveloped(event, source) for event in events)
    since = observed_since.astimezone(UTC) if observed_since else None
    return msgspec.json.encode(_Page(enveloped, str(next), more, since, held_after))


def lines(events: Sequence[Event], *, source: str) -> bytes:
    """Events in the order given, one a line."""
    return b"".join(envelope(event, source=source) + b"\n" for event in events)


def purl(project: str, version: str | None) -> str:
    """The package URL of a project or, with a version, of a release.

    The purl specification leaves letters, digits and `.-_~:` as they are and has everything else percent-encoded.
    """
    name = f"pkg:pypi/{quote(project, safe='')}"
    release = presentable(version)
    return f"{name}@{quote(release, safe=':')}" if release else name


def data_of(event: Event) -> bytes:
    """The payload as it goes out, as a JSON object: with its cursor, or that it was redacted."""
    payload = b'{"redacted":true}' if event.payload is None else event.payload
    return b'{"cursor":"%s",' % str(event.cursor).encode() + payload[1:]


def _enveloped(event: Event, source: str) -> _Envelope:
    return _Envelope(
        specversion="1.0",
        id=event.id,
        source=source,
        type=f"{TYPE_PREFIX}{event.kind}",
        subject=purl(event.project, event.version) if event.project is not None else msgspec.UNSET,
        time=event.time.astimezone(UTC),
        datacontenttype="application/json",
        chain=event.chain,
        payloadsha256=event.payload_sha256 or msgspec.UNSET,
        data=msgspec.Raw(data_of(event)),
    )
