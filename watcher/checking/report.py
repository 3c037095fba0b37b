"""The report of a check as JSON, as it is printed and as one mirror answers another's question. Pure.

Also the question: pins as JSON. Both directions are read as hostile: what is not of its type is refused, and texts go
on without control and bidi characters.
"""

from collections.abc import Iterable, Sequence

import msgspec

from mirror.errors import EverpinError
from mirror.events import presentable
from mirror.names import project_name, sha256
from watcher.checking.findings import Finding, PinState, is_finding, summary
from watcher.locks import LeftOut, Pin

_LONGEST_VERSION = 200
_LONGEST_FILENAME = 255


class BadReportError(EverpinError):
    """Pins, or a report, that cannot be read; the sentence says where and why."""


class ReportedFile(msgspec.Struct, frozen=True):
    """One pin and how it stands. `filename` is also that of the one file which a pin without a name means."""

    source: str
    project: str
    version: str | None
    filename: str | None
    sha256: str | None
    state: PinState
    reason: str
    advice: str


class ReportedLeftOut(msgspec.Struct, frozen=True):
    """Something that was not checked, and why not."""

    source: str
    name: str
    why: str


class Report(msgspec.Struct, frozen=True):
    """All pins, in the order of their files; how many there are in each state, and how many of these are findings."""

    files: tuple[ReportedFile, ...]
    summary: dict[PinState, int]
    findings: int
    left_out: tuple[ReportedLeftOut, ...] = ()


class AskedPin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A pin as a client asks about it: a version or a sha256, or both. `source` comes back as it is."""

    project: str
    version: str | None = None
    filename: str | None = None
    sha256: str | None = None
    source: str = ""
    index: str | None = None


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client asks."""

    pins: tuple[AskedPin, ...]


def report_of(findings: Sequence[Finding], left_out: Iterable[LeftOut], *, strict: bool = False) -> bytes:
    """The report as JSON."""
    return msgspec.json.encode(
        Report(
            tuple(_reported(finding) for finding in findings),
            summary(finding.state for finding in findings),
            sum(is_finding(finding.state, strict=strict) for finding in findings),
            tuple(ReportedLeftOut(*map(presentable, (one.source, one.name, one.why))) for one in left_out),
        )
    )


def read_report(body: bytes) -> Report:
    """The report that another mirror gave. Raises BadReportError."""
    try:
        return msgspec.json.decode(body, type=Report)
    except (ValueError, RecursionError) as e:
        raise BadReportError(f"what was answered is not a report ({presentable(str(e))})") from e


def question_of(pins: Sequence[Pin]) -> bytes:
    """The question about these pins, of which nothing is told but what they are; each is known by its place."""
    asked = (AskedPin(pin.project, pin.version, pin.filename, pin.sha256, str(n)) for n, pin in enumerate(pins))
    return msgspec.json.encode(Question(tuple(asked)))


def read_question(body: bytes, *, most: int) -> tuple[Pin, ...]:
    """The pins that a client asks about. Raises BadReportError."""
    try:
        question = msgspec.json.decode(body, type=Question)
    except (ValueError, RecursionError) as e:
        raise BadReportError(f'the body is not {{"pins": [...]}} ({presentable(str(e))})') from e
    if len(question.pins) > most:
        raise BadReportError(f"{len(question.pins)} pins are too many at once; {most} are the most")
    return tuple(_pin(number, asked) for number, asked in enumerate(question.pins))


def _reported(finding: Finding) -> ReportedFile:
    pin = finding.pin
    return ReportedFile(
        presentable(pin.source),
        pin.project,
        presentable(pin.version),
        presentable(finding.filename),
        pin.sha256,
        finding.state,
        finding.reason,
        finding.advice,
    )


def _pin(number: int, asked: AskedPin) -> Pin:
    where = f"pins[{number}]"
    project = project_name(asked.project)
    if project is None:
        raise BadReportError(f"{where}: {presentable(asked.project[:80])!r} is not a project's name")
    if asked.version is None and asked.sha256 is None:
        raise BadReportError(f"{where}: a pin has a version, a sha256 or both")
    if asked.version is not None and not 0 < len(asked.version) <= _LONGEST_VERSION:
        raise BadReportError(f"{where}: that is not a version")
    if asked.filename is not None and not 0 < len(asked.filename) <= _LONGEST_FILENAME:
        raise BadReportError(f"{where}: that is not a filename")
    digest = None if asked.sha256 is None else sha256(asked.sha256)
    if asked.sha256 is not None and digest is None:
        raise BadReportError(f"{where}: a sha256 has 64 hexadecimal digits")
    return Pin(project, asked.version, asked.filename, digest, asked.source, asked.index)
