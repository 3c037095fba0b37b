"""What a watcher does and how often: the jobs of one `everpin watch` or `everpin up`."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import aiohttp
import structlog

from mirror import observe
from mirror.catalog import journal, pending, projects, rows
from mirror.catalog.database import Catalog
from mirror.catalog.notices import BacklogGrew, Notice, NoticesLost
from mirror.errors import EverpinError, UpstreamUnavailableError
from mirror.refresh import Refresher
from mirror.settings import Settings
from mirror.states import Rules
from mirror.supply import Supply
from watcher.journal.client import JournalClient
from watcher.keeper import BacklogKeeper
from watcher.poll import NotTheLeaderError, poll
from watcher.refreshes import refresh_due
from watcher.schedule import Job, Schedule, running

log = structlog.get_logger()

ROWS_KEPT = timedelta(days=30)
"""How long the journal's rows are remembered that need not be remembered for ever."""
_LONGEST_BACKOFF = timedelta(seconds=60)
_BACKOFF_INTERVALS = 20
_FIRST_POLL_SECONDS = 5.0


class Poller:
    """Polls the journal, and after failures waits longer and longer, but never long."""

    def __init__(
        self, *, catalog: Catalog, client: JournalClient, settings: Settings, rules: Rules, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._client = client
        self._rules = rules
        self._now = now
        self._interval = settings.watcher.poll_interval
        self._failures = 0
        self._not_before = 0.0

    async def tick(self) -> int:
        """One look at the journal, unless it is too early for one. Returns the number of new rows."""
        if time.monotonic() < self._not_before or self._client.pause_seconds > 0:
            return 0
        try:
            polled = await poll(self._catalog, self._client, rules=self._rules, now=self._now)
        except NotTheLeaderError as e:
            log.info("poll.not_the_leader", reason=str(e))
            return 0
        except UpstreamUnavailableError as e:
            self._failures += 1
            wait = self._backoff()
            self._not_before = time.monotonic() + wait.total_seconds()
            log.warning("poll.failed", error=str(e), failures=self._failures, retry_seconds=wait.total_seconds())
            return 0
        self._failures = 0
        return polled.rows

    def _backoff(self) -> timedelta:
        longest = min(_LONGEST_BACKOFF, self._interval * _BACKOFF_INTERVALS)
        return min(self._interval * 2.0 ** min(self._failures - 1, 10), longest)


class Duties:
    """All jobs of one watcher."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        session: aiohttp.ClientSession,
        refresher: Refresher,
        supply: Supply,
        settings: Settings,
        rules: Rules,
        claimer: uuid.UUID,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._refresher = refresher
        self._rules = rules
        self._now = now
        self._interval = settings.watcher.poll_interval
        client = JournalClient(
            session, settings.upstream.journal_url, timeout=settings.upstream.timeout.total_seconds()
        )
        self._poller = Poller(catalog=catalog, client=client, settings=settings, rules=rules, now=now)
        self._keeper = BacklogKeeper(
            catalog=catalog,
            supply=supply,
            rules=rules,
            workers=settings.keep.workers,
            claimer=claimer,
            now=now,
        )
        self._schedule: Schedule | None = None

    async def first_look(self) -> None:
        """Sets the cursor before any page is fetched, so that no row falls between. Does not wait long for it.

        Where it was set at an earlier start nothing needs to be waited for.
        """
        async with self._catalog.reading() as conn:
            if await journal.position(conn) is not None:
                return
        try:
            await asyncio.wait_for(self._poller.tick(), _FIRST_POLL_SECONDS)
        except TimeoutError:
            log.warning("poll.failed", error="the journal did not answer in time")

    @asynccontextmanager
    async def performed(self) -> AsyncIterator[None]:
        """Performs them until the end."""
        jobs = [
            Job("poll", self._interval, self._poll, at_once=True),
            Job("refresh", timedelta(seconds=1), self._refresh),
            Job("keep", timedelta(seconds=5), self._keeper.work_off),
            Job("clock", timedelta(seconds=5), self._clock),
            Job("forget", timedelta(hours=1), self._forget),
        ]
        async with running(jobs) as schedule:
            self._schedule = schedule
            try:
                yield
            finally:
                self._schedule = None

    def heard(self, notice: Notice) -> None:
        """Takes notice of files that are wanted at once."""
        if self._schedule is not None and isinstance(notice, BacklogGrew | NoticesLost):
            self._schedule.hurry("keep")

    async def _poll(self) -> None:
        if await self._poller.tick() and self._schedule is not None:
            self._schedule.hurry("refresh")

    async def _refresh(self) -> None:
        await refresh_due(self._catalog, self._refresher, now=self._now)

    async def _clock(self) -> None:
        now = self._now()
        async with self._catalog.reading() as conn:
            names = {*await pending.due(conn, now=now), *await projects.with_passing_states(conn, now=now)}
        for name in sorted(names):
            try:
                async with self._catalog.writing() as conn:
                    await observe.clock(conn, [name], rules=self._rules, now=now)
            except EverpinError as e:
                log.warning("clock.failed", project=name, error=str(e))

    async def _forget(self) -> None:
        async with self._catalog.writing() as conn:
            if forgotten := await rows.forget_passing(conn, self._now() - ROWS_KEPT):
                log.info("rows.forgotten", rows=forgotten)
