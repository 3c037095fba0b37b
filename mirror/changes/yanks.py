"""Rows that yank a release or take a yank back. They are told late: see `clock`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.clock import UNYANK_WAITS, YANK_WAITS, tell_yanks
from mirror.changes.seen_yanks import end_is_told, is_of, is_told, over_again, overtaken_by_row
from mirror.changes.step import Step, Telling, key_of, of_version, outlived, with_files
from mirror.journal_rows import JournalRow
from mirror.model import FileFacts, Memory, PendingYank, YankChange


def release_yanked(memory: Memory, row: JournalRow, now: datetime) -> Step:
    """A release was yanked; its reason only a page tells."""
    version = row.version or ""
    files = [file for file in of_version(memory, version) if file.listed]
    newer_page = bool(files) and all(outlived(memory, file, row) for file in files)
    memory, seen, was_told = overtaken_by_row(memory, row, YankChange.YANKED)
    if was_told or (newer_page and end_is_told(memory, row)):
        # A file that other bytes took the place of is on no page: its yank is known from the row alone.
        unseen = [f for f in files if f.listed_file.yanked is None and not outlived(memory, f, row)]
        return Step(_set_yanked(memory, unseen, ""))
    # It is yanked again: no removal is to come that would explain why it was not for a while.
    again = tell_yanks(memory, [p for p in memory.pending if _is_row_of(p, version, YankChange.UNYANKED)])
    memory = again.memory
    told_before = next((one.told_before for one in seen if one.told_before is not None), None)
    if not newer_page:
        known = next((f.listed_file.yanked for f in files if f.listed_file.yanked is not None), None)
        told_before = told_before if seen else known
        older = [file for file in files if not outlived(memory, file, row)]
        memory = _set_yanked(memory, older, "" if known is None else known)
    due_at = _due(memory, now, newer_page=newer_page, told_before=told_before)
    pending = PendingYank(row.serial, version, YankChange.YANKED, row.time, now, due_at=due_at, told_before=told_before)
    step = again.then(_with_pending(memory, pending, now))
    return Step(over_again(step.memory, files, now), step.tellings) if newer_page else step


def _due(memory: Memory, now: datetime, *, newer_page: bool, told_before: str | None) -> datetime | None:
    if newer_page or not memory.known:
        return now  # where the page is as new as the row its reason is known; of an unknown project no page will come
    # Of what is yanked already there may be nothing to tell: that takes a page, however late it comes.
    return now + YANK_WAITS if told_before is None else None


def release_unyanked(memory: Memory, row: JournalRow, now: datetime) -> Step:
    """A release is yanked no longer, unless it is about to be removed."""
    version = row.version or ""
    files = [file for file in of_version(memory, version) if file.listed and not outlived(memory, file, row)]
    reasons = [file.listed_file.yanked for file in files if file.listed_file.yanked is not None]
    memory, seen, was_told = overtaken_by_row(memory, row, YankChange.UNYANKED)
    reasons += [one.told_before for one in seen if one.told_before is not None]
    reason = max(reasons, default=None)
    # Whether that yank had a new reason nobody will ever learn.
    rest = tuple(one for one in memory.pending if one.due_at is not None or not is_of(one, version))
    memory = _set_yanked(replace(memory, pending=rest), files, None)
    if was_told:
        return Step(memory)
    pending = PendingYank(
        row.serial, version, YankChange.UNYANKED, row.time, now, due_at=now + UNYANK_WAITS, told_before=reason
    )
    return _with_pending(memory, pending, now)


def _is_row_of(pending: PendingYank, version: str, change: YankChange) -> bool:
    return pending.serial is not None and pending.change is change and is_of(pending, version)


def _with_pending(memory: Memory, pending: PendingYank, now: datetime) -> Step:
    waiting = replace(memory, pending=(*memory.pending, pending))
    is_due = pending.due_at is not None and pending.due_at <= now
    return tell_yanks(waiting, [pending]) if is_due else Step(waiting)


def _set_yanked(memory: Memory, files: Iterable[FileFacts], yanked: str | None) -> Memory:
    return with_files(
        memory,
        {key_of(file): replace(file, listed_file=replace(file.listed_file, yanked=yanked)) for file in files},
    )


def settle_yanks(memory: Memory, version: str | None) -> tuple[tuple[Telling, ...], Memory, str | None]:
    """Before a removal: waiting yanks are told, waiting unyanks were only the way to the removal and are dropped.

    So is whatever only pages showed. `version` None means all versions. The last of the three results is the reason of
    the yank that a dropped unyank had taken back, empty where that is not known; None where none was dropped.
    """
    concerned = [pending for pending in memory.pending if version is None or is_of(pending, version)]
    told = [one for one in concerned if one.serial is not None and one.change is YankChange.YANKED]
    unyanked = [one for one in concerned if not is_told(one) and one.change is YankChange.UNYANKED]
    rest = tuple(one for one in memory.pending if one not in concerned or one in told)
    step = tell_yanks(replace(memory, pending=rest), told)
    reason = max((one.told_before or "" for one in unyanked), default=None)
    return step.tellings, step.memory, reason
