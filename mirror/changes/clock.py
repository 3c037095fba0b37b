"""What only the time decides: yanks that have waited long enough to be told."""

from dataclasses import replace
from datetime import datetime, timedelta

from mirror.changes.step import Step, Telling, current, is_version, keys_of
from mirror.events import EventKind, Evidence
from mirror.model import Memory, PendingYank, YankChange

YANK_WAITS = timedelta(seconds=60)
"""How long a yank waits for the page, which alone knows the reason."""
UNYANK_WAITS = timedelta(seconds=120)
"""How long an unyank waits for a removal: PyPI's pages make owners unyank what they are about to delete."""


def by_clock(memory: Memory, now: datetime) -> Step:
    """Tells the yanks that are due, in the order of their rows."""
    return tell_yanks(memory, [pending for pending in memory.pending if pending.due_at <= now])


def tell_yanks(memory: Memory, due: list[PendingYank]) -> Step:
    """Tells these pending yanks now, each with the reason known at this moment, and forgets them."""
    rest = tuple(pending for pending in memory.pending if pending not in due)
    tellings = tuple(telling for pending in due if (telling := _telling(memory, pending)) is not None)
    return Step(replace(memory, pending=rest), tellings)


def _telling(memory: Memory, pending: PendingYank) -> Telling | None:
    files = tuple(file for file in current(memory) if file.listed and is_version(file, pending.version))
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
