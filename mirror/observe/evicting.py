"""Files that make room for others: this mirror no longer holds them, and will fetch them when they are asked for."""

from collections.abc import Iterable
from datetime import datetime

from mirror.catalog import evictions, projects, room
from mirror.catalog.database import Connection
from mirror.catalog.evictions import Candidate


async def evicted(conn: Connection, candidates: Iterable[Candidate], *, now: datetime) -> int:
    """Notes that the store no longer has to hold these files, but for those that may no longer be taken away.

    Says how many bytes that frees once the objects are deleted. No state depends on it: upstream lists them all.
    """
    candidates = list(candidates)
    await projects.lock(conn, {candidate.project for candidate in candidates})
    freed = await evictions.take_away(conn, [candidate.id for candidate in candidates], now=now)
    if freed:
        await room.note_stored(conn, -freed)
    return freed
