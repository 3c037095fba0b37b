"""Files that operators vouch for though upstream was never seen to list them. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.orders import Obeyed, Standing, file_under_orders
from mirror.changes.step import key_of
from mirror.journal_rows import (
    JournalRow,
    ProjectQuarantineCleared,
    ProjectQuarantined,
    ReleaseQuarantineCleared,
    ReleaseQuarantined,
)
from mirror.model import FileFacts, HashSource, ListedFile, Memory
from mirror.names import ProjectName, same_version_key


def adopted(memory: Memory, listed: Iterable[ListedFile], act: int, now: datetime) -> Obeyed:
    """The memory with these files as if they had left upstream just now, released by the act.

    One whose name another file has, or had, is left out: an exact pin never turns into other bytes. Quarantines and
    advisories stay in force; nobody vouched against those.
    """
    taken = {file.filename for file in memory.files}
    new = tuple(
        replace(_departed(file, now), incarnation=memory.project.incarnation, released_by=act)
        for file in listed
        if file.filename not in taken
    )
    return Obeyed(replace(memory, files=(*memory.files, *new)), tuple(map(key_of, new)))


def is_blocked(listed: ListedFile, project: ProjectName, standing: Standing, now: datetime) -> bool:
    """Whether an order still stands that blocks such a file."""
    return file_under_orders(_departed(listed, now), project, standing, now).blocked_by is not None


def _departed(listed: ListedFile, now: datetime) -> FileFacts:
    return FileFacts(
        id=None,
        incarnation=0,
        listed_file=listed,
        first_seen_at=now,
        first_seen_serial=None,
        listed=False,
        missing_since=now,
        missing_seen=now,
        disappeared_at=now,
        stored_at=now,
        hash_source=HashSource.SELF,
    )


def is_quarantined(rows: Iterable[JournalRow], version: str) -> bool:
    """Whether that version was quarantined, alone or with its project, and this never taken back; rows in order.

    To be asked of a project of which nothing else is known: also what was removed under a quarantine stays in it.
    """
    project = release = False
    key = same_version_key(version)
    for row in rows:
        is_about = row.version is not None and same_version_key(row.version) == key
        match row.action:
            case ProjectQuarantined() | ProjectQuarantineCleared():
                project = isinstance(row.action, ProjectQuarantined)
            case ReleaseQuarantined() | ReleaseQuarantineCleared() if is_about:
                release = isinstance(row.action, ReleaseQuarantined)
            case _:
                pass
    return project or release
