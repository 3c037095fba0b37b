"""Works off the backlog: files whose bytes are wanted though no client waits, most urgently those that departed.

Where there is no room, on the disk or by the quota, only those are tried that departed.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from mirror import metrics, observe
from mirror.catalog import backlog, files, room
from mirror.catalog.backlog import Claim, Priority
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.files import FoundFile
from mirror.errors import EverpinError, NoRoomError, NotThereError, RefusedError, StoreError, TooLargeError
from mirror.keep.pace import Pace
from mirror.keeping import is_worth_keeping
from mirror.model import State
from mirror.seams import reached
from mirror.states import Rules
from mirror.supply import Supply
from watcher.whole_files import keep_whole

log = structlog.get_logger()

# A file that upstream's storage says it does not have is asked for so often before it counts as lost: a fresh upload
# may be missing for moments, and storage has been wrong before.
_TRIES_UNTIL_LOST = 6
_FIRST_RETRY_SECONDS = 2.0
_LONGEST_RETRY_SECONDS = 3600.0
# Where the disk was full or the store away, upstream is not to blame, and may delete the bytes before an hour is over.
_LONGEST_STORE_RETRY_SECONDS = 60.0
_RENEW_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 1.0
_FULL_FOR = timedelta(minutes=1)
"""After a disk was full, nothing but what departed is tried for so long."""


class BacklogKeeper:
    """Claims files from the backlog and keeps them, a few at a time. No two may claim as the same `claimer`."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        supply: Supply,
        rules: Rules,
        workers: int,
        claimer: uuid.UUID,
        now: Callable[[], datetime],
        pace: Pace | None = None,
    ) -> None:
        self._catalog = catalog
        self._supply = supply
        self._rules = rules
        self._workers = workers
        self._now = now
        self._claimer = claimer
        self._pace = pace
        self._full_until: datetime | None = None

    async def work_off(self) -> int:
        """Keeps what is due until nothing more is, and says how many files that were.

        A file that takes long occupies one place; what becomes due meanwhile takes the others.
        """
        done = 0
        running: set[asyncio.Task[None]] = set()
        renewal = asyncio.create_task(self._renew(), name="renew claims")
        try:
            await self._give_back()
            while True:
                running |= await self._start(self._workers - len(running))
                if not running:
                    return done
                finished, running = await asyncio.wait(
                    running, timeout=_LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                # Raises the first failure and looks at the others: several files can fail at once.
                await asyncio.gather(*finished)
                done += len(finished)
        finally:
            await _ended({renewal, *running})

    async def _start(self, places: int) -> set[asyncio.Task[None]]:
        """Claims as many files as there are places, and begins to keep them."""
        if places <= 0:
            return set()
        async with self._catalog.writing() as conn:
            claimed = await backlog.claim(
                conn, self._claimer, limit=places, now=self._now(), up_to=await self._up_to(conn)
            )
        return {asyncio.create_task(self._keep(claim), name=f"keep file {claim.file_id}") for claim in claimed}

    async def _up_to(self, conn: Connection) -> int:
        """The least urgent that there is room for."""
        found = await room.read(conn)
        is_used_up = found.limit is not None and found.used >= found.limit
        if is_used_up or (self._full_until is not None and self._now() < self._full_until):
            return Priority.RESCUE
        return found.kept_up_to

    async def _give_back(self) -> None:
        """Gives back what an earlier round that broke off, or died, had claimed: nobody is at it now."""
        async with self._catalog.writing() as conn:
            await backlog.give_back(conn, self._claimer)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with self._catalog.writing() as conn:
                    await backlog.renew(conn, self._claimer, now=self._now())
            except EverpinError as e:
                # The lease is long enough for several failures.
                log.warning("keeper.not_renewed", error=str(e))

    async def _keep(self, claim: Claim) -> None:
        reached("backlog.claimed")
        file_id = claim.file_id
        async with self._catalog.reading() as conn:
            found = await files.by_id(conn, file_id)
        if found is None or not self._may_be_kept(found, claim):
            await self._finish(file_id)
            return
        is_rescue = found.facts.is_gone and found.facts.stored_at is None
        try:
            await keep_whole(self._supply, found, pace=self._pace)
        except TooLargeError as e:
            await self._too_large(found, e, is_rescue=is_rescue)
        except (NotThereError, RefusedError) as e:
            await self._not_had(found, claim, e, is_rescue=is_rescue)
        except EverpinError as e:
            await self._retry(found, claim.attempts, e)
        else:
            if is_rescue:
                metrics.rescues.labels("rescued").inc()
                log.info("keeper.rescued", project=found.project, filename=found.facts.filename)
            reached("backlog.kept")
            await self._finish(file_id)

    def _may_be_kept(self, found: FoundFile, claim: Claim) -> bool:
        """Whether what was true when the file was put into the backlog still is."""
        facts = found.facts
        if facts.state in (State.BLOCKED, State.PURGED) or self._rules.keeping.is_private(found.project):
            return False
        return claim.priority <= Priority.REQUESTED or facts.is_gone or is_worth_keeping(facts)

    async def _too_large(self, found: FoundFile, error: EverpinError, *, is_rescue: bool) -> None:
        """Gives up: by the same settings it is too large the next time as well."""
        if found.facts.id is None:
            return
        metrics.keep_failures.labels("too_large").inc()
        log.warning("keeper.too_large", project=found.project, filename=found.facts.filename, error=str(error))
        if is_rescue:
            metrics.rescues.labels("lost").inc()
            async with self._catalog.writing() as conn:
                await observe.file_lost(conn, found.facts.id, rules=self._rules, now=self._now())
        await self._finish(found.facts.id)

    async def _not_had(self, found: FoundFile, claim: Claim, error: EverpinError, *, is_rescue: bool) -> None:
        denials = claim.denials + 1
        if denials < _TRIES_UNTIL_LOST:
            await self._retry(found, claim.denials, error, denied=True)
            return
        if found.facts.id is None:
            return
        if denials == _TRIES_UNTIL_LOST:
            metrics.keep_failures.labels("not_there").inc()
            if is_rescue:
                metrics.rescues.labels("lost").inc()
            event = "keeper.lost" if is_rescue else "keeper.not_there"
            log.error(event, project=found.project, filename=found.facts.filename, error=str(error))
        if is_rescue:
            async with self._catalog.writing() as conn:
                await observe.file_lost(conn, found.facts.id, rules=self._rules, now=self._now())
        wait = _slow_wait(denials - _TRIES_UNTIL_LOST)
        if wait is None:
            await self._finish(found.facts.id)
        else:
            await self._try_again(found.facts.id, wait, error, denied=True)

    async def _retry(self, found: FoundFile, tries: int, error: EverpinError, *, denied: bool = False) -> None:
        longest = _LONGEST_STORE_RETRY_SECONDS if isinstance(error, StoreError) else _LONGEST_RETRY_SECONDS
        wait = min(_FIRST_RETRY_SECONDS * 2.0 ** min(tries, 16), longest)
        metrics.keep_failures.labels("retried").inc()
        if isinstance(error, NoRoomError):
            await self._note_full(error)
        if found.facts.id is not None:
            await self._try_again(found.facts.id, timedelta(seconds=wait), error, denied=denied)

    async def _try_again(self, file_id: int, wait: timedelta, error: EverpinError, *, denied: bool) -> None:
        async with self._catalog.writing() as conn:
            await backlog.retry_later(conn, file_id, due_at=self._now() + wait, error=str(error), denied=denied)

    async def _note_full(self, error: NoRoomError) -> None:
        now = self._now()
        if self._full_until is None or now >= self._full_until:
            log.error("keeper.no_room", error=str(error), kept="only what departs")
        self._full_until = now + _FULL_FOR
        async with self._catalog.writing() as conn:
            await room.note_full(conn, now=now)

    async def _finish(self, file_id: int) -> None:
        async with self._catalog.writing() as conn:
            await backlog.done(conn, file_id)


def _slow_wait(tries: int) -> timedelta | None:
    """How long to wait after so many tries for a file that counts as lost: storage has been wrong for hours before.

    Every hour for a day, then every day for a month; None when nothing more is to be hoped for.
    """
    if tries < 24:
        return timedelta(hours=1)
    return timedelta(days=1) if tries < 24 + 30 else None


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
