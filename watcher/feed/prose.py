"""An event in words for people: a title, a text, and the same text as HTML.

Names, filenames and reasons came from upstream and are hostile: they are made presentable here once more, whatever is
stored, and in HTML every sentence and every cell is escaped as a whole. No markup is ever built from them.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from typing import assert_never

from mirror.event_kinds import GONE, EventKind
from mirror.events import Event, Evidence, Payload, PayloadFile, Period, presentable, read_payload
from mirror.model import State
from mirror.policy import POLICIES, Verdict

MOST_FILES = 200
"""A project can leave with thousands of files; more than this many are counted, not listed."""

_TITLES: Mapping[EventKind, str] = {
    EventKind.FILE_DELETED: "{file} was deleted",
    EventKind.RELEASE_DELETED: "{release} was deleted",
    EventKind.PROJECT_DELETED: "{release} was deleted",
    EventKind.RELEASE_YANKED: "{release} was yanked",
    EventKind.RELEASE_UNYANKED: "{release} is no longer yanked",
    EventKind.FILE_YANKED: "{file} was yanked",
    EventKind.FILE_UNYANKED: "{file} is no longer yanked",
    EventKind.PROJECT_QUARANTINED: "{release} was quarantined",
    EventKind.RELEASE_QUARANTINED: "{release} was quarantined",
    EventKind.PROJECT_QUARANTINE_CLEARED: "{release} is no longer quarantined",
    EventKind.RELEASE_QUARANTINE_CLEARED: "{release} is no longer quarantined",
    EventKind.PROJECT_STATUS_CHANGED: "{release} is now {status}",
    EventKind.PROJECT_REREGISTERED: "{release} was registered again after its deletion",
    EventKind.FILE_REPLACED: "{file} was replaced by a file with other bytes",
    EventKind.RESTORED: "{file_or_release} is back",
    EventKind.DISAPPEARED: "{file_or_release} is gone, and nothing says why",
    EventKind.ADVISORY_BLOCKED: "{release} is called malware by an advisory",
    EventKind.ADVISORY_WITHDRAWN: "{release} is no longer called malware",
    EventKind.GAP: "The journal {could} be read",
    EventKind.RESCUED: "{file_or_release} was saved after it had left",
    EventKind.OPERATOR_ACT: "An operator {order}",
    EventKind.TAKEDOWN: "{release} was destroyed here by an operator",
}
# A status is read from the project's page, so the project is known and the change is about no file.
_WITHOUT_FILES = frozenset({EventKind.PROJECT_STATUS_CHANGED, EventKind.GAP, EventKind.OPERATOR_ACT})
_STATES: Mapping[State, str] = {
    State.LIVE: "live: upstream lists it",
    State.YANKED: "yanked: upstream lists it, for exact pins only",
    State.KEPT: "kept: served here to exact pins",
    State.HELD: "held: not served as long as it may not be safe",
    State.BLOCKED: "blocked: not served",
    State.PURGED: "purged: destroyed here by an operator",
    State.LOST: "lost: its bytes were never had here",
}
_POLICIES: Mapping[str, str] = {policy.id: policy.title for policy in POLICIES}
_REDACTED = "The details of this event were withdrawn."
_NOT_KNOWN = "not known"


def title(event: Event) -> str:
    """What happened, in a line."""
    return _title(event, _payload(event))


def summary_text(event: Event, *, most_files: int = MOST_FILES) -> str:
    """What happened, when, by which evidence, to which files, and what is left, as plain text."""
    payload = _payload(event)
    lines = [*_sentences(event, payload)]
    listed, left_out = _listed(payload, most_files)
    if listed:
        lines += ["", "Files and their state at that moment:"]
        lines += [f"- {filename}, sha256 {digest}, {state}" for filename, digest, state in map(_cells, listed)]
    if left_out:
        lines.append(_left_out(left_out, len(listed)))
    return "\n".join(lines)


def summary_html(event: Event, *, most_files: int = MOST_FILES) -> str:
    """The text of `summary_text` as an HTML fragment, the files in a table."""
    payload = _payload(event)
    parts = [f"<p>{escape(sentence)}</p>" for sentence in _sentences(event, payload)]
    listed, left_out = _listed(payload, most_files)
    if listed:
        rows = "".join(_row(file) for file in listed)
        parts.append(
            "<table><thead><tr><th>File</th><th>sha256</th><th>State at that moment</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
    if left_out:
        parts.append(f"<p>{_left_out(left_out, len(listed))}</p>")
    return "\n".join(parts)


def _payload(event: Event) -> Payload | None:
    return None if event.payload is None else read_payload(event.payload)


def _title(event: Event, payload: Payload | None) -> str:
    release = " ".join(filter(None, (presentable(event.project), presentable(event.version))))
    filename = _filename(payload)
    return _TITLES[event.kind].format(
        release=release,
        file=f"{release}: {filename or 'a file'}",
        file_or_release=f"{release}: {filename}" if filename else release,
        status=(presentable(payload.status) if payload else None) or "another status",
        order=_order(payload),
        could="cannot" if payload and payload.period and payload.period.until is None else "could not",
    )


def _order(payload: Payload | None) -> str:
    act = payload.act if payload else None
    return f"ordered: {presentable(act.verb)} {presentable(act.target)}" if act else "intervened"


def _filename(payload: Payload | None) -> str | None:
    """The one file that the event is about, where there is one."""
    if payload is None:
        return None
    if payload.filename is None and payload.files is not None and len(payload.files) == 1:
        return presentable(payload.files[0].filename)
    return presentable(payload.filename)


def _sentences(event: Event, payload: Payload | None) -> Iterator[str]:
    yield f"{_title(event, payload)}."
    if payload is None:
        yield f"It was told at {_moment(event.time)}."
        yield _REDACTED
        return
    yield _when(payload)
    yield from _evidence(payload)
    if payload.act is not None:
        yield f"Reason given: “{presentable(payload.act.reason)}”"
    if payload.period is not None:
        yield _period(payload.period)
    yield from _yank(payload)
    yield from _left(payload)
    yield from _kept(payload)
    yield from _policies(payload)
    if payload.advisories:
        yield f"Advisories: {presentable(', '.join(payload.advisories))}."
    if payload.supersedes:
        yield f"This supersedes the event {presentable(payload.supersedes)}."
    if payload.files is None and event.kind not in _WITHOUT_FILES:
        yield "Files unknown: this project was not known here."
    yield from _observed(payload)


def _when(payload: Payload) -> str:
    noticed = f"noticed at {_moment(payload.observed_at)}."
    if payload.upstream_time is None:
        return f"It was {noticed}"
    return f"It happened at {_moment(payload.upstream_time)} and was {noticed}"


def _evidence(payload: Payload) -> Iterator[str]:
    serial = "" if payload.serial is None else f" (serial {payload.serial})"
    match payload.evidence:
        case Evidence.JOURNAL:
            yield f"Evidence: the index's journal{serial}."
        case Evidence.INDEX:
            yield f"Evidence: the project's page{serial}."
        case Evidence.BOTH:
            yield f"Evidence: the index's journal{serial} and the project's page."
        case None:
            return
        case _:
            assert_never(payload.evidence)


def _period(period: Period) -> str:
    if period.until is None:
        return f"The journal cannot be read since {_moment(period.since)}: what is removed meanwhile is told later."
    missed = "Nothing that happened then was missed." if period.recovered else "What happened then may never be told."
    return f"The journal could not be read from {_moment(period.since)} to {_moment(period.until)}. {missed}"


def _yank(payload: Payload) -> Iterator[str]:
    reason = (presentable(payload.yanked_reason) or "").strip()
    yanked_now = payload.kind in (EventKind.RELEASE_YANKED, EventKind.FILE_YANKED)
    if payload.was_yanked and not yanked_now:
        yield "It had been yanked before."
    if reason:
        yield f"Reason given for the yank: “{reason}”"
    elif yanked_now:
        yield "No reason for the yank is known."


def _left(payload: Payload) -> Iterator[str]:
    if payload.was_latest:
        yield "It was the latest release."
    latest = presentable(payload.latest_remaining)
    match payload.remaining_releases:
        case None:
            if latest:
                yield f"The latest release that remains is {latest}."
        case 0:
            yield "No release remains."
        case 1:
            yield f"One release remains: {latest}." if latest else "One release remains."
        case many:
            yield f"{many} releases remain, the latest is {latest}." if latest else f"{many} releases remain."


def _kept(payload: Payload) -> Iterator[str]:
    """How much of what is gone upstream can still be had here."""
    if payload.kind not in GONE or not payload.files:
        return
    kept, whole = sum(file.state is State.KEPT for file in payload.files), len(payload.files)
    yield f"Files kept here: {kept} of {whole}."


def _policies(payload: Payload) -> Iterator[str]:
    for verdict, words in ((Verdict.REFUSE, "not have"), (Verdict.ALLOW, "have")):
        named = [_POLICIES.get(id_, presentable(id_)) for id_, said in payload.verdicts.items() if said == verdict]
        if named:
            # Titles hold commas of their own.
            yield f"A user could {words} deleted it under the rules of: {'; '.join(named)}."


def _observed(payload: Payload) -> Iterator[str]:
    if payload.observed_since is not None:
        yield f"Observed here since {_moment(payload.observed_since)}; what was before is not known."


def _listed(payload: Payload | None, most_files: int) -> tuple[tuple[PayloadFile, ...], int]:
    """The files to list, and how many more there are."""
    files = (payload.files if payload else None) or ()
    return files[:most_files], max(0, len(files) - most_files)


def _left_out(count: int, listed: int) -> str:
    more = f"And {count} more" if listed else f"Files: {count}, not listed here"
    return f"{more}; the event itself holds them all."


def _cells(file: PayloadFile) -> tuple[str, str, str]:
    return presentable(file.filename), presentable(file.sha256) or _NOT_KNOWN, _STATES[file.state]


def _row(file: PayloadFile) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(file))}</tr>"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
