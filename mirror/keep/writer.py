"""Spools and hashes what arrives, in a thread, while the next bytes are on their way."""

import asyncio
import hashlib
from collections import deque

from mirror.errors import StoreError
from mirror.keep.spool import Spool
from mirror.keep.threads import in_thread, settled
from mirror.names import Sha256

_MOST_WAITING = 2 * 2**20
_AT_ONCE = 2**20
_MOST_PER_CALL = 16 * 2**20


class Writer:
    """One thread call takes what arrives for as long as it keeps up. Without a spool, or once that fails, only hashes.

    `failure` is why nothing is spooled any more.
    """

    def __init__(self, spool: Spool | None, failure: StoreError | None = None) -> None:
        self.failure = failure
        self._spool = spool
        self._digest = hashlib.sha256()
        self._loop = asyncio.get_running_loop()
        # Appended to by the loop, taken from by the thread. Each counts for itself, as neither waits for the other.
        self._waiting: deque[bytes] = deque()
        self._put_size = 0
        self._taken_size = 0
        self._is_full = False
        self._took = asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    @property
    def spools(self) -> bool:
        return self.failure is None

    def sha256(self) -> Sha256:
        """Of all that was written."""
        return Sha256(self._digest.hexdigest())

    async def put(self, chunk: bytes) -> None:
        """Takes the chunk; waits only while too many are waiting already."""
        self._waiting.append(chunk)
        self._put_size += len(chunk)
        if self._working is None or self._working.done():
            await self.end()
            self._working = asyncio.create_task(self._work(), name="spool")
        while self._put_size - self._taken_size > _MOST_WAITING and not self._working.done():
            self._took.clear()
            self._is_full = True
            # The thread looks at the mark after it has counted, so one of both sees what the other did.
            if self._put_size - self._taken_size > _MOST_WAITING:
                await self._took.wait()

    async def end(self) -> None:
        """Waits until all is written. Raises what went wrong with anything but the spool."""
        if self._working is not None:
            await asyncio.shield(self._working)

    async def stop(self) -> None:
        """Ends the work where it is, and never before the thread has let go of the spool."""
        self._waiting.clear()
        if self._working is not None:
            await settled(self._working)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await in_thread(self._write)
        finally:
            self._took.set()

    def _write(self) -> None:
        """Goes on while there is something, though not for ever: others need a thread, too."""
        until = self._taken_size + _MOST_PER_CALL
        while self._taken_size < until and (chunks := self._take()):
            if self._spool is not None and self.failure is None:
                try:
                    self._spool.append(chunks)
                except StoreError as e:
                    self.failure = e
            for chunk in chunks:
                self._digest.update(chunk)

    def _take(self) -> list[bytes]:
        chunks: list[bytes] = []
        size = 0
        while size < _AT_ONCE:
            try:
                chunk = self._waiting.popleft()
            except IndexError:
                break
            chunks.append(chunk)
            size += len(chunk)
        self._taken_size += size
        if self._is_full:
            self._is_full = False
            self._loop.call_soon_threadsafe(self._took.set)
        return chunks
