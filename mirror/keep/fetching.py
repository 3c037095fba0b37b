"""Getting the bytes from upstream: they are handed out while they arrive, all but the last ones; then verified and put.

Where they cannot be kept, those who wait for them get them all the same, straight through: they are verified like any
others, and nothing of them stays.
"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from mirror import metrics
from mirror.errors import (
    NoRoomError,
    RefusedError,
    StoreError,
    TooLargeError,
    UpstreamUnavailableError,
    WrongBytesError,
)
from mirror.index.paths import Kind
from mirror.index.siblings import is_provenance
from mirror.keep.handout import Handout
from mirror.keep.means import Means
from mirror.keep.pace import Throttle
from mirror.keep.spool import Spool
from mirror.keep.tail import Tail
from mirror.keep.threads import in_thread
from mirror.keep.wanted import Kept, Wanted
from mirror.keep.writer import Writer
from mirror.model import HashSource
from mirror.seams import reached
from mirror.store.keys import Blob, StoreKey
from mirror.upstream.files import FileBody, open_file

HELD_BACK = 64 * 2**10
"""So many bytes of a body stay here until all checks are done, and with them the end of it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Verified bytes. `not_kept` is why the store does not hold them, where it does not."""

    kept: Kept
    not_kept: StoreError | None = None


class Fetch:
    """One fetch. `unshared` is awaited where the bytes cannot be kept: then others do better to ask for themselves.

    Where somebody was handed out bytes of `begun` before, the new ones must agree with those, or it fails.
    """

    def __init__(
        self,
        means: Means,
        wanted: Wanted,
        handout: Handout,
        *,
        opened: Callable[[int | None], None],
        unshared: Callable[[], Awaitable[None]],
        begun: Tail | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self._means = means
        self._wanted = wanted
        self._handout = handout
        self._opened = opened
        self._unshared = unshared
        self._begun = begun
        self._throttle = throttle or Throttle()
        self._begun_size = handout.readable if begun is not None else 0
        self._spool: Spool | None = None
        self._writer: Writer | None = None
        self._size: int | None = None
        self._is_open = False
        self._received = 0

    async def run(self) -> Fetched:
        """All of it; what it holds it gives back in `close`."""
        if self._wanted.size is not None:
            self._check_size(self._wanted.size)
        hosts = await self._means.allowed_hosts()
        writer = self._writer = await self._spooling()
        async with open_file(self._means.session, self._wanted.url, allowed_hosts=hosts) as body:
            self._check_announced(body)
            self._size = body.size if self._wanted.size is None else self._wanted.size
            if self._wanted.size is None and body.size is not None:
                await self._reserve(writer, body.size)
            self._is_open = True
            await self._go_on_without(writer)
            await self._receive(body, writer)
        await writer.end()
        await self._go_on_without(writer)
        return await self._put(await self._verified(writer), writer)

    async def close(self) -> None:
        """Takes the spool's name away, at the earliest when no thread works on it any more."""
        try:
            if self._writer is not None:
                await self._writer.stop()
        finally:
            if self._spool is not None:
                await in_thread(self._spool.remove)

    async def _spooling(self) -> Writer:
        """A writer, to a spool with enough room if that can be had. Otherwise upstream is not asked in vain."""
        spool = self._spool = Spool(self._means.spool_dir, self._wanted.label)
        failure: StoreError | None = None
        try:
            await self._require_room()
            await in_thread(spool.open, self._wanted.size)
        except StoreError as e:
            failure = e
        self._handout.use(spool)
        if self._begun is not None:
            self._handout.use(self._begun)
        writer = Writer(spool, failure)
        await self._go_on_without(writer)
        return writer

    async def _require_room(self) -> None:
        # Without a promised digest it could not be passed on, and who only wants it kept knows best what it is worth.
        if self._means.require_room is not None and self._wanted.sha256 is not None and self._handout.is_wanted:
            await self._means.require_room(self._wanted)

    async def _reserve(self, writer: Writer, size: int) -> None:
        if writer.failure is None and self._spool is not None:
            try:
                await in_thread(self._spool.reserve, size)
            except StoreError as e:
                writer.failure = e

    async def _go_on_without(self, writer: Writer) -> None:
        """Raises why nothing is spooled, if so, unless somebody waits to whom all can be passed on nevertheless."""
        if writer.failure is None:
            return
        is_endless = self._is_open and self._size is None
        if self._wanted.sha256 is None or is_endless or not self._handout.is_wanted:
            raise writer.failure
        await self._unshared()

    async def _receive(self, body: FileBody, writer: Writer) -> None:
        async with aclosing(body.chunks()) as chunks:
            async for chunk in chunks:
                self._check_size(self._received + len(chunk))
                await self._compare(chunk)
                self._handout.add(chunk)
                await writer.put(chunk)
                self._received += len(chunk)
                # Not before: what stops behind the headers is no more than what does not answer.
                self._opened(self._size)
                self._publish(chunk)
                if not writer.spools:
                    await self._go_on_without(writer)
                    await self._handout.room()
                await self._throttle.wait(len(chunk))

    async def _compare(self, chunk: bytes) -> None:
        """What a process that died had begun to hand out is gone on with only if it was right."""
        length = min(len(chunk), self._begun_size - self._received)
        if self._begun is None or length <= 0:
            return
        if await in_thread(self._begun.read, self._received, length) != chunk[:length]:
            raise UpstreamUnavailableError("other bytes had been handed out before than upstream sends now")

    def _publish(self, chunk: bytes) -> None:
        if self._begun_size and self._spool is not None and self._spool.size >= self._begun_size:
            self._handout.use(self._spool)
            self._begun_size = 0
        if self._wanted.sha256 is None:
            return
        # Where nobody knows the end yet, what came last may be it.
        last = len(chunk) if self._size is None else max(0, HELD_BACK - (self._size - self._received))
        self._handout.publish(self._received - last)

    async def _verified(self, writer: Writer) -> Kept:
        wanted, digest = self._wanted, writer.sha256()
        if wanted.size not in (None, self._received):
            raise WrongBytesError(f"upstream sent {self._received} bytes instead of {wanted.size}")
        if wanted.sha256 not in (None, digest):
            raise WrongBytesError(f"upstream sent bytes with the sha256 {digest} instead of {wanted.sha256}")
        if wanted.kind is Kind.PROVENANCE and self._spool is not None:
            spool = self._spool
            if not await in_thread(lambda: is_provenance(spool.read(0, spool.size))):
                raise WrongBytesError("upstream sent no provenance as PEP 740 describes it")
        return Kept(digest, self._received, HashSource.UPSTREAM if wanted.sha256 else HashSource.SELF)

    async def _put(self, kept: Kept, writer: Writer) -> Fetched:
        wanted = self._wanted
        if writer.failure is not None or self._spool is None:
            return self._not_kept(kept, writer.failure or StoreError("nothing was spooled"))
        reached("keep.spooled")
        blob = Blob(f"{wanted.filename}{wanted.kind.suffix}", wanted.project, wanted.version)
        try:
            await self._means.store.put(self._spool.path, StoreKey(kept.sha256), blob=blob)
        except StoreError as e:
            if wanted.sha256 is None or not self._handout.is_wanted:
                raise
            return self._not_kept(kept, e)
        reached("keep.put")
        return Fetched(kept)

    def _not_kept(self, kept: Kept, failure: StoreError) -> Fetched:
        metrics.keep_failures.labels("no_room" if isinstance(failure, NoRoomError) else "store").inc()
        return Fetched(kept, failure)

    def _check_announced(self, body: FileBody) -> None:
        """Refuses by what upstream says before the first byte."""
        if body.size is None:
            return
        if self._wanted.size not in (None, body.size):
            raise WrongBytesError(f"upstream announced {body.size} bytes instead of {self._wanted.size}")
        self._check_size(body.size)

    def _check_size(self, size: int) -> None:
        if self._wanted.size is not None and size > self._wanted.size:
            raise WrongBytesError(f"upstream sent more than the {self._wanted.size} bytes that it had promised")
        if self._wanted.most is not None and size > self._wanted.most:
            raise RefusedError(f"the file's {self._wanted.kind} is larger than {self._wanted.most} bytes")
        if size > self._means.max_file_size:
            raise TooLargeError(f"the file is larger than keep.max_file_size ({self._means.max_file_size} bytes)")
