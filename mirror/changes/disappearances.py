"""What is gone from the index though no row says why: believed after a while, and explained or taken back later.

A page that lacks a file proves little: pages are cached, cut off and served broken. An absence counts when the index
showed it twice with some time between. What is believed then is no more than that the file is not there; a row that
comes late says why, a quarantine can have hidden it, and a page that lists it again takes it back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mirror.changes.step import (
    Step,
    Telling,
    current,
    departing,
    key_of,
    keys_of,
    with_files,
    with_what_is_left,
)
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, Evidence
from mirror.model import FileFacts, Memory
from mirror.names import same_version_key

_STATUS_EXPLAINS = timedelta(hours=24)
"""A page that says that the project is quarantined explains what went so long before."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is asked of an absence before it is believed: seen again after `interval`, and begun no later than that."""

    interval: timedelta
    begun_by: datetime

    def is_settled(self, file: FileFacts) -> bool:
        """Whether the absence of the file can be believed."""
        since, seen = file.missing_since, file.missing_seen
        if file.is_gone or since is None or seen is None:
            return False
        return since <= self.begun_by and seen - since >= self.interval


def disappear(memory: Memory, doubt: Doubt, now: datetime) -> Step:
    """Believes what can be believed: one act for the project where nothing of it is left, else one for each version."""
    gone = tuple(file for file in current(memory) if doubt.is_settled(file))
    if not gone:
        return Step(memory)
    names = {key_of(file) for file in gone}
    rest = [file for file in current(memory) if file.listed and key_of(file) not in names]
    parts = _by_version(gone) if rest else [gone]
    step = Step(memory)
    for part in parts:
        step = step.then(_disappear(step.memory, part, version=part[0].version if rest else None, now=now))
    if not rest and memory.project.absent_since is not None:
        return replace(step, memory=replace(step.memory, project=replace(step.memory.project, versions=())))
    return step


def _by_version(files: Iterable[FileFacts]) -> list[tuple[FileFacts, ...]]:
    """The files of each version together; those whose version nobody could read, each for itself."""
    parts: dict[str, list[FileFacts]] = {}
    for file in files:
        part = f"v{same_version_key(file.version)}" if file.version is not None else f"f{file.filename}/{file.sha256}"
        parts.setdefault(part, []).append(file)
    return [tuple(part) for part in parts.values()]


def _disappear(before: Memory, gone: Sequence[FileFacts], *, version: str | None, now: datetime) -> Step:
    filename = gone[0].filename if gone[0].version is None and len(gone) == 1 else None
    # The same id that the event will have: whatever explains the absence later can name it.
    event = EventDraft(
        EventKind.DISAPPEARED,
        before.project.name,
        version,
        serial=None,
        upstream_time=None,
        observed_at=now,
        evidence=Evidence.INDEX,
        filename=filename,
        incarnation=before.project.incarnation,
    )
    changed = (replace(departing(f), listed=False, disappeared_at=now, disappeared_in=event.id) for f in gone)
    after = with_files(before, {key_of(file): file for file in changed})
    telling = Telling(EventKind.DISAPPEARED, Evidence.INDEX, keys_of(gone), version=version, filename=filename)
    return Step(after, (with_what_is_left(telling, before, after, gone),))


def as_listed(memory: Memory, files: Iterable[FileFacts]) -> Memory:
    """The memory as if these files had never disappeared."""
    return with_files(memory, {key_of(file): replace(file, listed=True) for file in files if file.disappeared_at})


def explained(file: FileFacts) -> FileFacts:
    """The file, of which it is now known why the page lacks it: it is not missing, but hidden."""
    if file.departed is not None:
        return file
    return replace(file, listed=True, missing_since=None, disappeared_at=None, disappeared_in=None)


def may_be_hidden(file: FileFacts, now: datetime) -> bool:
    """Whether a page that says that the project is quarantined explains why the file disappeared."""
    if file.disappeared_at is None or file.missing_since is None:
        return file.disappeared_at is None
    return now - file.missing_since <= _STATUS_EXPLAINS


def superseded(files: Iterable[FileFacts]) -> str | None:
    """The event that told of the disappearance of these files, the newest where there were several."""
    told = [(file.disappeared_at, file.disappeared_in) for file in files if file.disappeared_at and file.disappeared_in]
    return max(told)[1] if told else None


def reappeared(before: Iterable[FileFacts]) -> tuple[Telling, ...]:
    """The telling of files that had disappeared, as they were then, and that a page lists again: one for each act."""
    acts: dict[str | None, list[FileFacts]] = {}
    for file in before:
        acts.setdefault(file.disappeared_in, []).append(file)
    merged: dict[str | None, list[FileFacts]] = {}
    for files in acts.values():
        versions = {None if file.version is None else same_version_key(file.version) for file in files}
        # Two acts about the same version, or about all of the project, that end with the same page have ended as one.
        merged.setdefault(versions.pop() if len(versions) == 1 else None, []).extend(files)
    return tuple(
        Telling(
            EventKind.RESTORED,
            Evidence.INDEX,
            keys_of(files),
            version=files[0].version if version is not None else None,
            filename=files[0].filename if len(files) == 1 else None,
            supersedes=superseded(files),
        )
        for version, files in merged.items()
    )
