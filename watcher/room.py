"""Keeps the store within its quota: counts what it holds, takes away what can be fetched again, and pauses keeping.

Whoever leads does this. First a file is noted as no longer kept, a minute later its object is deleted, unless another
file needs it or somebody had it stored again meanwhile: a crash in between leaves nothing but an object to delete.
"""

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from mirror import metrics, observe
from mirror.catalog import absences, evictions, room, tombstones
from mirror.catalog.backlog import Priority
from mirror.catalog.database import Catalog
from mirror.catalog.evictions import Candidate
from mirror.catalog.room import Room
from mirror.catalog.watchlist import like_patterns
from mirror.errors import StoreError
from mirror.keep.threads import in_thread
from mirror.keeping import Keeping
from mirror.names import Sha256
from mirror.store.interface import Store
from mirror.store.keys import StoreKey
from watcher.quota import excess_of, first_of, kept_up_to, limit_of

log = structlog.get_logger()

TICK = timedelta(seconds=10)
COUNT_EVERY = timedelta(minutes=5)
GRACE = timedelta(minutes=1)
"""Until an object is deleted that no file needs. No transaction goes on for so long that could still need it."""

# All files are read for a count: it must not be what the database is busy with.
_REST_PER_COUNT = 20
_REMEMBERED = timedelta(days=1)
_SOUGHT = 5_000
_TAKEN_AT_ONCE = 200
_DELETED_AT_ONCE = 50


class RoomKeeper:
    """One look at the room with each tick. `directory` is that of a store on a disk, None for a bucket."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: Store,
        directory: Path | None,
        quota: float,
        keeping: Keeping,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._directory = directory
        self._quota = quota
        self._watched = like_patterns(keeping.patterns)
        self._now = now
        self._count_due_at: datetime | None = None

    async def tick(self) -> None:
        """Counts if it is time to, makes room where too much is used, and decides what is kept until the next one."""
        await self._count_if_due()
        limit = limit_of(self._quota, await in_thread(_disk_bytes, self._directory) if self._directory else None)
        if excess := excess_of((await self._read()).used, limit):
            await self._make_room(excess)
        await self._decide(limit)
        await self.delete_evicted()

    async def delete_evicted(self) -> int:
        """Deletes the objects that no file needs any more, and says how many."""
        deleted = 0
        while True:
            async with self._catalog.reading() as conn:
                waiting = await evictions.undeleted(conn, before=self._now() - GRACE, limit=_SOUGHT)
                needed = await tombstones.still_needed(conn, waiting)
            if not waiting:
                return deleted
            if needed:
                async with self._catalog.writing() as conn:
                    await evictions.reprieve(conn, needed)
            rest = [digest for digest in waiting if digest not in needed]
            for start in range(0, len(rest), _DELETED_AT_ONCE):
                deleted += await self._delete(rest[start : start + _DELETED_AT_ONCE])

    async def _count_if_due(self) -> None:
        now = self._now()
        if self._count_due_at is not None and now < self._count_due_at:
            async with self._catalog.writing() as conn:
                await room.add_up(conn)
            return
        begun = time.monotonic()
        async with self._catalog.reading() as conn:
            # A transaction of the leader's would hold up its successor for as long as this takes.
            await room.count(conn, now=now)
            await evictions.forget(conn, before=now - _REMEMBERED)
        took = timedelta(seconds=time.monotonic() - begun)
        self._count_due_at = now + max(COUNT_EVERY, took * _REST_PER_COUNT)

    async def _make_room(self, excess: int) -> None:
        """Takes files away until that is made good, or nothing more may be taken."""
        freed = files = 0
        async with self._catalog.reading() as conn:
            if await absences.engaged_at(conn) is not None:
                return  # nobody knows what upstream still has
        while freed < excess:
            async with self._catalog.reading() as conn:
                found = await evictions.candidates(conn, self._watched, limit=_SOUGHT)
            taken = first_of(found, excess - freed)
            freed_now = 0
            for start in range(0, len(taken), _TAKEN_AT_ONCE):
                freed_now += await self._take_away(taken[start : start + _TAKEN_AT_ONCE])
            if not freed_now:
                break
            freed, files = freed + freed_now, files + len(taken)
        if freed:
            metrics.evictions.inc(files)
            log.info("room.made", files=files, freed_bytes=freed)

    async def _take_away(self, candidates: Sequence[Candidate]) -> int:
        async with self._catalog.writing() as conn:
            return await observe.evicted(conn, candidates, now=self._now())

    async def _decide(self, limit: int | None) -> None:
        found = await self._read()
        wanted = kept_up_to(found.used, limit)
        async with self._catalog.writing() as conn:
            await room.decide(conn, limit=limit, kept_up_to=wanted)
        if wanted is Priority.RESCUE and found.kept_up_to > Priority.RESCUE:
            log.warning("room.quota_used_up", used_bytes=found.used, quota_bytes=limit, kept="only what departs")
        elif wanted > Priority.RESCUE and found.kept_up_to == Priority.RESCUE:
            log.info("room.quota_has_room", used_bytes=found.used, quota_bytes=limit)

    async def _read(self) -> Room:
        async with self._catalog.reading() as conn:
            return await room.read(conn)

    async def _delete(self, digests: Sequence[Sha256]) -> int:
        async with self._catalog.writing() as conn:
            held = await evictions.hold(conn, digests)
            for digest in held:
                await self._store.delete(StoreKey(digest))
            await evictions.note_deleted(conn, held, now=self._now())
        return len(held)


def _disk_bytes(directory: Path) -> int | None:
    """The size of the disk; None where the file system does not say."""
    try:
        found = os.statvfs(directory)
    except OSError as e:
        raise StoreError(f"the disk of {directory} cannot be asked for its size: {e.strerror}") from e
    return found.f_blocks * found.f_frsize or None
