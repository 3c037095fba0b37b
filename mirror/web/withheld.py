"""Refusals of files by their state, in words that fit a status line: installers show nothing else."""

from mirror.model import Cause, FileFacts, State
from mirror.web.problems import Problem

SERVED = frozenset({State.LIVE, State.YANKED, State.KEPT})
"""The states in which bytes are given out."""
_LONGEST_NAME_TOLD = 80
"""Status lines are cut off at some length, and what is the matter must not be what is lost of them."""

WHY = {
    Cause.YOUNG: "it was deleted upstream soon after its upload",
    Cause.STRANGER: "it appeared after its version had been deleted upstream",
    Cause.REPLACED: "another file had this name before",
    Cause.QUARANTINE: "it is or was quarantined upstream",
    Cause.OPERATOR: "the operator of this mirror blocked it",
    Cause.UNEXPLAINED: "it is gone upstream, and nothing says why",
    Cause.SETTLING: "its project was young when it was deleted upstream; this passes by itself",
    Cause.ADVISORY: "an advisory calls it malware",
    Cause.SETTING: "this mirror serves nothing that was deleted upstream",
    Cause.RESCUE: "its bytes are not here yet",
}


def refuse_withheld(facts: FileFacts) -> None:
    """Raises the Problem that a client is told where the file may not be served; one to be rescued may be."""
    state, cause = facts.state, facts.cause
    if state in SERVED or cause is Cause.RESCUE:
        return
    name = facts.filename if len(facts.filename) <= _LONGEST_NAME_TOLD else f"{facts.filename[:_LONGEST_NAME_TOLD]}..."
    when = _when(facts)
    if state is State.PURGED:
        raise Problem(410, f"{name} was purged by the operator of this mirror", state=state)
    if state is State.LOST:
        raise Problem(404, f"{name} is lost", f"its bytes could not be had any more{when}", state=state)
    why = WHY[cause] if cause is not None else "it may not be served"
    if cause is Cause.STRANGER and facts.newcomer_in is not None and not facts.stranger:
        why = "its project was registered again after its deletion"
    if cause is Cause.YOUNG and not facts.is_gone:
        why = "it is new, and this mirror waits a while before it serves new files"
    title = f"{name} is {state} by this mirror: {why}"
    raise Problem(403, title, f"{why}{when}", state=f"{state}; cause={cause}")


def _when(facts: FileFacts) -> str:
    if facts.departed is not None:
        return f"; it was deleted upstream on {facts.departed.at:%Y-%m-%d} (serial {facts.departed.serial})"
    if facts.disappeared_at is not None and facts.missing_since is not None:
        return f"; it is missing upstream since {facts.missing_since:%Y-%m-%d}, unexplained"
    return ""
