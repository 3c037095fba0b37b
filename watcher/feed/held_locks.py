"""What lock files with a feed of their own want to hear of, by token or by id; kept in memory while it is asked for.

A lock's pins never change, so what is in memory is right as long as the feed is there; whether it is, the catalog is
asked each time.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from weakref import ref

from mirror.catalog import lock_feeds
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.lock_feeds import LockFeed
from mirror.event_kinds import EventKind
from mirror.events import Event
from mirror.names import ProjectName
from mirror.web.problems import Problem
from watcher.locks.packed import unpacked
from watcher.locks.touching import LockFilter

_MOST_PINS = 100_000
# Those of locks that somebody follows cannot be let go of. A hundred thousand take some 30 MB.
_MOST_FOLLOWED_PINS = 500_000
# Unpacking takes some microseconds a pin: beyond this a thread does it, so that nobody else waits for the loop.
_PINS_UNPACKED_IN_THE_LOOP = 1_000


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock: the id of its feed, how many pins it has, and what touches it."""

    id: int
    pinned: int
    wanted: LockFilter


@dataclass(frozen=True, slots=True)
class LentFilter:
    """What touches a lock, for those who keep filters to compare them: the same for the same feed.

    Does not keep the lock itself in memory. Whoever lends it holds the lock as long as it is used.
    """

    id: int
    _wanted: "ref[LockFilter]" = field(compare=False)

    @classmethod
    def of(cls, lock: HeldLock) -> "LentFilter":
        """That of a lock."""
        return cls(lock.id, ref(lock.wanted))

    @property
    def projects(self) -> frozenset[ProjectName]:
        """As the lock's own."""
        return self._lent.projects

    @property
    def kinds(self) -> frozenset[EventKind]:
        """As the lock's own."""
        return self._lent.kinds

    def admits(self, event: Event) -> bool:
        """As the lock's own."""
        return self._lent.admits(event)

    @property
    def _lent(self) -> LockFilter:
        wanted = self._wanted()
        if wanted is None:
            raise LookupError("the filter is used longer than it was lent for")
        return wanted


def digest_of(token: str) -> bytes:
    """What is stored of the token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


class HeldLocks:
    """The locks of one process. At most so many pins are kept in memory, those of locks that are followed apart."""

    def __init__(
        self,
        catalog: Catalog,
        now: Callable[[], datetime],
        *,
        most_pins: int = _MOST_PINS,
        most_followed: int = _MOST_FOLLOWED_PINS,
    ) -> None:
        self._catalog = catalog
        self._now = now
        self._most_pins = most_pins
        self._most_followed = most_followed
        self._followed: dict[int, tuple[HeldLock, int]] = {}
        self._held: OrderedDict[int, HeldLock] = OrderedDict()
        self._pins = 0

    async def read(self, token: str) -> HeldLock | None:
        """The lock whose feed has that token, for somebody who reads it; None where there is none, or no more."""
        now = self._now()
        async with self._catalog.reading() as conn:
            feed = await lock_feeds.find(conn, digest_of(token), now=now)
            if feed is None:
                return None
            await lock_feeds.note_read(conn, feed, now=now)
            return await self._find(conn, feed)

    async def lock_filter(self, lock_feed: int) -> LockFilter | None:
        """What touches the lock whose feed has that id, for those who push it; None as above."""
        async with self._catalog.reading() as conn:
            feed = await lock_feeds.by_id(conn, lock_feed, now=self._now())
            held = None if feed is None else await self._find(conn, feed)
        return None if held is None else held.wanted

    @contextmanager
    def following(self, lock: HeldLock) -> Iterator[None]:
        """For somebody who follows the lock for long. Raises Problem (503) where there is no room for one more."""
        same, followers = self._followed.get(lock.id, (lock, 0))
        if (
            not followers
            and lock.pinned + sum(each.pinned for each, _ in self._followed.values()) > self._most_followed
        ):
            raise Problem(503, "Too Many Subscribers", "as many lock files are being followed as can be at a time")
        self._followed[lock.id] = (same, followers + 1)
        try:
            yield
        finally:
            same, followers = self._followed.pop(lock.id)
            if followers > 1:
                self._followed[lock.id] = (same, followers - 1)

    async def _find(self, conn: Connection, feed: LockFeed) -> HeldLock | None:
        if feed.id in self._followed:
            return self._followed[feed.id][0]
        if (held := self._held.get(feed.id)) is not None:
            self._held.move_to_end(feed.id)
            return held
        stored = await lock_feeds.pins(conn, feed.id)
        if stored is None:
            return None
        held = HeldLock(feed.id, feed.pinned, await _filter(stored, feed.pinned))
        self._keep(held)
        return held

    def _keep(self, held: HeldLock) -> None:
        self.forget(held.id)
        self._held[held.id] = held
        self._pins += held.pinned
        while self._pins > self._most_pins:
            self.forget(next(iter(self._held)))

    def forget(self, lock_feed: int) -> None:
        """Lets go of what is in memory of the lock whose feed has that id."""
        if (held := self._held.pop(lock_feed, None)) is not None:
            self._pins -= held.pinned


async def _filter(stored: bytes, pinned: int) -> LockFilter:
    if pinned > _PINS_UNPACKED_IN_THE_LOOP:
        return await asyncio.to_thread(lambda: LockFilter(unpacked(stored)))
    return LockFilter(unpacked(stored))
