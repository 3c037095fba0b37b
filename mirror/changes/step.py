"""The result of applying something to a memory: the new memory, and what is to be told of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from mirror.changes.shelf import FileKey as FileKey
from mirror.changes.shelf import key_of as key_of
from mirror.changes.shelf import shelved
from mirror.event_kinds import EventKind
from mirror.events import Act, Evidence
from mirror.journal_rows import JournalRow
from mirror.model import FileFacts, Memory
from mirror.names import Serial, same_version_key
from mirror.policy import Deletion


@dataclass(frozen=True, slots=True)
class Telling:
    """An event in the making: the act and its files, whose states are known only after judging.

    `incarnation` is set where it is not the one that the memory is in after the step; `deletion` where the act is one;
    `advisories` where the event is about an advisory itself.
    """

    kind: EventKind
    evidence: Evidence | None
    files: tuple[FileKey, ...] = ()
    version: str | None = None
    serial: Serial | None = None
    upstream_time: datetime | None = None
    filename: str | None = None
    status: str | None = None
    was_yanked: bool | None = None
    yanked_reason: str | None = None
    remaining_releases: int | None = None
    latest_remaining: str | None = None
    was_latest: bool | None = None
    incarnation: int | None = None
    deletion: Deletion | None = None
    supersedes: str | None = None
    advisories: tuple[str, ...] = ()
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The memory after, what is to be told in this order, and whether a page was refused for being older."""

    memory: Memory
    tellings: tuple[Telling, ...] = ()
    stale: bool = False

    def then(self, other: "Step") -> "Step":
        """This step followed by another that started from this one's memory."""
        return Step(other.memory, self.tellings + other.tellings, self.stale or other.stale)


def keys_of(files: Iterable[FileFacts]) -> tuple[FileKey, ...]:
    """What identifies each of the files."""
    return tuple(key_of(file) for file in files)


def is_version(file: FileFacts, version: str) -> bool:
    """Whether the file belongs to that version, as PEP 440 compares."""
    return file.version is not None and same_version_key(file.version) == same_version_key(version)


def current(memory: Memory) -> tuple[FileFacts, ...]:
    """The files of the present incarnation, departed ones included."""
    return tuple(file for file in memory.files if file.incarnation == memory.project.incarnation)


def of_version(memory: Memory, version: str) -> tuple[FileFacts, ...]:
    """The files of that version, as PEP 440 compares, in the present incarnation, departed ones included."""
    found = shelved(memory.files).of_version(version)
    return tuple(file for file in found if file.incarnation == memory.project.incarnation)


def releases_listed(memory: Memory) -> int:
    """How many releases upstream lists now."""
    return shelved(memory.files).releases(memory.project.incarnation)


def latest_version(memory: Memory) -> str | None:
    """The version an installer without a pin would choose of what upstream lists: final, not yanked, highest."""
    return shelved(memory.files).latest(memory.project.incarnation)


def with_what_is_left(telling: Telling, before: Memory, after: Memory, gone: Iterable[FileFacts]) -> Telling:
    """The telling of files that are gone, with what they were before and what upstream lists after it."""
    reasons = [file.listed_file.yanked for file in gone if file.listed_file.yanked is not None]
    latest_before, latest_after = latest_version(before), latest_version(after)
    return replace(
        telling,
        was_yanked=bool(reasons),
        yanked_reason=next(filter(None, reasons), None),
        remaining_releases=releases_listed(after),
        latest_remaining=latest_after,
        was_latest=latest_before is not None and latest_before != latest_after,
        incarnation=before.project.incarnation,
    )


def with_files(memory: Memory, changed: dict[FileKey, FileFacts]) -> Memory:
    """The memory with those files in place of the ones they are keyed by."""
    if not changed:
        return memory
    return replace(memory, files=shelved(memory.files).replaced(changed))


def outlived(memory: Memory, file: FileFacts, row: JournalRow) -> bool:
    """Whether a page as new as the row, or newer, lists the file: then the row is older news than the file."""
    if not file.listed and file.disappeared_at is None:
        return False
    # However it is missing now, it was there when a page last listed it.
    last = memory.project.page_serial if file.missing_seen is None else file.listed_until
    return max(last or 0, file.first_seen_serial or 0) >= row.serial


def without_release(file: FileFacts) -> FileFacts:
    """The file after something happened that an operator who released it could not know of.

    Only where exactly these bytes were vouched for the release goes on: they stay what they are.
    """
    if file.vouched_by is not None or (file.released_by is None and not file.as_was):
        return file
    return replace(file, released_by=None, as_was=False)


def departing(file: FileFacts) -> FileFacts:
    """The file as it leaves: that is judged anew, but a stranger that an operator released is none any more."""
    return without_release(replace(file, stranger=False) if file.released_by is not None else file)


def ever_blocked(file: FileFacts) -> bool:
    """Whether the file was ever blocked, by an operator or by a quarantine that may long be over, or is by advisories.

    An advisory that was withdrawn counts no more: it was an error.
    """
    marks = (file.blocked_by, file.purged_at, file.quarantined_by, file.quarantined_at)
    return bool(file.advisories) or any(mark is not None for mark in marks)
