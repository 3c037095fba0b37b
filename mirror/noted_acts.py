"""Operators' acts as they are noted beside the bytes, so that a catalog which lost them can be told again. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from mirror.errors import StartError
from mirror.names import Sha256, sha256
from mirror.targets import Order, RecordedAct, Verb, order_of

_NAME = re.compile(r"\A[0-9]{8}T[0-9]{12}Z-[0-9a-f]{12}\Z")


@dataclass(frozen=True, slots=True)
class NotedAct:
    """An act under its name, which orders acts by time.

    `digests` are the bytes that a release, a purge or its end was about.
    """

    name: str
    at: datetime
    order: Order
    digests: frozenset[Sha256]


class _Wire(msgspec.Struct, frozen=True):
    verb: Verb
    target: str
    actor: str
    reason: str
    at: datetime
    as_was: bool = False
    digests: tuple[str, ...] = ()


def name_of(at: datetime, token: str) -> str:
    """The name of an act at that time; `token`, twelve hexadecimal digits, tells those of the same moment apart."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{token}"


def encode(act: RecordedAct) -> bytes:
    """The note of an act."""
    return msgspec.json.encode(
        _Wire(act.verb, act.target, act.actor, act.reason, act.at, act.as_was, tuple(sorted(act.digests)))
    )


def decode(name: str, body: bytes) -> NotedAct | None:
    """The act of a note, None where this is none."""
    if not _NAME.fullmatch(name):
        return None
    try:
        wire = msgspec.json.decode(body, type=_Wire)
        order = order_of(wire.verb, wire.target, actor=wire.actor, reason=wire.reason, as_was=wire.as_was)
    except (msgspec.DecodeError, StartError, UnicodeDecodeError, RecursionError):
        return None
    digests = [sha256(text) for text in wire.digests]
    if not _is_named_by_time(name, wire.at) or None in digests:
        return None
    return NotedAct(name, wire.at, order, frozenset(digest for digest in digests if digest is not None))


def _is_named_by_time(name: str, at: datetime) -> bool:
    try:
        return at.tzinfo is not None and name == name_of(at, name.rpartition("-")[2])
    except OverflowError:  # so close to the first or the last day that it is on neither in another time zone
        return False
