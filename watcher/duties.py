"""What a watcher does and how often: the jobs of one `everpin watch` or `everpin up`.

There are two lists. What `_of_everyone` names every watcher does. What `_of_the_leader` names only one of those on a
database does at a time; its jobs write through the `Led` catalog they are given, and through nothing else.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import structlog

from mirror import observe
from mirror.catalog import bursts, downloads, epochs, journal, lock_feeds, pending, projects, retention, rows
from mirror.catalog.database import Catalog
from mirror.catalog.leadership import PACE, Led, Pace, competing
from mirror.catalog.notices import BacklogGrew, EventsTold, Notice, NoticesLost
from mirror.errors import EverpinError, NotTheLeaderError, UpstreamUnavailableError
from mirror.refresh import Refresher
from mirror.sealing import Sealer
from mirror.setting_values import JournalSource
from mirror.settings import Settings
from mirror.states import Rules
from mirror.supply import Supply
from watcher import looking, room, scope, sweep
from watcher.advisories import reader_of
from watcher.bandwidth import Bandwidth
from watcher.journal.client import JournalClient
from watcher.journal.updates import UpdatesClient
from watcher.keeper import BacklogKeeper
from watcher.poll import begin
from watcher.poller import Poller, Sources
from watcher.refreshes import refresh_due
from watcher.room import RoomKeeper
from watcher.rounds import Rounds
from watcher.schedule import Job, Schedule, running
from watcher.unasked import Unasked
from watcher.webhooks.delivery import Delivery, Post

log = structlog.get_logger()

ROWS_KEPT = timedelta(days=30)
"""How long the journal's rows are remembered that need not be remembered for ever."""
DOWNLOADS_KEPT = timedelta(days=downloads.DAYS_TOLD + 1)
"""How long it is remembered how often a file was fetched on a day."""
BURSTS_KEPT = timedelta(days=30)
"""How long it is remembered when a project's last deletion was: much longer than rows can be late."""
_EVENTS_AT_A_TIME = 2_000
_FIRST_LOOK_SECONDS = 5.0
_CALLS_APART = timedelta(seconds=1)


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
        post: Post | None = None,
        pace: Pace = PACE,
    ) -> None:
        """Without a `post` no event is pushed to anybody."""
        self._catalog = catalog
        self._refresher = refresher
        self._session = session
        self._settings = settings
        self._rules = rules
        self._now = now
        self._pace = pace
        seconds = settings.upstream.timeout.total_seconds()
        self._sources = Sources(
            JournalClient(session, settings.upstream.journal_url, timeout=seconds, spacing=_spacing(settings)),
            UpdatesClient(session, settings.upstream.updates_url, timeout=seconds),
        )
        self._keeper = BacklogKeeper(
            catalog=catalog,
            supply=supply,
            rules=rules,
            workers=settings.keep.workers,
            claimer=claimer,
            now=now,
            pace=Bandwidth(settings.keep.bandwidth) if settings.keep.bandwidth else None,
        )
        self._supply = supply
        self._post = post
        self._schedules: list[Schedule] = []

    def _of_everyone(self) -> list[Job]:
        return [
            Job("keep", timedelta(seconds=5), self._keeper.work_off),
        ]

    def _of_the_leader(self, catalog: Led) -> list[Job]:
        poller = Poller(
            catalog=catalog, sources=self._sources, settings=self._settings, rules=self._rules, now=self._now
        )

        async def poll() -> None:
            if await poller.tick():
                self._hurry("refresh")

        held_for = self._settings.feed.retention

        async def refresh() -> None:
            await refresh_due(catalog, self._refresher, now=self._now)

        return [
            Job("poll", self._settings.watcher.poll_interval, poll),
            Job("refresh", timedelta(seconds=1), refresh),
            Job("clock", timedelta(seconds=5), lambda: apply_clock(catalog, rules=self._rules, now=self._now())),
            Job("seal", timedelta(seconds=10), Sealer(catalog, self._supply.store).tick),
            Job("forget", timedelta(hours=1), lambda: forget_rows(catalog, now=self._now())),
            Job("forget events", timedelta(hours=1), lambda: forget_events(catalog, held_for, now=self._now())),
            *self._keeping(catalog),
            *self._advisories(catalog),
            *self._looking(catalog),
        ]

    def _keeping(self, catalog: Led) -> list[Job]:
        """Wanting what is in scope, and keeping the store within its quota."""
        settings, rules = self._settings, self._rules
        room_keeper = RoomKeeper(
            catalog=catalog,
            store=self._supply.store,
            directory=None if settings.store.url.startswith("s3:") else settings.store_dir,
            quota=settings.keep.quota,
            keeping=rules.keeping,
            now=self._now,
        )
        return [
            Job("scope", scope.TICK, scope.ScopeCarrier(catalog, rules.keeping, now=self._now).tick),
            Job("room", room.TICK, room_keeper.tick),
        ]

    def _advisories(self, catalog: Led) -> list[Job]:
        """Reading advisories of malware, where there is a source of them."""
        reader = reader_of(self._settings, catalog=catalog, session=self._session, rules=self._rules, now=self._now)
        return [Job("advisories", reader.pace, reader.tick)] if reader is not None else []

    def _looking(self, catalog: Led) -> list[Job]:
        """Looking at pages without being told to."""
        watched, now = self._settings.watcher, self._now
        rounds = Rounds(catalog, self._refresher, interval=watched.refresh_interval, now=now)
        sweeps = sweep.Sweep(
            catalog, self._refresher.index, inventory=watched.inventory, interval=watched.sweep_interval, now=now
        )
        unasked = Unasked(catalog, self._refresher, inventory=watched.inventory, now=now)
        return [
            Job("rounds", min(looking.TICK, watched.refresh_interval), rounds.tick),
            Job("sweep", min(sweep.TICK, watched.sweep_interval), sweeps.tick),
            Job("unasked", looking.TICK, unasked.tick),
        ]

    async def first_look(self) -> None:
        """Sets the cursor before any page is fetched, so that no row falls between. Does not wait long for it.

        Where it was set at an earlier start, or the journal is not wanted, nothing needs to be waited for.
        """
        if self._settings.watcher.source is JournalSource.RSS:
            return
        async with self._catalog.reading() as conn:
            if await journal.position(conn) is not None:
                return
        try:
            await asyncio.wait_for(begin(self._catalog, self._sources.journal, now=self._now), _FIRST_LOOK_SECONDS)
        except (UpstreamUnavailableError, TimeoutError) as e:
            log.warning("poll.failed", error=str(e) or "the journal did not answer in time")

    @asynccontextmanager
    async def performed(self) -> AsyncIterator[None]:
        """Performs them until the end, those of the leader whenever this one leads."""
        holder = f"{socket.gethostname()} (process {os.getpid()})"
        async with (
            self._running(self._of_everyone()),
            competing(self._catalog, holder=holder, lead=self._leading, pace=self._pace),
        ):
            yield

    def heard(self, notice: Notice) -> None:
        """Takes notice of files that are wanted at once, and of events that are to be pushed."""
        if isinstance(notice, BacklogGrew | NoticesLost):
            self._hurry("keep")
        if isinstance(notice, EventsTold | NoticesLost):
            self._hurry("webhooks")

    @asynccontextmanager
    async def _leading(self, catalog: Led) -> AsyncIterator[None]:
        # A term can begin because the database was put back meanwhile: then what it tells is another history.
        async with catalog.writing() as conn:
            await epochs.compare(conn)
        async with AsyncExitStack() as stack:
            jobs = self._of_the_leader(catalog)
            if self._post is not None:
                push = Delivery(self._post, catalog)
                jobs.append(Job("webhooks", self._post.tick, push.tick))
            await stack.enter_async_context(self._running(jobs))
            if self._post is not None:
                # Left first: what is under way ends with the term at once, whatever else takes its time.
                await stack.enter_async_context(aclosing(push))
            yield

    @asynccontextmanager
    async def _running(self, jobs: list[Job]) -> AsyncIterator[None]:
        async with running(jobs) as schedule:
            self._schedules.append(schedule)
            try:
                yield
            finally:
                self._schedules.remove(schedule)

    def _hurry(self, job: str) -> None:
        for schedule in self._schedules:
            schedule.hurry(job)


