"""What may be done with a file, derived from facts alone. Pure: facts, rules and the time go in, a judgement comes out.

One state rules a file's bytes, its metadata and its entry on the page. The rules, in the order in which they bind:
what an operator destroyed or blocked; what is quarantined upstream now or called malware, unless an operator vouched
for exactly these bytes; what cannot be trusted to be what the name promises (a stranger, a replacement, a newcomer of a
name that others may have taken); then, for what left upstream, whether the departure was clean, explained and old
enough and whether we have the bytes; and last what upstream itself says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from mirror.keeping import Keeping
from mirror.model import Cause, FileFacts, Life, Memory, ProjectFacts, State
from mirror.names import Serial
from mirror.setting_values import Reregistered, Unexplained

JOURNAL_WAITS = timedelta(hours=24)
"""How long a journal that covers the time may take to explain why a file is gone."""
ADVISORIES_FRESH = timedelta(days=1)
"""Advisories older than that say nothing of a project that was just removed."""
_LOOK_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that judgements depend on; those with defaults are off by default.

    `quarantine_memory` None means for ever. `reads_advisories`: there is a source of them, so that one can wait for it.
    `undelayed` are patterns of the projects whose new files are served at once. `tells_downloads` is about what is told
    of a judgement's files, not about the judgement; and `keeping` about what is kept of the files that are judged.
    """

    min_age: timedelta
    quarantine_memory: timedelta | None
    reregistered: Reregistered
    cooldown: timedelta
    min_project_age: timedelta = timedelta(0)
    settle: timedelta = timedelta(0)
    reads_advisories: bool = False
    unexplained: Unexplained = Unexplained.SETTLE
    serves_departed: bool = True
    new_release_delay: timedelta = timedelta(0)
    undelayed: tuple[str, ...] = ()
    tells_downloads: bool = False
    keeping: Keeping = field(default_factory=Keeping)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What judgements of all projects depend on besides: how far we know upstream. None where we do not.

    `advisories_at` is when advisories were read last. The journal was read from `journal_since` on, since
    `journal_begun_at`, up to `journal_at`.
    """

    advisories_at: datetime | None = None
    journal_since: Serial | None = None
    journal_begun_at: datetime | None = None
    journal_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A state, why where that needs saying, and until when it holds where the clock alone will end it."""

    state: State
    cause: Cause | None = None
    until: datetime | None = None


def judge(
    file: FileFacts,
    project: ProjectFacts,
    *,
    rules: Rules,
    now: datetime,
    around: Circumstances = Circumstances(),
) -> Judgement:
    """The state of one file of this project at this time."""
    if file.purged_at is not None:
        return Judgement(State.PURGED)
    if file.blocked_by is not None:
        return Judgement(State.BLOCKED, Cause.OPERATOR)
    if file.vouched_by is None:
        # A quarantine of the name covers every copy ever kept under it, those of earlier incarnations too.
        if project.quarantined_by is not None or file.quarantined_by is not None:
            return Judgement(State.BLOCKED, Cause.QUARANTINE)
        if file.advisories:
            return Judgement(State.BLOCKED, Cause.ADVISORY)
    if file.released_by is None:
        if file.replaced:
            return Judgement(State.HELD, Cause.REPLACED)
        if file.stranger:
            return Judgement(State.HELD, Cause.STRANGER)
        if file.newcomer_in is not None and (held := _judge_newcomer(file, project, rules=rules, now=now)) is not None:
            return held
    if file.is_gone:
        return _judge_gone(file, project, rules=rules, now=now, around=around)
    return _judge_listed(file, project, rules=rules, now=now)


def judged(memory: Memory, *, rules: Rules, now: datetime, around: Circumstances = Circumstances()) -> Memory:
    """The memory with every file's state as it is at this time."""
    return replace(memory, files=tuple(_with_state(file, memory.project, rules, now, around) for file in memory.files))


def waits_for_operator(life: Life, reregistered: Reregistered) -> bool:
    """Whether the newcomers of that life stay held however long it lasts."""
    if reregistered is Reregistered.OWNER:
        # This mirror gave out what the name was before, and nobody who had it then is known to have it now.
        return life.earlier_known and life.same_owner_at is None
    return reregistered is Reregistered.HOLD


def earliest_end(files: Iterable[FileFacts]) -> datetime | None:
    """When the clock alone will change the first of these states."""
    return min((file.state_until for file in files if file.state_until is not None), default=None)


def _with_state(
    file: FileFacts, project: ProjectFacts, rules: Rules, now: datetime, around: Circumstances
) -> FileFacts:
    found = judge(file, project, rules=rules, now=now, around=around)
    if (found.state, found.cause, found.until) == (file.state, file.cause, file.state_until):
        return file
    return replace(file, state=found.state, cause=found.cause, state_until=found.until)


def _judge_newcomer(file: FileFacts, project: ProjectFacts, *, rules: Rules, now: datetime) -> Judgement | None:
    """How a newcomer is held; None where it is as good as a file of the name's first life."""
    if rules.reregistered is Reregistered.SERVE:
        return None
    life = project.life(file.newcomer_in) if file.newcomer_in is not None else None
    if life is None or life.files_since is None or waits_for_operator(life, rules.reregistered):
        return Judgement(State.HELD, Cause.STRANGER)
    since = life.files_since
    if rules.reregistered is Reregistered.OWNER and life.earlier_known and life.same_owner_at is not None:
        # What others put up before a former owner is back gives that one time to see it.
        since = max(since, life.same_owner_at)
    until = since + rules.cooldown
    if (gone_at := _gone_at(file)) is not None:
        # What did not last out its cooldown was never trusted, and does not become so by being gone.
        return Judgement(State.HELD, Cause.STRANGER) if gone_at < until else None
    return Judgement(State.HELD, Cause.STRANGER, until) if now < until else None


