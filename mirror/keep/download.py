"""One download: what is got once for all who wait in this process, and what each of them gets to see of it when."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from mirror.catalog.claims import Claim
from mirror.errors import (
    BusyElsewhereError,
    EverpinError,
    NotThereError,
    RefusedError,
    StoreError,
    UpstreamUnavailableError,
)
from mirror.events import presentable
from mirror.keep.fetching import Fetch, Fetched
from mirror.keep.following import Follow
from mirror.keep.handout import Handout, again
from mirror.keep.means import Means
from mirror.keep.pace import Pace, Throttle
from mirror.keep.tail import Tail
from mirror.keep.wanted import Kept, Wanted
from mirror.model import HashSource
from mirror.names import Sha256
from mirror.seams import reached
from mirror.store.checked import checked
from mirror.store.keys import StoreKey

log = structlog.get_logger(__name__)

_LATE_READERS_SECONDS = 5.0


class Download:
    """Runs to its end whether or not somebody waits: what was asked for once is worth keeping.

    Made by `Keeper.fetch`. Errors reach everybody who waits, at the place where they wait. Where another process is at
    the same, it is followed; where the bytes cannot be kept, those who read along get them nevertheless, while
    `finished` raises why they are not kept. It keeps to its `pace` until somebody waits for more than its end.
    """

    def __init__(self, means: Means, wanted: Wanted, *, pace: Pace | None = None) -> None:
        self._means = means
        self._wanted = wanted
        self._joined = [wanted]
        self._noted = 0
        self._opened = False
        self._size: int | None = None
        self._claim: Claim | None = None
        self._handout = Handout()
        self._throttle = Throttle(pace)
        self._kept: Kept | None = None
        self._failure: Exception | None = None

    @property
    def is_over(self) -> bool:
        return self._kept is not None or self._failure is not None

    @property
    def can_be_joined(self) -> bool:
        """Whether whoever joins now gets everything. What is passed on without being kept is soon beyond its begin."""
        return not self.is_over and self._handout.is_whole

    def join(self, wanted: Wanted) -> None:
        """Has the end of this download recorded for `wanted` too. Only while it can be joined."""
        if wanted not in self._joined:
            self._joined.append(wanted)

    async def opened(self) -> int | None:
        """Waits until the first bytes have come; the size, where it is known by then.

        Raises UpstreamUnavailableError where that takes so long that an installer would give up.
        """
        self._throttle.lift()
        self._handout.expect()
        try:
            await self._until_open()
        except BaseException:
            self._handout.disappoint()
            raise
        return self._size

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """All bytes from the first on. The last ones come only after the whole was verified, stored and recorded.

        A body that turns out wrong ends in WrongBytesError, so that it can be broken off towards a client. Without a
        promised digest there is nothing to check the bytes against on their way: then all of them come last.
        """
        self._throttle.lift()
        reader = self._handout.enter()
        try:
            await self._until_open()
            if self._handout.has_bytes:
                async with aclosing(self._handout.chunks(reader)) as followed:
                    async for chunk in followed:
                        yield chunk
                if not self._handout.is_elsewhere:
                    return
        finally:
            self._handout.leave(reader)
        kept = await self.finished()
        key = StoreKey(kept.sha256)
        async with (
            aclosing(self._means.store.read(key)) as stored,
            aclosing(checked(key, kept.size, stored)) as right,
        ):
            async for chunk in right:
                yield chunk

    async def finished(self) -> Kept:
        """Waits for the end: verified, stored, recorded."""
        while not self.is_over:
            await self._handout.moved()
        self._raise_failure()
        if self._kept is None:
            raise RuntimeError("a download is over with neither a result nor a failure")
        return self._kept

    async def run(self) -> None:
        """The work itself; called once, by the keeper. Failures are logged here and raised where somebody waits."""
        try:
            await self._work()
            if isinstance(self._failure, EverpinError):
                await self._tell_failed(self._failure)
        except EverpinError as e:
            self._fail(e)
            log.warning("keep.failed", reason=type(e).__name__, error=str(e), **self._fields())
            await self._tell_failed(e)
        except Exception as e:
            # A loop's own top: a defect in one download must not leave others waiting for ever.
            self._fail(e)
            log.exception("keep.crashed", **self._fields())
        finally:
            if self._kept is None and self._handout.is_complete:
                # Whoever was told the size a moment ago has no other place to get the bytes from.
                asyncio.get_running_loop().call_later(_LATE_READERS_SECONDS, self._handout.drop)
            else:
                self._handout.drop()

    async def _tell_failed(self, failure: EverpinError) -> None:
        """Has it tried again later, where a client waited for it and what went wrong may pass."""
        may_pass = not isinstance(failure, NotThereError | RefusedError | BusyElsewhereError)
        if self._means.failed is None or not self._throttle.is_lifted or not may_pass:
            return
        try:
            await self._means.failed(self._wanted)
        except EverpinError as e:
            log.warning("keep.not_tried_again", error=str(e), **self._fields())

    def give_up(self) -> None:
        """Tells whoever waits that nothing will come any more, because the work was cancelled."""
        self._fail(UpstreamUnavailableError("the download was given up because this mirror stops"))

    async def _work(self) -> None:
        self._claim = await self._means.claims.try_claim(self._wanted.name)
        try:
            if self._claim is None:
                await self._follow()
            elif (kept := await self._adopt(self._wanted.sha256)) is not None:
                await self._end(Fetched(kept), elsewhere=True)
            else:
                await self._fetch(None)
        finally:
            await self._let_go()

    async def _follow(self) -> None:
        follow = Follow(self._means, self._wanted, self._handout, opened=self._open)
        self._claim = await follow.until_free()
        kept = await self._adopt(self._wanted.sha256 or await self._means.recorded(self._wanted))
        if kept is None:
            await self._fetch(follow.tail)
            return
        # Others who followed may see for themselves at the same time.
        await self._let_go()
        is_here = await follow.has_all()
        if self._handout.readable and not is_here:
            raise UpstreamUnavailableError("other bytes had been handed out before than were kept")
        await self._end(Fetched(kept), elsewhere=not is_here)

    async def _fetch(self, begun: Tail | None) -> None:
        if begun is not None:
            begun.freeze(self._handout.readable)
        fetch = Fetch(
            self._means,
            self._wanted,
            self._handout,
            opened=self._open,
            unshared=self._let_go,
            begun=begun,
            throttle=self._throttle,
        )
        try:
            fetched = await fetch.run()
            await self._note(fetched)
        finally:
            await fetch.close()
        await self._end(fetched)

    async def _adopt(self, sha256: Sha256 | None) -> Kept | None:
        """The object that the store already holds, as after a crash between put and record, or when another put it."""
        wanted = self._wanted
        if sha256 is None:
            return None
        try:
            size = await self._means.store.adopt(StoreKey(sha256))
        except StoreError:
            if not self._handout.is_wanted:
                raise
            # It will be told when it has to be put. Whoever waits for the bytes gets them nevertheless.
            return None
        if size is None or wanted.size not in (None, size):
            return None
        return Kept(sha256, size, HashSource.UPSTREAM if wanted.sha256 else HashSource.SELF)

    async def _note(self, fetched: Fetched) -> None:
        """Has it recorded for everybody's file, or allowed where it was not kept."""
        note = self._means.record if fetched.not_kept is None else self._means.allow
        while self._noted < len(self._joined):
            await note(self._joined[self._noted], fetched.kept)
            self._noted += 1
            reached("keep.recorded")

    async def _end(self, fetched: Fetched, *, elsewhere: bool = False) -> None:
        """Hands out everything, once it is noted also for those who joined last; `elsewhere`: from the store."""
        await self._note(fetched)
        # Nothing is awaited from here on, so nobody can join in between and be forgotten.
        if fetched.not_kept is None:
            self._kept = fetched.kept
        else:
            self._failure = fetched.not_kept
            log.warning("keep.passed_on", error=str(fetched.not_kept), **self._fields())
        self._open(fetched.kept.size)
        self._handout.finish(fetched.kept.size, elsewhere=elsewhere)

    async def _let_go(self) -> None:
        if self._claim is not None:
            claim, self._claim = self._claim, None
            await claim.release()

    def _open(self, size: int | None) -> None:
        if not self._opened:
            self._size = size
            self._opened = True
            self._handout.announce()

    def _fail(self, failure: Exception) -> None:
        if not self.is_over:
            self._failure = failure
            self._handout.fail(failure)

    async def _until_open(self) -> None:
        try:
            async with asyncio.timeout(self._means.patience_seconds):
                while not (self.is_over or self._opened):
                    await self._handout.moved()
        except TimeoutError as e:
            raise UpstreamUnavailableError("no byte came in time") from e
        if not self._handout.is_complete:
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise again(self._failure) from self._failure

    def _fields(self) -> dict[str, str]:
        filename = presentable(self._wanted.filename)
        return {"project": self._wanted.project, "filename": filename, "url": presentable(self._wanted.url)}
