"""Files that operators vouch for though upstream was never seen to list them. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.orders import Obeyed
from mirror.changes.step import key_of
from mirror.model import FileFacts, HashSource, ListedFile, Memory


def adopted(memory: Memory, listed: Iterable[ListedFile], act: int, now: datetime) -> Obeyed:
    """The memory with these files as if they had left upstream just now, released by the act.

    One whose name another file has, or had, is left out: an exact pin never turns into other bytes. Quarantines and
    advisories stay in force; nobody vouched against those.
    """
    taken = {file.filename for file in memory.files}
    new = tuple(
        FileFacts(
            id=None,
            incarnation=memory.project.incarnation,
            listed_file=file,
            first_seen_at=now,
            first_seen_serial=None,
            listed=False,
            missing_since=now,
            missing_seen=now,
            disappeared_at=now,
            released_by=act,
            stored_at=now,
            hash_source=HashSource.SELF,
        )
        for file in listed
        if file.filename not in taken
    )
    return Obeyed(replace(memory, files=(*memory.files, *new)), tuple(map(key_of, new)))
