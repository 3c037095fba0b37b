"""Rows that yank a release or take a yank back. They are told late: see `clock`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.clock import UNYANK_WAITS, YANK_WAITS, tell_yanks
from mirror.changes.step import Step, Telling, current, is_version, key_of, outlived, with_files
from mirror.journal_rows import JournalRow
from mirror.model import FileFacts, Memory, PendingYank, YankChange
from mirror.names import same_version_key


def release_yanked(memory: Memory, row: JournalRow, now: datetime) -> Step:
    version = row.version or ""
    files = [file for file in current(memory) if file.listed and is_version(file, version)]
    newer_page = bool(files) and all(outlived(memory, file, row) for file in files)
    told_before = None
    if not newer_page:
        told_before = next((f.listed_file.yanked for f in files if f.listed_file.yanked is not None), None)
        older = [file for file in files if not outlived(memory, file, row)]
        memory = _set_yanked(memory, older, "" if told_before is None else told_before)
    pending = PendingYank(
        row.serial,
        version,
        YankChange.YANKED,
        row.time,
        now,
        # Where the page is as new as the row its reason is known; of an unknown project no page will come.
        due_at=now if newer_page or not memory.known else now + YANK_WAITS,
        told_before=told_before,
    )
    return _with_pending(memory, pending, now)


def release_unyanked(memory: Memory, row: JournalRow, now: datetime) -> Step:
    version = row.version or ""
    files = [
        file
        for file in current(memory)
        if file.listed and is_version(file, version) and not outlived(memory, file, row)
    ]
    pending = PendingYank(row.serial, version, YankChange.UNYANKED, row.time, now, due_at=now + UNYANK_WAITS)
    return _with_pending(_set_yanked(memory, files, None), pending, now)


def _with_pending(memory: Memory, pending: PendingYank, now: datetime) -> Step:
    waiting = replace(memory, pending=(*memory.pending, pending))
    return tell_yanks(waiting, [pending]) if pending.due_at <= now else Step(waiting)


def _set_yanked(memory: Memory, files: Iterable[FileFacts], yanked: str | None) -> Memory:
    return with_files(
        memory,
        {key_of(file): replace(file, listed_file=replace(file.listed_file, yanked=yanked)) for file in files},
    )


def settle_yanks(memory: Memory, version: str | None) -> tuple[tuple[Telling, ...], Memory, bool]:
    """Before a removal: waiting yanks are told, waiting unyanks were only the way to the removal and are dropped.

    `version` None means all versions. The last of the three results says that an unyank was dropped.
    """
    concerned = [
        pending
        for pending in memory.pending
        if version is None or same_version_key(pending.version) == same_version_key(version)
    ]
    dropped = [pending for pending in concerned if pending.change is YankChange.UNYANKED]
    rest = replace(memory, pending=tuple(pending for pending in memory.pending if pending not in dropped))
    step = tell_yanks(rest, [pending for pending in concerned if pending.change is YankChange.YANKED])
    return step.tellings, step.memory, bool(dropped)
