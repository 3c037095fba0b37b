"""Refusals of files by their state, in words that fit a status line: installers show nothing else."""

from mirror.index.reasons import when_gone, why_withheld
from mirror.model import Cause, FileFacts, State
from mirror.web.problems import Problem

SERVED = frozenset({State.LIVE, State.YANKED, State.KEPT})
"""The states in which bytes are given out."""
_LONGEST_NAME_TOLD = 80
"""Status lines are cut off at some length, and what is the matter must not be what is lost of them."""


def refuse_withheld(facts: FileFacts) -> None:
    """Raises the Problem that a client is told where the file may not be served; one to be rescued may be."""
    state, cause = facts.state, facts.cause
    if state in SERVED or cause is Cause.RESCUE:
        return
    name = facts.filename if len(facts.filename) <= _LONGEST_NAME_TOLD else f"{facts.filename[:_LONGEST_NAME_TOLD]}..."
    when = when_gone(facts)
    if state is State.PURGED:
        raise Problem(410, f"{name} was purged by the operator of this mirror", state=state)
    if state is State.LOST:
        raise Problem(404, f"{name} is lost", f"its bytes could not be had any more{when}", state=state)
    why = why_withheld(facts)
    title = f"{name} is {state} by this mirror: {why}"
    raise Problem(403, title, f"{why}{when}", state=f"{state}; cause={cause}")