def _spacing(settings: Settings) -> float:
    """How long to wait between calls of the journal: PyPI asks for a second. Who polls more often has another index."""
    return min(_CALLS_APART, settings.watcher.poll_interval).total_seconds()


async def apply_clock(catalog: Catalog, *, rules: Rules, now: datetime) -> None:
    """Applies what the mere passing of time changed."""
    async with catalog.reading() as conn:
        names = {*await pending.due(conn, now=now), *await projects.with_passing_states(conn, now=now)}
    for name in sorted(names):
        try:
            async with catalog.writing() as conn:
                await observe.clock(conn, [name], rules=rules, now=now)
        except NotTheLeaderError:
            raise
        except EverpinError as e:
            log.warning("clock.failed", project=name, error=str(e))


async def forget_rows(catalog: Catalog, *, now: datetime) -> None:
    """Forgets what is of no use any more: old rows of the journal, downloads, bursts, and feeds of locks unread."""
    async with catalog.writing() as conn:
        if forgotten := await rows.forget_passing(conn, now - ROWS_KEPT):
            log.info("rows.forgotten", rows=forgotten)
    async with catalog.writing() as conn:
        if forgotten := await downloads.forget(conn, before=(now - DOWNLOADS_KEPT).astimezone(UTC).date()):
            log.info("downloads.forgotten", days_of_files=forgotten)
        await bursts.forget(conn, before=now - BURSTS_KEPT)
    async with catalog.writing() as conn:
        if forgotten := await lock_feeds.forget(conn, now=now):
            log.info("lock_feeds.forgotten", feeds=forgotten)


async def forget_events(catalog: Catalog, held_for: timedelta | None, *, now: datetime) -> None:
    """Forgets events that were told longer ago than that, a bounded number in each transaction; None forgets none."""
    if held_for is None:
        return
    total, forgotten = 0, _EVENTS_AT_A_TIME
    while forgotten == _EVENTS_AT_A_TIME:
        async with catalog.writing() as conn:
            forgotten = await retention.forget(conn, before=now - held_for, limit=_EVENTS_AT_A_TIME)
        total += forgotten
    if total:
        log.info("events.forgotten", events=total)
