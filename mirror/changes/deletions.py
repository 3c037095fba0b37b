"""What policies are asked about: a removal, and what we knew of the project before it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from mirror.changes.shelf import born, shelved
from mirror.changes.step import current, of_version
from mirror.journal_rows import JournalRow, ProjectCreated, ProjectRemoved
from mirror.model import DepartureCause, FileFacts, Memory
from mirror.names import same_version_key
from mirror.policy import Deletion, Removed


def deletion_of(
    kind: DepartureCause, before: Memory, gone: Sequence[FileFacts], row: JournalRow, remembered: Iterable[JournalRow]
) -> Deletion:
    """The deletion by that row, which takes the files that are gone; `remembered` are rows that tell of its creation.

    Files that nobody here saw may have gone with them, unless our last page of the project was surely the last.
    """
    created = created_at(row, remembered)
    oldest = shelved(before.files).oldest(before.project.incarnation)
    if created is not None and oldest is not None and oldest < created:
        created = None  # some other creation: there was a file before it
    return Deletion(
        kind,
        row.time,
        version=row.version,
        removed=_by_version(gone),
        complete=_is_all(kind, before, gone, row),
        former_versions=_former_versions(before) if kind is DepartureCause.PROJECT else (),
        created=created,
        created_by=created or oldest,
        fewest_owners=len(before.project.owners),
    )


def created_at(row: JournalRow, remembered: Iterable[JournalRow]) -> datetime | None:
    """When the project was registered that was there when the row came, if a row tells."""
    created = None
    for said in remembered:
        if said.serial < row.serial and isinstance(said.action, ProjectCreated | ProjectRemoved):
            created = said.time if isinstance(said.action, ProjectCreated) else None
    return created


def existed_since(files: Iterable[FileFacts], created: datetime | None) -> datetime | None:
    """Since when there was the project of these files, as far as known: no later than the oldest of them."""
    times = [born(file) for file in files]
    return min([*times, created] if created is not None else times, default=None)


def _by_version(gone: Iterable[FileFacts]) -> tuple[Removed, ...]:
    spelling: dict[str | None, str | None] = {}
    times: dict[str | None, list[datetime | None]] = {}
    for file in gone:
        key = None if file.version is None else same_version_key(file.version)
        spelling.setdefault(key, file.version)
        times.setdefault(key, []).append(file.listed_file.upload_time)
    return tuple(Removed.of(spelling[key], times[key]) for key in times)


def _is_all(kind: DepartureCause, before: Memory, gone: Sequence[FileFacts], row: JournalRow) -> bool:
    if kind is DepartureCause.FILE:
        return bool(gone)
    project = before.project
    if not before.known or project.closed_serial is not None:
        return False
    # Rows after our page may have added files; and a page as new as the removal lacks what was added right before it.
    if project.wanted_serial is not None or project.page_serial is None or project.page_serial >= row.serial:
        return False
    # Pages of what is quarantined do not list its files.
    hidden = project.quarantined_by is not None
    if kind is DepartureCause.PROJECT:
        return not hidden
    # Of a release that we never saw a file of, we do not know that it had none.
    return not hidden and bool(gone or of_version(before, row.version or ""))


def _former_versions(before: Memory) -> tuple[str, ...]:
    departed = {file.version: None for file in current(before) if file.departed is not None}
    return tuple(version for version in departed if version is not None)
