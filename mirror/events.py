"""What is told to the outside: one event for each act, append-only, numbered in the order of commit.

An event is drafted while an act is applied, numbered by the catalog in the last statements of that transaction, and
never changed afterwards; only its payload can be taken away again (redaction), which the chain of digests survives.
Payloads are written once, as canonical JSON, and kept as those bytes.
"""

import hashlib
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import overload

import msgspec

from mirror.event_kinds import EventKind
from mirror.model import State
from mirror.names import ProjectName, Serial, Sha256

LONGEST_TEXT = 500
"""Text that came from upstream goes out with at most this many characters."""

_BREAKS = frozenset("\t\n\v\f\r\x85\u2028\u2029")

_NAMESPACE = uuid.UUID("4f0d9f5b-6f0c-5b0e-9d57-5a0f6f1c9e11")


_OF_ADVISORIES = frozenset({EventKind.ADVISORY_BLOCKED, EventKind.ADVISORY_WITHDRAWN})


class Evidence(StrEnum):
    """Where an act was seen: a row of the journal, the project page, or both. What is not upstream's act has none."""

    JOURNAL = "journal"
    INDEX = "index"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file that an event is about, with its state at that moment. What is not known is None."""

    filename: str
    sha256: Sha256 | None
    size: int | None
    upload_time: datetime | None
    state: State


class Act(msgspec.Struct, frozen=True):
    """What an operator ordered: `verb` and `target` as they were given, and why; `number` is that of the act."""

    number: int
    verb: str
    target: str
    reason: str


class Period(msgspec.Struct, frozen=True):
    """A time without a journal; `until` is None while it lasts. `recovered`: nothing that happened in it was missed."""

    since: datetime
    until: datetime | None
    recovered: bool | None


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event before it has a number. `files` is None where the project was not known, so that nobody can say.

    `observed_at` is our time, `upstream_time` that of the journal's row, or of the advisory's last change. `filename`
    names the file of a `file.*` event, also where nothing else is known of it. `status` is the new project status of
    `project.status_changed`. `verdicts` are pairs of a policy's id and what it says of the deletion; `act` belongs to
    `operator.act` and `takedown`, `period` to `gap`, which is about no project. `counted_files` are the ids of those of
    its files that this mirror knew before, where it is to be told how often they were fetched; they are not told.
    `observed_since` is when we began to look at what it is about: at the project, else at the journal.
    """

    kind: EventKind
    project: ProjectName | None
    version: str | None
    serial: Serial | None
    upstream_time: datetime | None
    observed_at: datetime
    evidence: Evidence | None
    files: tuple[EventFile, ...] | None = None
    filename: str | None = None
    status: str | None = None
    was_yanked: bool | None = None
    yanked_reason: str | None = None
    remaining_releases: int | None = None
    latest_remaining: str | None = None
    was_latest: bool | None = None
    incarnation: int | None = None
    burst_id: str | None = None
    local_downloads_30d: int | None = None
    verdicts: tuple[tuple[str, str], ...] = ()
    advisories: tuple[str, ...] = ()
    supersedes: str | None = None
    act: Act | None = None
    period: Period | None = None
    counted_files: tuple[int, ...] | None = None
    observed_since: datetime | None = None

    @property
    def id(self) -> str:
        """Stable: the row's serial and the kind, else a UUID of what was observed, so that a replay adds nothing."""
        if self.serial is not None:
            return f"{self.serial}-{self.kind}"
        if self.act is not None:
            # An act can be about the same bytes in several projects.
            about = f"-{self.project}" if self.project is not None else ""
            return f"act-{self.act.number}-{self.kind}{about}"
        subject, at = self.filename or self.version or self.status or "", self.observed_at
        if self.kind in _OF_ADVISORIES and self.upstream_time is not None:
            # The advisory as it was at that time says the same of these files whenever it is read.
            named = sorted(f"{file.filename}|{file.sha256}" for file in self.files or ())
            subject, at = "|".join((*self.advisories, self.version or "", *named)), self.upstream_time
        if self.period is not None:
            # Told twice, when it is noticed and when it is over, and each time only once.
            subject, at = "begun" if self.period.until is None else "over", self.period.since
        # A lone surrogate has no bytes to make a UUID of.
        subject = subject.encode(errors="backslashreplace").decode()
        seen = f"{self.project}|{self.incarnation}|{self.kind}|{subject}|{at.astimezone(UTC).isoformat()}"
        return str(uuid.uuid5(_NAMESPACE, seen))


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the sequence of events. Another epoch means another history, after a restored backup for instance."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """The cursor that the text shows, or None where it shows none."""
        epoch, dash, number = text.partition("-")
        digits = all(part.isascii() and part.isdigit() and len(part) <= 15 for part in (epoch, number))
        return cls(int(epoch), int(number)) if dash and digits else None


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered event. `payload` is canonical JSON (see `payload_of`), None once it was redacted.

    Then `redacted_at` says when, and `payload_sha256` is what is left of it: without that nobody could check the chain.
    """

    cursor: Cursor
    id: str
    kind: EventKind
    project: ProjectName | None
    version: str | None
    time: datetime
    payload: bytes | None
    chain: str
    redacted_at: datetime | None = None
    payload_sha256: Sha256 | None = None