def _judge_listed(file: FileFacts, project: ProjectFacts, *, rules: Rules, now: datetime) -> Judgement:
    # A time from the future, by somebody's wrong clock, must not withhold a file for longer than the delay.
    until = min(_born(file), file.first_seen_at) + _delay(project, rules)
    if now < until and file.released_by is None:
        return Judgement(State.HELD, Cause.YOUNG, until)
    return Judgement(State.YANKED if file.listed_file.yanked is not None else State.LIVE)


def _judge_gone(
    file: FileFacts, project: ProjectFacts, *, rules: Rules, now: datetime, around: Circumstances
) -> Judgement:
    until = None
    if file.released_by is None:
        held = _judge_past(file, project, rules=rules, now=now) or _judge_settling(
            file, rules=rules, now=now, around=around
        )
        if held is not None:
            return held
        if file.departed is None:
            doubt = _judge_unexplained(file, rules=rules, now=now, around=around)
            if doubt.state is State.HELD:
                return doubt
            until = doubt.until
    if not rules.serves_departed and not file.as_was:
        return Judgement(State.HELD, Cause.SETTING)
    if file.stored_at is not None:
        return Judgement(State.KEPT, until=until)
    if file.lost_at is not None:
        return Judgement(State.LOST, until=until)
    return Judgement(State.HELD, Cause.RESCUE, until)


def _judge_past(file: FileFacts, project: ProjectFacts, *, rules: Rules, now: datetime) -> Judgement | None:
    """Whether what went before speaks against a file that is gone: a quarantine, or that it was young."""
    if file.quarantined_at is not None and not _was_missing_before(file, file.quarantined_at):
        until = file.quarantined_at + rules.quarantine_memory if rules.quarantine_memory is not None else None
        if until is None or now < until:
            return Judgement(State.HELD, Cause.QUARANTINE, until)
    gone_at = _gone_at(file)
    if gone_at is None:
        raise ValueError("only a file that is gone is judged here")
    # What was not served yet while it was there is not served because it is gone.
    if max(gone_at - _born(file), timedelta(0)) < max(rules.min_age, _delay(project, rules)):
        return Judgement(State.HELD, Cause.YOUNG)
    return None


def _was_missing_before(file: FileFacts, at: datetime) -> bool:
    """Whether the file had disappeared by then, as far as is known: no row says yet that it was still there."""
    return file.departed is None and file.disappeared_at is not None and file.disappeared_at < at


def _judge_settling(file: FileFacts, *, rules: Rules, now: datetime, around: Circumstances) -> Judgement | None:
    """Whether the file went with a project so young that it may have been malware, and nobody could say yet."""
    gone = file.departed
    if gone is None or gone.project_gone_at is None:
        return None
    since = gone.project_since or _born(file)
    if max(gone.project_gone_at - since, timedelta(0)) >= rules.min_project_age:
        return None
    until = gone.project_gone_at + rules.settle
    if now < until:
        return Judgement(State.HELD, Cause.SETTLING, until)
    if rules.reads_advisories and (around.advisories_at is None or around.advisories_at < until - ADVISORIES_FRESH):
        return Judgement(State.HELD, Cause.SETTLING, now + _LOOK_AGAIN)
    return None


def _judge_unexplained(file: FileFacts, *, rules: Rules, now: datetime, around: Circumstances) -> Judgement:
    """What is thought of a file that is gone without a row: held, or kept for now."""
    if rules.unexplained is Unexplained.KEEP:
        return Judgement(State.KEPT)
    if rules.unexplained is Unexplained.HOLD:
        return Judgement(State.HELD, Cause.UNEXPLAINED)
    if not _is_covered(file, around):
        return Judgement(State.KEPT)  # it can have gone before anybody watched
    until = (_gone_at(file) or now) + JOURNAL_WAITS
    if around.journal_at is not None and around.journal_at >= until:
        return Judgement(State.HELD, Cause.UNEXPLAINED)
    return Judgement(State.KEPT, until=until if now < until else now + _LOOK_AGAIN)


def _delay(project: ProjectFacts, rules: Rules) -> timedelta:
    """For how long the project's new files are not served."""
    is_exempt = any(fnmatchcase(project.name, pattern) for pattern in rules.undelayed)
    return timedelta(0) if is_exempt else rules.new_release_delay


def _is_covered(file: FileFacts, around: Circumstances) -> bool:
    """Whether the file was surely still listed when the journal began to be read.

    The serial of a page is that of its project's last row, which for most projects was written long before.
    """
    since, begun_at = around.journal_since, around.journal_begun_at
    if since is not None and file.listed_until is not None and file.listed_until >= since:
        return True
    return begun_at is not None and file.listed_at is not None and file.listed_at >= begun_at


def _gone_at(file: FileFacts) -> datetime | None:
    """When the file left upstream; without a row, since when it is missing."""
    if file.departed is not None:
        return file.departed.at
    return None if file.disappeared_at is None else file.missing_since or file.disappeared_at


def _born(file: FileFacts) -> datetime:
    return file.listed_file.upload_time or file.first_seen_at
