"""What the remembered rows say of the time before a page: which life of the name it shows, and what came before in it.

A file can be first seen long after the rows that matter for it: its version may have been removed, or quarantined, at a
time when nobody knew any file of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mirror.journal_rows import (
    JournalRow,
    ProjectCreated,
    ProjectQuarantineCleared,
    ProjectQuarantined,
    ProjectRemoved,
    ReleaseQuarantineCleared,
    ReleaseQuarantined,
    ReleaseRemoved,
)
from mirror.names import Serial, same_version_key


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The row that quarantined and was not cleared yet, and when there was a quarantine last, cleared or not."""

    by: Serial | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The rows that a page covers: those about the name's present life, in order, and what went before it came to be.

    `removed` are the keys of all versions that were removed, with or without the rest of their project.
    """

    of_this_life: tuple[JournalRow, ...]
    removed: frozenset[str]

    @property
    def opened_serial(self) -> Serial | None:
        """The row that began this life, where one did."""
        created = [row.serial for row in self.of_this_life if isinstance(row.action, ProjectCreated)]
        return created[-1] if created else None

    def version_was_removed(self, version: str | None) -> bool:
        """Whether that version was removed before: whatever is there under its name now came afterwards."""
        return version is not None and same_version_key(version) in self.removed

    def project_quarantine(self) -> Quarantine:
        """The quarantine of the whole project."""
        found = Quarantine()
        for row in self.of_this_life:
            match row.action:
                case ProjectQuarantined():
                    found = Quarantine(row.serial, row.time)
                case ProjectQuarantineCleared():
                    found = Quarantine(None, found.at)
                case _:
                    pass
        return found

    def release_quarantine(self, version: str | None) -> Quarantine:
        """The quarantine of that version; it ends with the release it lay on."""
        found = Quarantine()
        for row in self._about(version):
            match row.action:
                case ReleaseQuarantined():
                    found = Quarantine(row.serial, row.time)
                case ReleaseQuarantineCleared() | ReleaseRemoved():
                    found = Quarantine(None, found.at)
                case _:
                    pass
        return found

    def _about(self, version: str | None) -> Iterable[JournalRow]:
        if version is None:
            return ()
        key = same_version_key(version)
        return (row for row in self.of_this_life if row.version is not None and same_version_key(row.version) == key)


def past_of(covered: Iterable[JournalRow]) -> Past:
    """What these rows of one project, in order, say of the time before a page."""
    rows = tuple(covered)
    ends = [place for place, row in enumerate(rows) if isinstance(row.action, ProjectRemoved)]
    begin = ends[-1] + 1 if ends else 0
    removed = (
        same_version_key(row.version)
        for place, row in enumerate(rows)
        if row.version is not None and (place < begin or isinstance(row.action, ReleaseRemoved))
    )
    return Past(rows[begin:], frozenset(removed))
