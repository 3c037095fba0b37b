"""Waiting for another process that fetches the same: reading along where its spool can be seen, else until it is done.

How that ends, this process cannot know: with bytes in the store, with a failure, or with the other's death. Therefore
the end is always that this process gets the claim and sees for itself.
"""

import asyncio
from collections.abc import Callable

from mirror.catalog.claims import Claim
from mirror.errors import BusyElsewhereError
from mirror.keep.fetching import HELD_BACK
from mirror.keep.handout import Handout
from mirror.keep.means import Means
from mirror.keep.tail import Tail
from mirror.keep.threads import in_thread
from mirror.keep.wanted import Wanted
from mirror.store.keys import StoreKey

FIRST_BYTE_SECONDS = 8.0
"""Installers give up after 15 s without a byte, and ask again when they are told to."""

_NEXT_BYTE_SECONDS = 13.0
_END_SECONDS = 60.0
_LOOK_SECONDS = 0.02
_CLAIM_EVERY = 5


class Follow:
    """One time of following. `tail` is what was read along of, if anything was."""

    def __init__(self, means: Means, wanted: Wanted, handout: Handout, *, opened: Callable[[int | None], None]) -> None:
        self._means = means
        self._wanted = wanted
        self._handout = handout
        self._opened = opened
        self._patience = FIRST_BYTE_SECONDS
        self._since = asyncio.get_running_loop().time()
        self._has_ended = False
        self.tail: Tail | None = None

    async def until_free(self) -> Claim:
        """The claim, once whoever has it lets go. Raises BusyElsewhereError where nothing moves for too long."""
        while True:
            claim = await self._means.claims.try_claim(self._wanted.name)
            if claim is not None:
                return claim
            for _ in range(_CLAIM_EVERY):
                if not await self._look():
                    break
                await asyncio.sleep(_LOOK_SECONDS)
            if asyncio.get_running_loop().time() - self._since > self._patience:
                raise BusyElsewhereError("another process of this mirror is fetching this; ask again in a moment")

    async def has_all(self) -> bool:
        """Whether the tail is all of the right bytes: the very object that the store has now, or one like it."""
        tail, sha256 = self.tail, self._wanted.sha256
        if tail is None or sha256 is None or tail.grow() != self._wanted.size:
            return False
        path = self._means.store.local_path(StoreKey(sha256))
        if path is not None and await in_thread(tail.is_same, path):
            return True
        return await in_thread(tail.sha256) == sha256

    async def _look(self) -> bool:
        """Hands out what has come; False where the other has just ended."""
        size = self._wanted.size
        if size is None or self._wanted.sha256 is None or self._has_ended:
            return True
        if self.tail is None:
            self.tail = await in_thread(Tail.find, self._means.spool_dir, self._wanted.label)
            if self.tail is None:
                return True
            self._handout.use(self.tail)
        before = self.tail.size
        grown = self.tail.grow()
        if grown > before:
            self._since = asyncio.get_running_loop().time()
            self._patience = _NEXT_BYTE_SECONDS if grown < size else _END_SECONDS
            # Only by now is it sure that there is such a file.
            self._opened(size)
            self._handout.publish(min(grown, size - HELD_BACK))
        self._has_ended = not self.tail.is_there
        return not self._has_ended
