"""What operators order, applied to what is remembered of one project. Pure.

Blocks and tombstones stand: they also cover what is first seen later (`under_orders`). A release is given once, for the
files that are there: it ends with the next departure of a file, unless an operator vouched for exactly its bytes
(`mirror.changes.removals`); and who vouched knew of the quarantines and advisories of that moment, not of later ones.
A block wins over any release and takes nothing of it away.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from mirror.changes.step import FileKey, key_of
from mirror.model import Cause, FileFacts, Memory, State
from mirror.names import ProjectName, Sha256
from mirror.targets import BytesTarget, FilesTarget, covers

_WAITS_FOR_NO_OPERATOR = frozenset({Cause.RESCUE, Cause.SETTING})


@dataclass(frozen=True, slots=True)
class Block:
    """A block that stands, and the act that ordered it."""

    act: int
    target: FilesTarget


@dataclass(frozen=True, slots=True)
class Standing:
    """The orders that stand for a project's files."""

    blocks: tuple[Block, ...] = ()
    tombstones: frozenset[Sha256] = frozenset()


@dataclass(frozen=True, slots=True)
class Obeyed:
    """The memory after an order, and the files that the act is about."""

    memory: Memory
    files: tuple[FileKey, ...]


def under_orders(memory: Memory, standing: Standing, now: datetime) -> Memory:
    """The memory with every file that an order stands for blocked or purged."""
    if not standing.blocks and not standing.tombstones:
        return memory
    return _with(memory, lambda file: file_under_orders(file, memory.project.name, standing, now))


def set_right(memory: Memory, standing: Standing, now: datetime) -> Memory:
    """The memory under exactly the orders that stand for all its files: also without the blocks that ended."""
    return under_orders(_with(memory, lambda file: replace(file, blocked_by=None)), standing, now)


def file_under_orders(file: FileFacts, project: ProjectName, standing: Standing, now: datetime) -> FileFacts:
    """The file of that project, blocked or purged where an order stands for it."""
    file = _blocked(file, project, standing)
    return _destroyed(file, now) if file.sha256 in standing.tombstones else file


def blocked_anew(memory: Memory, target: FilesTarget, standing: Standing) -> Obeyed:
    """After a block on the target was added or removed: each file is blocked by the first block that covers it."""
    name = memory.project.name
    after = _with(memory, lambda file: _blocked(replace(file, blocked_by=None), name, standing))
    return Obeyed(after, _covered(memory, target))


def released(
    memory: Memory, target: FilesTarget, act: int, *, as_was: bool, only: frozenset[Sha256] | None = None
) -> Obeyed:
    """Releases the files of the target that are held or left upstream.

    By its digest also what is quarantined, called malware or a replacement: then an operator vouches for these bytes,
    and a replacement takes the place of the other files of its name. `as_was` has what left listed as it was before.
    `only` names the bytes that were meant when the order was first given, where that was in another catalog. States
    must be those of now.
    """
    by_digest = isinstance(target, BytesTarget)
    name = memory.project.name
    chosen = {
        key_of(file): file
        for file in memory.files
        if covers(target, name, file)
        and (by_digest or _can_be_released(file))
        and (only is None or file.sha256 in only)
    }
    # One filename has one file: which of several that shall be, a name cannot say.
    taking_over = {file.filename for file in chosen.values() if file.replaced}

    def change(file: FileFacts) -> FileFacts:
        if key_of(file) in chosen:
            return _released(file, act, vouched=by_digest, as_was=as_was)
        if file.filename in taking_over:
            return replace(file, replaced=True, released_by=None, vouched_by=None, as_was=False)
        return file

    return Obeyed(_with(memory, change), tuple(chosen))


def purged(memory: Memory, target: FilesTarget, digests: frozenset[Sha256], now: datetime) -> Obeyed:
    """Purges the files with these digests, and those of the target whose digest nobody knows; what is purged, is."""
    name = memory.project.name
    chosen = {
        key_of(file)
        for file in memory.files
        if file.purged_at is None and (file.sha256 in digests or (file.sha256 is None and covers(target, name, file)))
    }
    after = _with(memory, lambda file: _destroyed(file, now) if key_of(file) in chosen else file)
    return Obeyed(after, tuple(key for key in map(key_of, memory.files) if key in chosen))


def unpurged(memory: Memory, target: FilesTarget, digests: frozenset[Sha256]) -> Obeyed:
    """Lets the files with these digests, and those of the target whose digest nobody knows, be fetched again."""
    name = memory.project.name
    chosen = {
        key_of(file)
        for file in memory.files
        if file.purged_at is not None
        and (file.sha256 in digests or (file.sha256 is None and covers(target, name, file)))
    }
    after = _with(memory, lambda file: replace(file, purged_at=None, lost_at=None) if key_of(file) in chosen else file)
    return Obeyed(after, tuple(key for key in map(key_of, memory.files) if key in chosen))


def _can_be_released(file: FileFacts) -> bool:
    if file.state in (State.BLOCKED, State.PURGED) or file.replaced:
        return False
    return file.is_gone or (file.state is State.HELD and file.cause not in _WAITS_FOR_NO_OPERATOR)


def _released(file: FileFacts, act: int, *, vouched: bool, as_was: bool) -> FileFacts:
    return replace(
        file,
        released_by=act,
        vouched_by=act if vouched else file.vouched_by,
        replaced=False,
        as_was=as_was and file.is_gone,
    )


def _blocked(file: FileFacts, project: ProjectName, standing: Standing) -> FileFacts:
    if file.blocked_by is not None:
        return file
    acts = [block.act for block in standing.blocks if covers(block.target, project, file)]
    return replace(file, blocked_by=min(acts)) if acts else file


def _destroyed(file: FileFacts, now: datetime) -> FileFacts:
    without = replace(file, stored_at=None, metadata_stored_at=None, provenance_sha256=None)
    return replace(without, purged_at=file.purged_at or now)


def _covered(memory: Memory, target: FilesTarget) -> tuple[FileKey, ...]:
    return tuple(key_of(file) for file in memory.files if covers(target, memory.project.name, file))


def _with(memory: Memory, change: Callable[[FileFacts], FileFacts]) -> Memory:
    files: Iterable[FileFacts] = (change(file) for file in memory.files)
    return replace(memory, files=tuple(files))
