"""What of a download may be handed out by now, and to whom it is handed out.

The newest bytes stay in memory, up to a bound, so that all who keep up share them; who lags behind reads the source,
usually the spool. While there is no source with all bytes, what somebody still needs is not let go, and the download
waits for the slowest, though not for one who takes nothing at all.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Protocol

from mirror.errors import EverpinError, StoreError
from mirror.keep.threads import in_thread
from mirror.store.interface import CHUNK

MOST_IN_MEMORY = 2 * 2**20
"""Of each download so many bytes stay in memory at most, and the newest chunk."""

_SMALL = 128 * 2**10
_GATHERING_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 30.0
_UNTIL_ALL_HAVE_COME_SECONDS = 2.0


class Source(Protocol):
    """Where the first `size` bytes can be read; `read` and `close` block."""

    @property
    def size(self) -> int: ...

    def read(self, start: int, length: int) -> bytes: ...

    def close(self) -> None: ...


def again(failure: Exception) -> Exception:
    """The failure for one of several who wait: an exception collects the traces of everybody who raises it."""
    return type(failure)(str(failure)) if isinstance(failure, EverpinError) else failure


class Reader:
    """One of those who read along. `position` is what comes next for it."""

    def __init__(self) -> None:
        self.position = 0


class Handout:
    """Written by one download, read by any number. `readable` says up to where; `is_over` that no more will come.

    Where it `is_elsewhere`, nothing is read along, and the store has all of it.
    """

    def __init__(self) -> None:
        self.readable = 0
        self.is_over = False
        self.is_elsewhere = False
        self._failure: Exception | None = None
        self._recent: deque[tuple[int, bytes]] = deque()
        self._in_memory = 0
        self._end = 0
        self._publishable = 0
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self._gathering: asyncio.TimerHandle | None = None
        self._source: Source | None = None
        self._sources: list[Source] = []
        self._readers: set[Reader] = set()
        self._expected = 0
        self._holders = 1
        self._moved = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def is_complete(self) -> bool:
        """Whether all bytes were handed out, or may be."""
        return self.is_over and self._failure is None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody reads along or is about to."""
        return bool(self._readers or self._expected)

    @property
    def is_whole(self) -> bool:
        """Whether whoever comes now gets all bytes from the first on."""
        first = self._recent[0][0] if self._recent else self._end
        return first == 0 or self._source_size >= first

    @property
    def has_bytes(self) -> bool:
        """Whether there is anything to read along, also later; otherwise the bytes are elsewhere."""
        if self.is_elsewhere:
            return False
        return self._holders > 0 and (self._source is not None or bool(self._recent) or not self.is_over)

    def expect(self) -> None:
        """Announces one who will read along soon."""
        self._expected += 1

    def disappoint(self) -> None:
        """The one who was announced will not come."""
        self._expected = max(0, self._expected - 1)

    async def moved(self) -> None:
        """Waits until anything has changed."""
        await self._moved.wait()

    def announce(self) -> None:
        """Wakes all who wait."""
        self._moved.set()
        self._moved = asyncio.Event()

    def use(self, source: Source) -> None:
        """From now on who lags behind reads from there. It is closed when nobody needs any source any more."""
        self._source = source
        if source not in self._sources:
            self._sources.append(source)

    def add(self, piece: bytes) -> None:
        """Takes in what comes next. It may be read only once `publish` says so.

        Small pieces that come soon after each other become one chunk: each costs something for everybody who reads.
        """
        if not self._gathered and (self._end == 0 or len(piece) >= _SMALL):
            self._keep(piece)
            return
        self._gathered.append(piece)
        self._gathered_size += len(piece)
        if self._gathered_size >= CHUNK:
            self._gather()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(_GATHERING_SECONDS, self._gather)

    def publish(self, readable: int) -> None:
        """Everything before that may be handed out."""
        self._publishable = readable
        # Where nothing was taken in, the bytes are all in the source.
        readable = min(readable, self._end) if self._end else readable
        if readable > self.readable:
            self.readable = readable
            self._let_go()
            self.announce()

    def finish(self, size: int, *, elsewhere: bool = False) -> None:
        """All bytes may be handed out; `elsewhere`: none was or will be from here."""
        self._gather()
        self.is_elsewhere = elsewhere
        if not elsewhere:
            self.readable = size
        self.is_over = True
        self.announce()

    def fail(self, failure: Exception) -> None:
        """Nothing more may be handed out."""
        if self._gathering is not None:
            self._gathering.cancel()
        self._failure = failure
        self.is_over = True
        self.announce()

    async def room(self) -> None:
        """Waits until there is room in memory for more. Raises StoreError where nobody is left to take it."""
        clock = asyncio.get_running_loop().time
        waited_since, before = clock(), self._slowest()
        while True:
            if not self.is_wanted:
                raise StoreError("nobody waits any more for bytes that cannot be kept")
            if not self._is_full():
                return
            longest = _UNTIL_ALL_HAVE_COME_SECONDS if self._expected else _LONGEST_PAUSE_SECONDS
            self._taken.clear()
            try:
                await asyncio.wait_for(self._taken.wait(), longest / 4)
            except TimeoutError:
                if clock() - waited_since >= longest:
                    self._expected = 0
                    self._cut_off()
            if self._slowest() != before:
                waited_since, before = clock(), self._slowest()

    async def chunks(self, reader: Reader) -> AsyncGenerator[bytes, None]:
        """All bytes from the reader's position on, as they become readable. Raises what the download failed by."""
        self._holders += 1
        try:
            while True:
                while reader.position >= self.readable and not self.is_over:
                    await self.moved()
                if self._failure is not None:
                    raise again(self._failure) from self._failure
                if reader.position >= self.readable:
                    return
                chunk = await self._read(reader)
                reader.position += len(chunk)
                self._taken.set()
                yield chunk
        finally:
            self.leave(reader)
            self.drop()

    def enter(self) -> Reader:
        """One more who reads along, and who must `leave` again."""
        reader = Reader()
        self._readers.add(reader)
        self.disappoint()
        return reader

    def leave(self, reader: Reader) -> None:
        """It reads no more."""
        self._readers.discard(reader)
        self._taken.set()

    def drop(self) -> None:
        """The download, or one who read along, needs the sources no longer; the last one closes them."""
        self._holders -= 1
        if self._holders == 0:
            for source in self._sources:
                source.close()

    def _gather(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._gathered:
            pieces, self._gathered, self._gathered_size = self._gathered, [], 0
            self._keep(b"".join(pieces))
            self.publish(self._publishable)

    def _keep(self, chunk: bytes) -> None:
        self._recent.append((self._end, chunk))
        self._end += len(chunk)
        self._in_memory += len(chunk)

    @property
    def _source_size(self) -> int:
        return self._source.size if self._source is not None else 0

    def _slowest(self) -> int:
        return min((reader.position for reader in self._readers), default=0 if self._expected else self._end)

    def _is_full(self) -> bool:
        self._let_go()
        return self._in_memory > MOST_IN_MEMORY

    def _let_go(self) -> None:
        """Lets go of the oldest bytes in memory that can be had elsewhere, or that nobody needs."""
        while self._in_memory > MOST_IN_MEMORY and len(self._recent) > 1:
            start, chunk = self._recent[0]
            end = start + len(chunk)
            if end > self._source_size and (end > self._slowest() or self._expected or end > self.readable):
                return
            self._recent.popleft()
            self._in_memory -= len(chunk)

    def _cut_off(self) -> None:
        """The slowest has taken nothing for so long that the others wait for it no longer."""
        slowest = self._slowest()
        for reader in [reader for reader in self._readers if reader.position <= slowest]:
            self._readers.discard(reader)

    async def _read(self, reader: Reader) -> bytes:
        position = reader.position
        for start, chunk in reversed(self._recent):
            if start <= position < start + len(chunk):
                stop = min(len(chunk), self.readable - start)
                return chunk if start == position and stop == len(chunk) else chunk[position - start : stop]
        if self._source is None or position >= self._source_size:
            raise StoreError("what was not kept is gone before this client had taken it")
        length = min(CHUNK, self.readable - position, self._source_size - position)
        read = await in_thread(self._source.read, position, length)
        if not read:
            raise StoreError("the spooled download became shorter")
        return read
