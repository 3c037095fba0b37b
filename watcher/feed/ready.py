"""Feed documents in memory, within a bound in bytes: rendered and packed once, however many ask for them.

A document is good for as long as nothing was told or taken away since it was made, which one small statement finds out,
and for a few minutes at most, because entries grow older than a day without anybody's doing. An archive is good for as
long as nothing was taken away. A large document is made again only after a multiple of the time that making it took,
unless something was taken away.
"""

import asyncio
import gzip
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from weakref import WeakValueDictionary

from mirror.catalog.event_ranges import Told
from mirror.index.render import Rendered
from mirror.web.problems import Problem
from watcher.feed import Archive, Channel, Form
from watcher.feed.filters import Filter

_LONGEST_LIFE = timedelta(minutes=5)
# What is no larger is made anew whenever something changed.
_SMALL_BYTES = 2**20
# Of the time at most one part in so many goes into making the same large document.
_PARTS = 20
_LONGEST_REST_SECONDS = 30.0
# Whoever thinks of ever new filters waits for the others who do, and not at all for long; those whose document is only
# to be made again do not wait for them.
_MADE_AT_A_TIME = 2
_RENEWED_AT_A_TIME = 1
_LONGEST_WAIT_SECONDS = 20.0
# What a document costs beside its bytes, and for each letter of its address: what was wished for in it is held, too.
_DOCUMENT_BYTES = 2_000
_LETTER_BYTES = 10
_UNPACKED_IN_THE_LOOP = 65_536


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: a feed in a form, and of it an archive, or the current document where that is None."""

    form: Form
    channel: Channel
    archive: Archive | None


@dataclass(frozen=True, slots=True)
class Ready:
    """A document to be sent, held only packed: most readers take it so, and it is a small part of the whole.

    `modified` is when it came to be as it is, in whole seconds since 1970. Two documents that were made one after the
    other are never of the same second: then it is one in the future.
    """

    gzipped: bytes
    gzip_etag: str
    etag: str
    modified: int

    async def unpacked(self) -> bytes:
        """The document itself."""
        if len(self.gzipped) <= _UNPACKED_IN_THE_LOOP:
            return gzip.decompress(self.gzipped)
        return await asyncio.to_thread(gzip.decompress, self.gzipped)


@dataclass(frozen=True, slots=True)
class _Held:
    ready: Ready
    path: str
    wanted: Filter
    told: Told
    made_at: datetime
    rests_until: float

    @property
    def size(self) -> int:
        return len(self.ready.gzipped) + _DOCUMENT_BYTES + _LETTER_BYTES * len(self.path)


Look: TypeAlias = Callable[[], Awaitable[Told]]
Make: TypeAlias = Callable[[Asked, Filter, Told], Awaitable[Rendered]]


class ReadyDocuments:
    """The documents of one process: those not asked for longest go first. The last one is held however large it is.

    `look` says what has been told by now, `make` makes a document of it.
    """

    def __init__(self, *, look: Look, make: Make, now: Callable[[], datetime], most_bytes: int) -> None:
        self._look = look
        self._make = make
        self._now = now
        self._most_bytes = most_bytes
        self._held: OrderedDict[Asked, _Held] = OrderedDict()
        self._bytes = 0
        self._making: WeakValueDictionary[Asked, asyncio.Lock] = WeakValueDictionary()
        self._turns = asyncio.Semaphore(_MADE_AT_A_TIME)
        self._renewals = asyncio.Semaphore(_RENEWED_AT_A_TIME)

    async def get(self, asked: Asked, wanted: Filter) -> Ready:
        """The document with the events that are wanted.

        Raises what `look` and `make` raise, and Problem (503) where too many others have to be made before it.
        """
        if (found := self._find(asked, wanted, await self._look())) is not None:
            return found
        async with AsyncExitStack() as stack:
            await self._wait_for_turn(asked, stack)
            # Somebody else can have made it meanwhile, and something can have been told.
            told = await self._look()
            return self._find(asked, wanted, told) or await self._new(asked, wanted, told)

    async def _wait_for_turn(self, asked: Asked, stack: AsyncExitStack) -> None:
        making = self._making.setdefault(asked, asyncio.Lock())
        turns = self._renewals if asked in self._held else self._turns
        try:
            async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
                await stack.enter_async_context(making)
                await stack.enter_async_context(turns)
        except TimeoutError as e:
            raise Problem(503, "Busy", "many other feeds are being made at the moment") from e

    def _find(self, asked: Asked, wanted: Filter, told: Told) -> Ready | None:
        held = self._held.get(asked)
        if held is None or held.wanted != wanted or not self._is_good(held, asked, told):
            return None
        self._held.move_to_end(asked)
        return held.ready

    def _is_good(self, held: _Held, asked: Asked, told: Told) -> bool:
        if asked.archive is not None:
            return _lasting(held.told) == _lasting(told)
        if not timedelta() <= self._now() - held.made_at < _LONGEST_LIFE:
            return False
        if held.told == told:
            return True
        return _lasting(held.told) == _lasting(told) and time.monotonic() < held.rests_until

    async def _new(self, asked: Asked, wanted: Filter, told: Told) -> Ready:
        begun, made_at = time.monotonic(), self._now()
        rendered = await self._make(asked, wanted, told)
        finished, modified = time.monotonic(), int(made_at.timestamp())
        is_small = len(rendered.body) <= _SMALL_BYTES
        rest = 0.0 if is_small else min(_PARTS * (finished - begun), _LONGEST_REST_SECONDS)
        if (before := self._drop(asked)) is not None:
            is_same = before.etag == rendered.etag
            modified = before.modified if is_same else max(modified, before.modified + 1)
        ready = Ready(rendered.gzipped, rendered.gzip_etag, rendered.etag, modified)
        self._keep(asked, _Held(ready, asked.channel.path, wanted, told, made_at, finished + rest))
        return ready

    def _keep(self, asked: Asked, held: _Held) -> None:
        self._held[asked] = held
        self._bytes += held.size
        while self._bytes > self._most_bytes and len(self._held) > 1:
            self._drop(next(iter(self._held)))

    def _drop(self, asked: Asked) -> Ready | None:
        if (held := self._held.pop(asked, None)) is None:
            return None
        self._bytes -= held.size
        return held.ready


def _lasting(told: Told) -> Told:
    """What an archive depends on: not on what is told meanwhile, only on what is taken away."""
    return replace(told, last=0, observed_since=None)
