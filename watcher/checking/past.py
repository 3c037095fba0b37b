"""What the rows of the journal say of what was pinned and is not there: removed, or in quarantine. Pure."""

from collections.abc import Iterable

from mirror.journal_rows import (
    FileRemoved,
    JournalRow,
    ProjectCreated,
    ProjectQuarantineCleared,
    ProjectQuarantined,
    ProjectRemoved,
    ReleaseCreated,
    ReleaseQuarantineCleared,
    ReleaseQuarantined,
    ReleaseRemoved,
)
from mirror.names import same_version_key
from watcher.locks import Pin

_WHOLE_PROJECT = None


class Past:
    """One project's rows, read once however many pins are asked about. Later rows undo earlier ones."""

    def __init__(self, rows: Iterable[JournalRow]) -> None:
        self._removed: dict[str | None, JournalRow] = {}
        self._removed_files: dict[str, JournalRow] = {}
        self._quarantined: dict[str | None, JournalRow] = {}
        for row in rows:
            self._read(row)

    def removal_of(self, pin: Pin) -> JournalRow | None:
        """The row that took away what is pinned, unless it came back."""
        of_file = self._removed_files.get(pin.filename) if pin.filename is not None else None
        return of_file or self._removed.get(_key(pin.version)) or self._removed.get(_WHOLE_PROJECT)

    def quarantine_of(self, pin: Pin) -> JournalRow | None:
        """The row that put what is pinned in quarantine, unless that was cleared."""
        return self._quarantined.get(_WHOLE_PROJECT) or self._quarantined.get(_key(pin.version))

    def _read(self, row: JournalRow) -> None:
        key = _key(row.version)
        match row.action:
            case ProjectCreated():
                self._removed.clear()
                self._removed_files.clear()
                self._quarantined.clear()
            case ReleaseCreated():
                self._removed.pop(key, None)
            case FileRemoved(filename):
                self._removed_files[filename] = row
            case ReleaseRemoved() | ProjectRemoved():
                self._removed[key] = row
            case ReleaseQuarantined() | ProjectQuarantined():
                self._quarantined[key] = row
            case ReleaseQuarantineCleared() | ProjectQuarantineCleared():
                self._quarantined.pop(key, None)
            case _:
                pass


def _key(version: str | None) -> str | None:
    return None if version is None else same_version_key(version)
