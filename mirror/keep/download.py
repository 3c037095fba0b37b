"""One download: what is fetched once for all who wait, and what each of them gets to see of it when."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import structlog

from mirror.errors import EverpinError, RefusedError, StoreError, UpstreamUnavailableError, WrongBytesError
from mirror.events import presentable
from mirror.keep.spool import Spool
from mirror.keep.threads import in_thread
from mirror.keep.wanted import Kept, Wanted
from mirror.model import HashSource
from mirror.seams import reached
from mirror.store.interface import CHUNK, Store
from mirror.store.keys import Blob, StoreKey
from mirror.upstream.files import FileBody, open_file
from mirror.upstream.session import UpstreamSession

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What every download of a keeper works with."""

    session: UpstreamSession
    store: Store
    spool_dir: Path
    allowed_hosts: Callable[[], Awaitable[tuple[str, ...]]]
    max_file_size: int
    record: Callable[[Wanted, Kept], Awaitable[None]]


class Download:
    """Runs to its end whether or not somebody waits: what was asked for once is worth keeping.

    Made by `Keeper.fetch`. Errors reach everybody who waits, at the place where they wait.
    """

    def __init__(self, means: Means, wanted: Wanted) -> None:
        self._means = means
        self._wanted = wanted
        self._joined = [wanted]
        self._recorded = 0
        self._opened = False
        self._size: int | None = None
        self._spool: Spool | None = None
        self._readable = 0
        self._kept: Kept | None = None
        self._failure: Exception | None = None
        self._moved = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self._kept is not None or self._failure is not None

    def join(self, wanted: Wanted) -> None:
        """Has the end of this download recorded for `wanted` too. Only while it is not over."""
        if wanted not in self._joined:
            self._joined.append(wanted)

    async def opened(self) -> int | None:
        """Waits until upstream has answered; the size, where it is known by then."""
        while not (self.is_over or self._opened):
            await self._moved.wait()
        self._raise_failure()
        return self._size

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """All bytes from the first on. The last ones come only after the whole was verified, stored and recorded.

        A body that turns out wrong ends in WrongBytesError, so that it can be broken off towards a client. Without a
        promised digest there is nothing to check the bytes against on their way: then all of them come last.
        """
        await self.opened()
        if self._spool is None or not self._spool.is_readable:
            kept = await self.finished()
            async with aclosing(self._means.store.read(StoreKey(kept.sha256))) as stored:
                async for chunk in stored:
                    yield chunk
            return
        async with aclosing(self._follow(self._spool)) as followed:
            async for chunk in followed:
                yield chunk

    async def finished(self) -> Kept:
        """Waits for the end: verified, stored, recorded."""
        while not self.is_over:
            await self._moved.wait()
        self._raise_failure()
        if self._kept is None:
            raise RuntimeError("a download is over with neither a result nor a failure")
        return self._kept

    async def run(self) -> None:
        """The work itself; called once, by the keeper. Failures are logged here and raised where somebody waits."""
        try:
            kept = await self._adopt() or await self._fetch()
            while self._recorded < len(self._joined):
                await self._means.record(self._joined[self._recorded], kept)
                self._recorded += 1
                reached("keep.recorded")
            # Nothing is awaited from here on, so nobody can join in between and be forgotten.
            self._kept = kept
        except EverpinError as e:
            self._failure = e
            log.warning("keep.failed", reason=type(e).__name__, error=str(e), **self._fields())
        except Exception as e:
            # A loop's own top: a defect in one download must not leave others waiting for ever.
            self._failure = e
            log.exception("keep.crashed", **self._fields())
        finally:
            self._announce()
            if self._spool is not None:
                self._spool.drop()

    def give_up(self) -> None:
        """Tells whoever waits that nothing will come any more, because the work was cancelled."""
        self._failure = UpstreamUnavailableError("the download was given up because this mirror stops")
        self._announce()

    async def _adopt(self) -> Kept | None:
        """The object that the store already holds, as after a crash between put and record."""
        wanted = self._wanted
        if wanted.sha256 is None:
            return None
        size = await self._means.store.adopt(StoreKey(wanted.sha256))
        if size is None or wanted.size not in (None, size):
            return None
        self._open(size)
        return Kept(wanted.sha256, size, HashSource.UPSTREAM)

    async def _fetch(self) -> Kept:
        wanted, means = self._wanted, self._means
        if wanted.size is not None:
            self._check_size(wanted.size)
        hosts = await means.allowed_hosts()
        spool = self._spool = Spool(means.spool_dir, wanted.sha256 or "unnamed")
        try:
            await in_thread(spool.open)
            if wanted.size is not None:
                # Upstream need not be asked for what there is no room for.
                await in_thread(spool.reserve, wanted.size)
            async with open_file(means.session, wanted.url, allowed_hosts=hosts) as body:
                self._check_announced(body)
                if wanted.size is None and body.size is not None:
                    await in_thread(spool.reserve, body.size)
                self._open(wanted.size if body.size is None else body.size)
                await self._receive(body, spool)
                return await self._put(spool)
        finally:
            await in_thread(spool.remove)

    async def _receive(self, body: FileBody, spool: Spool) -> None:
        async with aclosing(body.chunks()) as chunks:
            async for chunk in chunks:
                self._check_size(spool.size + len(chunk))
                # One chunk behind: the last one stays here until all checks are done.
                if self._wanted.sha256 is not None:
                    self._readable = spool.size
                await in_thread(spool.append, chunk)
                self._announce()

    async def _put(self, spool: Spool) -> Kept:
        wanted = self._wanted
        if wanted.size not in (None, spool.size):
            raise WrongBytesError(f"upstream sent {spool.size} bytes instead of {wanted.size}")
        if wanted.sha256 not in (None, spool.sha256):
            raise WrongBytesError(f"upstream sent bytes with the sha256 {spool.sha256} instead of {wanted.sha256}")
        kept = Kept(spool.sha256, spool.size, HashSource.UPSTREAM if wanted.sha256 else HashSource.SELF)
        filename = f"{wanted.filename}{wanted.kind.suffix}"
        reached("keep.spooled")
        await self._means.store.put(
            spool.path, StoreKey(kept.sha256), blob=Blob(filename, wanted.project, wanted.version)
        )
        reached("keep.put")
        return kept

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
        if size > self._means.max_file_size:
            raise RefusedError(f"the file is larger than keep.max_file_size ({self._means.max_file_size} bytes)")

    async def _follow(self, spool: Spool) -> AsyncGenerator[bytes, None]:
        spool.hold()
        try:
            position = 0
            while True:
                while not self.is_over and self._readable <= position:
                    await self._moved.wait()
                self._raise_failure()
                readable = spool.size if self.is_over else self._readable
                if position == readable:
                    return
                chunk = await in_thread(spool.read, position, min(CHUNK, readable - position))
                if not chunk:
                    raise StoreError("the spooled download became shorter")
                position += len(chunk)
                yield chunk
        finally:
            spool.drop()

    def _open(self, size: int | None) -> None:
        self._size = size
        self._opened = True
        self._announce()

    def _announce(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _raise_failure(self) -> None:
        if isinstance(self._failure, EverpinError):
            # A new one for each who waits: an exception collects the traces of everybody who raises it.
            raise type(self._failure)(str(self._failure)) from self._failure
        if self._failure is not None:
            raise self._failure

    def _fields(self) -> dict[str, str]:
        filename = presentable(self._wanted.filename)
        return {"project": self._wanted.project, "filename": filename, "url": presentable(self._wanted.url)}
