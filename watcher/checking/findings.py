"""What is found of a pin. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from watcher.locks import Pin


class PinState(StrEnum):
    """How what a lock file demands stands with this mirror: the states of files, and what no file can be.

    `replaced`: the version is there, the pinned bytes are not. `unknown`: nothing that was pinned was ever seen here.
    """

    LIVE = "live"
    YANKED = "yanked"
    KEPT = "kept"
    HELD = "held"
    BLOCKED = "blocked"
    PURGED = "purged"
    LOST = "lost"
    REPLACED = "replaced"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one pin stands, why, and what to do about it; `advice` is empty where there is nothing to do.

    `filename` is the file that was judged, where the pin names none but means one.
    """

    pin: Pin
    state: PinState
    reason: str
    advice: str
    filename: str | None = None


def is_finding(state: PinState, *, strict: bool = False) -> bool:
    """Whether the state is one to fail for; a yanked file is only where it is looked at strictly."""
    return state is not PinState.LIVE and (strict or state is not PinState.YANKED)


def summary(states: Iterable[PinState]) -> dict[PinState, int]:
    """How many there are of each state, of those states that there are."""
    counts = dict.fromkeys(PinState, 0)
    for state in states:
        counts[state] += 1
    return {state: count for state, count in counts.items() if count}
