"""What only the time decides: yanks that have waited long enough to be told."""

from dataclasses import replace
from datetime import datetime, timedelta

from mirror.changes.seen_yanks import tell_seen
from mirror.changes.step import Step, Telling, keys_of, of_version
from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.model import FileFacts, Memory, PendingYank, YankChange

YANK_WAITS = timedelta(seconds=60)
"""How long a yank waits for the page, which alone knows the reason."""
UNYANK_WAITS = timedelta(seconds=120)
"""How long an unyank waits for a removal: PyPI's pages make owners unyank what they are about to delete."""


def by_clock(memory: Memory, now: datetime) -> Step:
    """Tells the yanks that are due, in the order of their rows, and then those that only pages showed."""
    due = [pending for pending in memory.pending if pending.due_at is not None and pending.due_at <= now]
    rows = [pending for pending in due if pending.serial is not None]
    over = [pending for pending in rows if _is_yanked_again(memory, pending)]
    rest = replace(memory, pending=tuple(pending for pending in memory.pending if pending not in over))
    step = tell_yanks(rest, [pending for pending in rows if pending not in over])
    seen = [pending for pending in due if pending.serial is None]
    return step.then(tell_seen(step.memory, seen, now)) if seen else step


def tell_yanks(memory: Memory, due: list[PendingYank]) -> Step:
    """Tells these yanks, which rows said, with the reason known at this moment, and forgets them."""
    rest = tuple(pending for pending in memory.pending if pending not in due)
    tellings = tuple(telling for pending in due if (telling := _telling(memory, pending)) is not None)
    return Step(replace(memory, pending=rest), tellings)


def _is_yanked_again(memory: Memory, pending: PendingYank) -> bool:
    """Whether it is an unyank, and a page newer than it shows the release yanked: nobody is to take that for safe."""
    if pending.change is not YankChange.UNYANKED:
        return False
    files = _files(memory, pending)
    return bool(files) and all(file.listed_file.yanked is not None for file in files)


def _files(memory: Memory, pending: PendingYank) -> tuple[FileFacts, ...]:
    if pending.version is None:
        raise ValueError("a row about a yank names its release")
    return tuple(file for file in of_version(memory, pending.version) if file.listed)


def _telling(memory: Memory, pending: PendingYank) -> Telling | None:
    files = _files(memory, pending)
    reason = next((file.listed_file.yanked for file in files if file.listed_file.yanked), None)
    if (
        pending.change is YankChange.YANKED
        and pending.told_before is not None
        and pending.told_before == (reason or "")
    ):
        return None  # the same yank, written to the journal twice
    unyanked = pending.change is YankChange.UNYANKED
    return Telling(
        EventKind.RELEASE_UNYANKED if unyanked else EventKind.RELEASE_YANKED,
        Evidence.BOTH if reason else Evidence.JOURNAL,
        keys_of(files),
        version=pending.version,
        serial=pending.serial,
        upstream_time=pending.upstream_time,
        was_yanked=unyanked or pending.told_before is not None,
        yanked_reason=None if unyanked else reason,
    )