class PayloadFile(msgspec.Struct, frozen=True):
    """A file in an event's payload; see `EventFile`."""

    filename: str
    sha256: str | None
    size: int | None
    upload_time: datetime | None
    state: State


class Payload(msgspec.Struct, frozen=True):
    """The `data` of an event as published, without its cursor. What nobody could tell is null, never left out."""

    kind: EventKind
    project: str | None
    version: str | None
    serial: int | None
    upstream_time: datetime | None
    observed_at: datetime
    evidence: Evidence | None
    files: tuple[PayloadFile, ...] | None
    filename: str | None
    status: str | None
    was_yanked: bool | None
    yanked_reason: str | None
    remaining_releases: int | None
    latest_remaining: str | None
    was_latest: bool | None
    incarnation: int | None
    burst_id: str | None = None
    local_downloads_30d: int | None = None
    verdicts: dict[str, str] = {}
    advisories: tuple[str, ...] = ()
    supersedes: str | None = None
    act: Act | None = None
    period: Period | None = None
    observed_since: datetime | None = None


def payload_of(draft: EventDraft) -> bytes:
    """The payload as canonical JSON: the same draft gives the same bytes."""
    files = None
    if draft.files is not None:
        files = tuple(
            PayloadFile(presentable(f.filename), f.sha256, f.size, _utc(f.upload_time), f.state) for f in draft.files
        )
    return msgspec.json.encode(
        Payload(
            kind=draft.kind,
            project=draft.project,
            version=presentable(draft.version),
            serial=draft.serial,
            upstream_time=_utc(draft.upstream_time),
            observed_at=draft.observed_at.astimezone(UTC),
            evidence=draft.evidence,
            files=files,
            filename=presentable(draft.filename),
            status=presentable(draft.status),
            was_yanked=draft.was_yanked,
            yanked_reason=presentable(draft.yanked_reason),
            remaining_releases=draft.remaining_releases,
            latest_remaining=presentable(draft.latest_remaining),
            was_latest=draft.was_latest,
            incarnation=draft.incarnation,
            burst_id=draft.burst_id,
            local_downloads_30d=draft.local_downloads_30d,
            verdicts=dict(draft.verdicts),
            advisories=draft.advisories,
            supersedes=draft.supersedes,
            act=_presentable_act(draft.act),
            period=draft.period,
            observed_since=_utc(draft.observed_since),
        )
    )


def read_payload(payload: bytes) -> Payload:
    """The payload of a stored event."""
    return msgspec.json.decode(payload, type=Payload)


def next_link(previous: str, event_id: str, payload: bytes) -> str:
    """The digest that ties an event to all before it: sha256(previous digest, id, sha256 of the payload)."""
    return link_of_digest(previous, event_id, digest_of(payload))


def link_of_digest(previous: str, event_id: str, payload_sha256: Sha256) -> str:
    """The same, where only the digest of the payload is known."""
    return hashlib.sha256(f"{previous}\n{event_id}\n{payload_sha256}".encode()).hexdigest()


def digest_of(payload: bytes) -> Sha256:
    """The sha256 of a payload."""
    return Sha256(hashlib.sha256(payload).hexdigest())


def can_recur(event_id: str, kind: EventKind) -> bool:
    """Whether the same event could be drafted once more, after its id was forgotten.

    Not where the id is made of when something was observed. But rows are read again, advisories too, and a time without
    a journal can be told of late.
    """
    return kind in _OF_ADVISORIES or kind is EventKind.GAP or not _is_uuid(event_id)


@overload
def presentable(text: str) -> str: ...
@overload
def presentable(text: None) -> None: ...
def presentable(text: str | None) -> str | None:
    """One line of limited length, without control, format (bidi) and unassigned characters and lone surrogates."""
    if text is None:
        return None
    if text.isascii() and text.isprintable():
        return text[:LONGEST_TEXT]  # nearly all are, and need not be looked at letter by letter
    kept = (" " if c in _BREAKS else c if unicodedata.category(c)[0] != "C" else "" for c in text)
    return "".join(kept)[:LONGEST_TEXT]


def _presentable_act(act: Act | None) -> Act | None:
    if act is None:
        return None
    return Act(act.number, presentable(act.verb), presentable(act.target), presentable(act.reason))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
