"""What operators order: on which files, which verb, by whom and why. Pure.

A target is a project, a release, exactly these bytes wherever they are, the brake, or an event that was told. Releases
are compared as PEP 440 compares versions, so `demo==1.0` also covers what upstream lists as 1.0.0.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from mirror.errors import StartError
from mirror.events import LONGEST_TEXT, presentable
from mirror.model import FileFacts
from mirror.names import ProjectName, Sha256, project_name, same_version_key, sha256

_BYTES = "sha256:"
_BRAKE = "brake"
_EVENT = "event:"
_EVENT_ID = re.compile(r"\A[a-z0-9][a-z0-9._-]{0,399}\Z")
_LONGEST_VERSION = 256


class Verb(StrEnum):
    """What can be ordered."""

    BLOCK = "block"
    UNBLOCK = "unblock"
    RELEASE = "release"
    PURGE = "purge"
    UNPURGE = "unpurge"
    ADOPT = "adopt"
    REDACT = "redact"


@dataclass(frozen=True, slots=True)
class ProjectTarget:
    """Every file of a project, in every life of its name."""

    project: ProjectName

    def __str__(self) -> str:
        return self.project


@dataclass(frozen=True, slots=True)
class ReleaseTarget:
    """Every file of one version; `version` as it was written, `key` what equal versions share."""

    project: ProjectName
    version: str

    @property
    def key(self) -> str:
        return same_version_key(self.version)

    def __str__(self) -> str:
        return f"{self.project}=={self.version}"


@dataclass(frozen=True, slots=True)
class BytesTarget:
    """Every file with these bytes, of whatever project."""

    sha256: Sha256

    def __str__(self) -> str:
        return f"{_BYTES}{self.sha256}"


@dataclass(frozen=True, slots=True)
class BrakeTarget:
    """The brake on departures that only the index shows."""

    def __str__(self) -> str:
        return _BRAKE


@dataclass(frozen=True, slots=True)
class EventTarget:
    """What an event says that was told, by the event's id."""

    id: str

    def __str__(self) -> str:
        return f"{_EVENT}{self.id}"


FilesTarget: TypeAlias = ProjectTarget | ReleaseTarget | BytesTarget
Target: TypeAlias = FilesTarget | BrakeTarget | EventTarget


@dataclass(frozen=True, slots=True)
class Order:
    """What one operator wants done. Made by `order_of`, which checks what people write."""

    verb: Verb
    target: Target
    actor: str
    reason: str
    as_was: bool = False


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """An order that was carried out; `target` as text.

    `name` is that under which it is noted beside the bytes; `digests` are those that a release, a purge or its end was
    about.
    """

    number: int
    at: datetime
    actor: str
    verb: Verb
    target: str
    reason: str
    as_was: bool = False
    name: str = ""
    digests: frozenset[Sha256] = frozenset()


def order_of(verb: Verb, target: str, *, actor: str, reason: str, as_was: bool = False) -> Order:
    """The order that these texts give. Raises StartError with one line on what is wrong with them."""
    wanted = parse_target(target)
    if isinstance(wanted, BrakeTarget) and verb is not Verb.RELEASE:
        raise StartError(f"the brake can only be released, not {_DONE[verb]}")
    if isinstance(wanted, BrakeTarget) and as_was:
        raise StartError("the brake is no file that could be listed as it was before")
    if isinstance(wanted, EventTarget) is not (verb is Verb.REDACT):
        raise StartError(f"{_quoted(target)} cannot be {_DONE[verb]}: events can be redacted, and only they can")
    return Order(verb, wanted, presentable(actor) or "unknown", checked_reason(reason), as_was)


def parse_target(text: str) -> Target:
    """The target that the text names. Raises StartError where it names none.

    The bare word "brake" is always the brake; of the project of that name only releases and digests can be named.
    """
    text = text.strip()
    if text.lower() == _BRAKE:
        return BrakeTarget()
    if text.lower().startswith(_BYTES):
        digest = sha256(text[len(_BYTES) :])
        if digest is None:
            raise StartError(f"{_quoted(text)} is not a target: after sha256: come 64 hexadecimal digits")
        return BytesTarget(digest)
    if text.startswith(_EVENT):
        if not _EVENT_ID.match(text[len(_EVENT) :]):
            raise StartError(f"{_quoted(text)} is not a target: after event: comes the id of an event")
        return EventTarget(text[len(_EVENT) :])
    name, equals, version = text.partition("==")
    project, version = project_name(name.strip()), version.strip()
    if project is None or (equals and not _is_version(version)):
        raise StartError(f"{_quoted(text)} is not a target; write PROJECT, PROJECT==VERSION or sha256:<64 digits>")
    return ReleaseTarget(project, version) if equals else ProjectTarget(project)


def covers(target: Target, project: ProjectName, file: FileFacts) -> bool:
    """Whether the file of that project is meant."""
    match target:
        case ProjectTarget(name):
            return name == project
        case ReleaseTarget(name):
            return name == project and file.version is not None and same_version_key(file.version) == target.key
        case BytesTarget(digest):
            return file.sha256 == digest
        case BrakeTarget() | EventTarget():
            return False


def _is_version(text: str) -> bool:
    # Not only what PEP 440 allows: upstream has older releases whose versions it does not know.
    return 0 < len(text) <= _LONGEST_VERSION and text == presentable(text) and not any(c in "=,;*" for c in text)


def checked_reason(reason: str) -> str:
    """The reason as it is recorded. Raises StartError where it is none, or none that fits in a line."""
    reason = reason.strip()
    if not reason:
        raise StartError("a reason is needed: it is recorded and told with the act")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in reason):
        raise StartError("the reason must be a single line of text")
    if len(reason) > LONGEST_TEXT:
        raise StartError(f"the reason is longer than {LONGEST_TEXT} characters")
    return reason


def _quoted(text: str) -> str:
    shown = presentable(text)
    return repr(shown if len(shown) <= 80 else f"{shown[:80]}...")


_DONE = {
    Verb.BLOCK: "blocked",
    Verb.UNBLOCK: "unblocked",
    Verb.RELEASE: "released",
    Verb.PURGE: "purged",
    Verb.UNPURGE: "unpurged",
    Verb.ADOPT: "adopted",
    Verb.REDACT: "redacted",
}
