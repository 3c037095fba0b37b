"""Findings as lines for people. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from watcher.checking.findings import Finding, PinState, summary
from watcher.checking.groups import WORST_FIRST, Group, grouped, shown
from watcher.locks import LeftOut

Paint = Callable[[PinState, str], str]
"""Gives a word the colour of its state."""

_WIDTH = max(len(state) for state in PinState)
_INDENT = " " * (_WIDTH + 2)


def lines_of(
    findings: Sequence[Finding], left_out: Sequence[LeftOut], *, paint: Paint, everything: bool = False
) -> Iterator[str]:
    """What is to be known, the worst first, and how many there are of each state at the end.

    What is live, and what was left out, is only counted, unless `everything` is to be shown.
    """
    for group in grouped(findings):
        if everything or group.state is not PinState.LIVE:
            yield from _lines_of_group(group, paint)
    if everything:
        for one in left_out:
            source, name, why = map(shown, (one.source, one.name, one.why))
            yield f"{'left out':<{_WIDTH}}  {name}  ({source})"
            yield f"{_INDENT}why: {why}"
    yield total_of(findings, left_out)


def total_of(findings: Sequence[Finding], left_out: Sequence[LeftOut]) -> str:
    """How much was checked, with which result."""
    counts = summary(finding.state for finding in findings)
    states = ", ".join(f"{counts[state]} {state}" for state in reversed(WORST_FIRST) if state in counts)
    noun = "pin" if len(findings) == 1 else "pins"
    rest = f"; {len(left_out)} left out" if left_out else ""
    return f"{len(findings)} {noun} checked{f': {states}' if states else ''}{rest}"


def _lines_of_group(group: Group, paint: Paint) -> Iterable[str]:
    # Each line begins with a word of ours: a runner that looks for commands in the output must not find one of others.
    yield f"{paint(group.state, f'{group.state:<{_WIDTH}}')}  {group.release}  ({group.source})"
    if group.state is PinState.LIVE:
        return
    yield f"{_INDENT}why: {group.reason}"
    if group.advice:
        yield f"{_INDENT}do: {group.advice}"
    if group.files:
        yield f"{_INDENT}{'file' if len(group.files) == 1 else 'files'}: {group.named_files}"
