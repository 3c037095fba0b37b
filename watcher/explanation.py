"""Why a project's files are served or not, in plain words. Pure: what is remembered goes in, lines come out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from mirror.events import presentable
from mirror.journal_rows import JournalRow, Position
from mirror.model import Cause, FileFacts, Life, Memory, ProjectFacts, State
from mirror.names import ProjectName, Sha256, same_version_key
from mirror.setting_sections import Safety
from mirror.setting_values import Reregistered
from mirror.states import waits_for_operator
from mirror.targets import RecordedAct

_SERVED = {
    State.LIVE: "served: upstream lists it",
    State.YANKED: "served, but only to exact pins: upstream lists it as yanked",
    State.KEPT: "served, but only to exact pins: upstream no longer has it, this mirror kept it",
    State.PURGED: "not served: an operator destroyed the bytes",
    State.LOST: "not served: upstream no longer has it and the bytes could not be had",
}
_WHY = {
    Cause.RESCUE: "its bytes are being fetched; who asks for it waits",
    Cause.STRANGER: "it was first seen after its whole version had been removed, or came back after it was blocked",
    Cause.REPLACED: "another file of this name, with another sha256, was there first",
    Cause.OPERATOR: "an operator blocked it",
    Cause.UNEXPLAINED: "it is gone upstream though no row of the journal says why (safety.unexplained)",
    Cause.SETTING: 'upstream no longer has it, and safety.serve_departed is "never"',
    Cause.ADVISORY: "it is called malware",
    Cause.SETTLING: "its project was young when it was removed whole, as malware is; it waits for safety.settle, and"
    " for recent advisories where they are read",
}
_MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class OrdersGiven:
    """What operators did about a project: the acts, which of them block all or part of it, and which destroyed what.

    `blocks` are numbers of acts, and so are `purges`, by the digest of what was destroyed.
    """

    acts: Mapping[int, RecordedAct] = field(default_factory=dict)
    blocks: tuple[int, ...] = ()
    purges: Mapping[Sha256, int] = field(default_factory=dict)

    def line(self, number: int | None, done: str) -> Iterable[str]:
        """The line about an act, if there is one."""
        act = self.acts.get(number) if number is not None else None
        if act is not None:
            yield (
                f"  {done} by an operator {act.at:%Y-%m-%d %H:%M:%S} UTC: {presentable(act.reason)}"
                f" (act {act.number}, {presentable(act.actor)}: {act.verb} {presentable(act.target)})"
            )


def explanation(
    project: ProjectName,
    memory: Memory | None,
    rows: Sequence[JournalRow],
    told: Sequence[str],
    *,
    position: Position | None,
    rules: Safety,
    version: str | None = None,
    filename: str | None = None,
    orders: OrdersGiven | None = None,
) -> list[str]:
    """The story of a project, of one version, or of one file, line by line."""
    orders = orders or OrdersGiven()
    lines = [f"{project}: {_project_line(memory)}", _journal_line(position)]
    lines += [
        line.strip() for number in orders.blocks for line in orders.line(number, "blocked, also what comes later,")
    ]
    lines.append("")
    if memory is not None:
        chosen = [file for file in memory.files if _is_asked_for(file, version, filename)]
        if not chosen:
            lines.append("No such file is known here.")
        for file in chosen:
            lines += _file_lines(file, memory.project, rules, orders)
        lines.append("")
    lines += _row_lines(rows, version)
    if told:
        lines += ["Told:", *(f"  {line}" for line in told)]
    return lines


def _project_line(memory: Memory | None) -> str:
    if memory is None:
        return "never asked for here; only its rows of the journal are known"
    project = memory.project
    words = [f"known since {project.known_since:%Y-%m-%d}", f"incarnation {project.incarnation}"]
    if project.closed_serial is not None:
        words.append(f"removed upstream (serial {project.closed_serial})")
    if project.quarantined_by is not None:
        by = f"row {project.quarantined_by}" if project.quarantined_by else "its page"
        words.append(f"quarantined upstream, says {by}: nothing of it is served")
    if project.observed_at is not None:
        words.append(f"page last confirmed {project.observed_at:%Y-%m-%d %H:%M:%S} UTC at serial {project.page_serial}")
    if project.wanted_serial is not None:
        words.append(f"waiting for a page of serial {project.wanted_serial} or newer")
    return "; ".join(words)


def _journal_line(position: Position | None) -> str:
    if position is None:
        return "The journal is not watched: removals upstream are not noticed."
    return (
        f"The journal is read up to serial {position.serial} ({position.checked_at:%Y-%m-%d %H:%M:%S} UTC),"
        f" watched since {position.observed_since:%Y-%m-%d}."
    )


def _is_asked_for(file: FileFacts, version: str | None, filename: str | None) -> bool:
    if filename is not None and file.filename != filename:
        return False
    return version is None or (file.version is not None and same_version_key(file.version) == same_version_key(version))


def _file_lines(file: FileFacts, project: ProjectFacts, rules: Safety, orders: OrdersGiven) -> Iterable[str]:
    listed = file.listed_file
    yield f"{presentable(file.filename)}  [{file.state}{f', {file.cause}' if file.cause else ''}]"
    yield f"  {verdict(file, project, rules)}"
    yield f"  sha256 {file.sha256 or 'not known yet'} (named by {file.hash_source}), {listed.size} bytes"
    if listed.upload_time is not None:
        yield f"  uploaded {listed.upload_time:%Y-%m-%d %H:%M:%S} UTC"
    at_serial = f" at serial {file.first_seen_serial}" if file.first_seen_serial is not None else ""
    yield f"  first seen {file.first_seen_at:%Y-%m-%d %H:%M:%S} UTC{at_serial}"
    if listed.yanked is not None:
        yield f"  yanked: {presentable(listed.yanked) or 'no reason given'}"
    if file.missing_since is not None:
        yield f"  missing from the page since {file.missing_since:%Y-%m-%d %H:%M:%S} UTC; no row explains it yet"
    if file.disappeared_at is not None:
        yield f"  believed to be gone since {file.disappeared_at:%Y-%m-%d %H:%M:%S} UTC, unexplained"
    if file.departed is not None:
        departed = file.departed
        yield f"  removed with its {departed.cause} {departed.at:%Y-%m-%d %H:%M:%S} UTC by serial {departed.serial}"
    if file.advisories:
        yield f"  called malware by {', '.join(file.advisories)}"
    if file.quarantined_at is not None:
        yield f"  quarantined upstream {file.quarantined_at:%Y-%m-%d %H:%M:%S} UTC"
    yield from orders.line(file.blocked_by, "blocked")
    as_was = ", to be listed as it was before" if file.as_was else ""
    vouched = ", whatever is said of these bytes" if file.vouched_by is not None else ""
    yield from orders.line(file.released_by, f"released{as_was}{vouched}{',' if as_was or vouched else ''}")
    if file.purged_at is not None and file.sha256 is not None:
        yield from orders.line(orders.purges.get(file.sha256), "purged")
    kept = f"kept since {file.stored_at:%Y-%m-%d %H:%M:%S} UTC" if file.stored_at else "not in the store"
    yield f"  bytes {kept}"


def verdict(file: FileFacts, project: ProjectFacts, rules: Safety) -> str:
    """Whether the file is served, and why or why not, in a line without a full stop."""
    if file.cause is Cause.YOUNG and file.state_until is not None:
        delay = f"safety.new_release_delay ({_hours(rules.new_release_delay)} h)"
        return f"not served before {file.state_until:%Y-%m-%d %H:%M:%S} UTC, when {delay} has passed"
    if file.cause is Cause.YOUNG:
        return f"not served: it was younger than safety.min_age ({_hours(rules.min_age)} h) when it was removed"
    if file.cause is Cause.STRANGER and file.newcomer_in is not None and not file.stranger:
        return _newcomer(file, project.life(file.newcomer_in), rules)
    if file.cause is Cause.QUARANTINE:
        still = file.state is State.BLOCKED
        return (
            f"not served: it {'is' if still else 'was'} quarantined upstream{'' if still else ' before it was removed'}"
        )
    if file.cause is not None:
        return f"not served: {_WHY[file.cause]}"
    if file.state is State.KEPT and file.as_was:
        return "served as it was before: upstream no longer has it, this mirror kept it"
    return _SERVED[file.state]


def _newcomer(file: FileFacts, life: Life | None, rules: Safety) -> str:
    """Why a newcomer of a name that was registered again is not served, and until when."""
    cooldown = f"safety.cooldown ({_hours(rules.cooldown)} h)"
    if file.state_until is not None:
        who = "" if rules.reregistered is not Reregistered.OWNER else f" {_by_whom(life)}"
        until = f"{file.state_until:%Y-%m-%d %H:%M:%S} UTC"
        return f"not served before {until}, when {cooldown} ends: its name was registered again{who}"
    if life is None or waits_for_operator(life, rules.reregistered):
        hold = rules.reregistered is Reregistered.HOLD
        who = 'and safety.reregistered is "hold"' if hold else "and none of its owners before is known to own it now"
        return f"not served until an operator releases it: its name was registered again, {who}"
    return f"not served: its name had been registered again, and it was removed before {cooldown} had passed"


def _by_whom(life: Life | None) -> str:
    return "by one of its owners before" if life is not None and life.same_owner_at else "before this mirror knew it"


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g}"


def _row_lines(rows: Sequence[JournalRow], version: str | None) -> list[str]:
    chosen = [
        row
        for row in rows
        if version is None or row.version is None or same_version_key(row.version) == same_version_key(version)
    ]
    if not chosen:
        return ["No rows of the journal are remembered."]
    lines = ["Rows of the journal:"]
    if len(chosen) > _MOST_ROWS:
        lines.append(f"  ({len(chosen) - _MOST_ROWS} older ones are not shown)")
    lines += [
        f"  {row.serial}  {row.time:%Y-%m-%d %H:%M:%S}  {presentable(row.version or '-'):<12}  {presentable(row.text)}"
        for row in chosen[-_MOST_ROWS:]
    ]
    return lines
