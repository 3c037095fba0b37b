"""Events as CloudEvents 1.0 in the JSON event format.

`data` is the stored payload byte for byte, with the cursor put before its first key: who takes the cursor out again
holds exactly the bytes whose digest went into `chain`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from mirror.events import Cursor, Event, presentable

_TYPE_PREFIX = "dev.everpin."


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
    data: msgspec.Raw


class _Page(msgspec.Struct, frozen=True):
    events: tuple[_Envelope, ...]
    next: str
    more: bool


def envelope(event: Event, *, source: str) -> bytes:
    """The event as a CloudEvent. `source` is a URI that names this instance."""
    return msgspec.json.encode(_enveloped(event, source))


def page(events: Sequence[Event], *, source: str, next: Cursor, more: bool) -> bytes:  # noqa: A002 - the key's name
    """Events in the order given, with the cursor from which to ask on and whether there is more by now."""
    enveloped = tuple(_enveloped(event, source) for event in events)
    return msgspec.json.encode(_Page(events=enveloped, next=str(next), more=more))


def purl(project: str, version: str | None) -> str:
    """The package URL of a project or, with a version, of a release.

    The purl specification leaves letters, digits and `.-_~:` as they are and has everything else percent-encoded.
    """
    name = f"pkg:pypi/{quote(project, safe='')}"
    release = presentable(version)
    return f"{name}@{quote(release, safe=':')}" if release else name


def _enveloped(event: Event, source: str) -> _Envelope:
    return _Envelope(
        specversion="1.0",
        id=event.id,
        source=source,
        type=f"{_TYPE_PREFIX}{event.kind}",
        subject=purl(event.project, event.version) if event.project is not None else msgspec.UNSET,
        time=event.time.astimezone(UTC),
        datacontenttype="application/json",
        chain=event.chain,
        data=msgspec.Raw(_data(event)),
    )


def _data(event: Event) -> bytes:
    payload = b'{"redacted":true}' if event.payload is None else event.payload
    return b'{"cursor":"%s",' % str(event.cursor).encode() + payload[1:]
