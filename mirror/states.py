"""What may be done with a file, derived from facts alone. Pure: facts, rules and the time go in, a judgement comes out.

One state rules a file's bytes, its metadata and its entry on the page. The rules, in the order in which they bind:
what an operator destroyed or blocked; what is quarantined upstream now; what cannot be trusted to be what the name
promises (a stranger, a replacement, a newcomer of a name that others may have taken); then, for what left upstream,
whether the departure was clean and old enough and whether we have the bytes; and last what upstream itself says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mirror.model import Cause, FileFacts, Life, Memory, ProjectFacts, State
from mirror.setting_values import Reregistered


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that judgements depend on. `quarantine_memory` None means for ever."""

    min_age: timedelta
    quarantine_memory: timedelta | None
    reregistered: Reregistered
    cooldown: timedelta


@dataclass(frozen=True, slots=True)
class Judgement:
    """A state, why where that needs saying, and until when it holds where the clock alone will end it."""

    state: State
    cause: Cause | None = None
    until: datetime | None = None


def judge(file: FileFacts, project: ProjectFacts, *, rules: Rules, now: datetime) -> Judgement:
    """The state of one file of this project at this time."""
    if file.purged_at is not None:
        return Judgement(State.PURGED)
    if file.blocked_by is not None:
        return Judgement(State.BLOCKED, Cause.OPERATOR)
    # A quarantine of the name covers every copy ever kept under it, those of earlier incarnations too.
    if project.quarantined_by is not None or file.quarantined_by is not None:
        return Judgement(State.BLOCKED, Cause.QUARANTINE)
    if file.released_by is None:
        if file.replaced:
            return Judgement(State.HELD, Cause.REPLACED)
        if file.stranger:
            return Judgement(State.HELD, Cause.STRANGER)
        if file.newcomer_in is not None and (held := _judge_newcomer(file, project, rules=rules, now=now)) is not None:
            return held
    if file.departed is not None:
        return _judge_departed(file, rules=rules, now=now)
    return Judgement(State.YANKED if file.listed_file.yanked is not None else State.LIVE)


def judged(memory: Memory, *, rules: Rules, now: datetime) -> Memory:
    """The memory with every file's state as it is at this time."""
    return replace(memory, files=tuple(_with_state(file, memory.project, rules, now) for file in memory.files))


def waits_for_operator(life: Life, reregistered: Reregistered) -> bool:
    """Whether the newcomers of that life stay held however long it lasts."""
    if reregistered is Reregistered.OWNER:
        # This mirror gave out what the name was before, and nobody who had it then is known to have it now.
        return life.earlier_known and life.same_owner_at is None
    return reregistered is Reregistered.HOLD


def earliest_end(files: Iterable[FileFacts]) -> datetime | None:
    """When the clock alone will change the first of these states."""
    return min((file.state_until for file in files if file.state_until is not None), default=None)


def _with_state(file: FileFacts, project: ProjectFacts, rules: Rules, now: datetime) -> FileFacts:
    found = judge(file, project, rules=rules, now=now)
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
    if file.departed is not None:
        # What did not last out its cooldown was never trusted, and does not become so by being gone.
        return Judgement(State.HELD, Cause.STRANGER) if file.departed.at < until else None
    return Judgement(State.HELD, Cause.STRANGER, until) if now < until else None


def _judge_departed(file: FileFacts, *, rules: Rules, now: datetime) -> Judgement:
    if file.departed is None:
        raise ValueError("only a departed file is judged here")
    if file.released_by is None:
        if file.quarantined_at is not None:
            until = file.quarantined_at + rules.quarantine_memory if rules.quarantine_memory is not None else None
            if until is None or now < until:
                return Judgement(State.HELD, Cause.QUARANTINE, until)
        born = file.listed_file.upload_time or file.first_seen_at
        if max(file.departed.at - born, timedelta(0)) < rules.min_age:
            return Judgement(State.HELD, Cause.YOUNG)
    if file.stored_at is not None:
        return Judgement(State.KEPT)
    return Judgement(State.LOST) if file.lost_at is not None else Judgement(State.HELD, Cause.RESCUE)
