"""Spools and hashes what arrives, in a thread, while the next bytes are on their way."""

import asyncio
import hashlib

from mirror.errors import StoreError
from mirror.keep.spool import Spool
from mirror.keep.threads import in_thread, settled
from mirror.names import Sha256

_MOST_WAITING = 2**20


class Writer:
    """One thread call takes all that has arrived since the last one. Without a spool, or once that fails, only hashes.

    `failure` is why nothing is spooled any more.
    """

    def __init__(self, spool: Spool | None, failure: StoreError | None = None) -> None:
        self.failure = failure
        self._spool = spool
        self._digest = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._waiting_size = 0
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
        self._waiting_size += len(chunk)
        if self._working is None or self._working.done():
            await self.end()
            self._working = asyncio.create_task(self._work(), name="spool")
        while self._waiting_size > _MOST_WAITING and not self._working.done():
            self._took.clear()
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
                chunks, self._waiting = self._waiting, []
                self._waiting_size = 0
                self._took.set()
                await in_thread(self._write, chunks)
        finally:
            self._took.set()

    def _write(self, chunks: list[bytes]) -> None:
        if self._spool is not None and self.failure is None:
            try:
                self._spool.append(chunks)
            except StoreError as e:
                self.failure = e
        for chunk in chunks:
            self._digest.update(chunk)
