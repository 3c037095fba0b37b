"""Asks again and again for news: the journal, or while that cannot be read the feed of new releases.

Promises: the journal is asked again all the time, and read on from where it was as soon as it answers; whatever source
is used, and since when the journal was not read, stands in the catalog, so that whoever leads next goes on with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from mirror.catalog import journal, news
from mirror.catalog.database import Catalog
from mirror.catalog.news import News, Source
from mirror.errors import NotTheLeaderError, UpstreamUnavailableError
from mirror.setting_values import JournalSource
from mirror.settings import Settings
from mirror.states import Rules
from watcher import gaps
from watcher.journal.client import JournalClient, JournalRateLimitedError
from watcher.journal.continued import JournalSetBackError
from watcher.journal.updates import UpdatesClient
from watcher.newcomers import Newcomers
from watcher.patience import Patience
from watcher.poll import poll

log = structlog.get_logger()

FEWEST_FAILURES = 3
"""So often in a row the journal must have failed before it counts as one that cannot be read,"""
LONGEST_TRUST = timedelta(minutes=5)
"""and for so long,"""
POLLS_TRUSTED = 10
"""or for so many polls, where these take less time."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Those who can be asked."""

    journal: JournalClient
    updates: UpdatesClient


class Poller:
    """One who polls: its ticks know of the failures of those before. Through `catalog` it reads and writes."""

    def __init__(
        self, *, catalog: Catalog, sources: Sources, settings: Settings, rules: Rules, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._journal = sources.journal
        self._rules = rules
        self._now = now
        self._wanted = settings.watcher.source
        self._inventory = settings.watcher.inventory
        self._interval = settings.watcher.poll_interval
        self._newcomers = Newcomers(catalog=catalog, client=sources.updates, inventory=self._inventory, now=now)
        self._with_journal = Patience(self._interval)
        self._with_feed = Patience(self._interval)
        self._failing_since: datetime | None = None
        self._limited_since: datetime | None = None
        self._is_settled = False

    async def tick(self) -> int:
        """One look at what tells of news, unless it is too early. Returns the number of new rows and wanted pages."""
        if not self._is_settled:
            await self._settle()
        found = 0
        try:
            if self._wanted is not JournalSource.RSS:
                found += await self._read_journal()
            if (await self._news()).source is Source.RSS:
                found += await self._look_at_feed()
        except NotTheLeaderError as e:
            log.info("poll.not_the_leader", reason=str(e))
        return found

    async def _settle(self) -> None:
        """Makes what the catalog says agree with the settings, which may have changed since the last run."""
        known = await self._news()
        if self._wanted is JournalSource.RSS:
            await self._give_up(known)
        elif self._wanted is JournalSource.CHANGELOG and known.source is not Source.CHANGELOG:
            async with self._catalog.writing() as conn:
                await news.choose(conn, Source.CHANGELOG)
        self._is_settled = True

    async def _read_journal(self) -> int:
        if self._journal.pause_seconds > 0:
            await self._limited()
            return 0
        if self._with_journal.is_waiting:
            return 0
        try:
            polled = await poll(
                self._catalog, self._journal, rules=self._rules, now=self._now, inventory=self._inventory
            )
        except UpstreamUnavailableError as e:
            await self._failed(e)
            return 0
        self._with_journal.succeeded()
        self._failing_since = self._limited_since = None
        known = await self._news()
        if known.gap_since is not None or known.source is not Source.CHANGELOG:
            await self._return()
        return polled.rows

    async def _failed(self, error: UpstreamUnavailableError) -> None:
        is_announced = isinstance(error, JournalRateLimitedError) and error.is_told
        wait = timedelta(seconds=self._journal.pause_seconds) if is_announced else self._with_journal.failed()
        log.warning(
            "poll.failed",
            error=str(error),
            failures=self._with_journal.failures,
            retry_seconds=round(wait.total_seconds(), 1),
        )
        if is_announced:
            await self._limited()
            return
        self._failing_since = self._failing_since or self._now()
        if await self._is_unreadable():
            await self._give_up(await self._news(), is_set_back=isinstance(error, JournalSetBackError))

    async def _limited(self) -> None:
        """A limit that says when it ends is no failure, but one that is announced again and again is no journal."""
        self._limited_since = self._limited_since or self._now()
        if self._now() - self._limited_since >= self._trust:
            await self._give_up(await self._news())

    @property
    def _trust(self) -> timedelta:
        """For how long what was read last stands for a journal that is not read."""
        return min(LONGEST_TRUST, self._interval * POLLS_TRUSTED)

    async def _is_unreadable(self) -> bool:
        if self._with_journal.failures < FEWEST_FAILURES or self._failing_since is None:
            return False
        async with self._catalog.reading() as conn:
            position = await journal.position(conn)
        since = position.checked_at if position else self._failing_since
        return self._now() - since >= self._trust

    async def _give_up(self, known: News, *, is_set_back: bool = False) -> None:
        """Tells that the journal cannot be read, and takes the feed instead where that is wanted."""
        source = Source.CHANGELOG if self._wanted is JournalSource.CHANGELOG else Source.RSS
        if known.source is source and known.gap_since is not None and known.is_set_back >= is_set_back:
            return
        async with self._catalog.writing() as conn:
            await news.choose(conn, source)
            since = await gaps.begin(conn, now=self._now(), is_set_back=is_set_back)
        if is_set_back and not known.is_set_back:
            log.error("journal.set_back", source=source)
        if since is not None or known.source is not source:
            log.warning("source.journal_given_up", source=source, journal_read_at=since.isoformat() if since else None)

    async def _return(self) -> None:
        async with self._catalog.writing() as conn:
            await news.choose(conn, Source.CHANGELOG)
            period = await gaps.end(conn, now=self._now())
        log.info("source.journal_is_back", recovered=period.recovered if period else None)

    async def _look_at_feed(self) -> int:
        if self._with_feed.is_waiting:
            return 0
        try:
            found = await self._newcomers.look()
        except UpstreamUnavailableError as e:
            wait = self._with_feed.failed()
            # Not every index has such a feed, and to say so once is enough.
            tell = log.warning if self._with_feed.failures == 1 else log.info
            tell("rss.failed", error=str(e), retry_seconds=round(wait.total_seconds(), 1))
            return 0
        self._with_feed.succeeded()
        return found

    async def _news(self) -> News:
        async with self._catalog.reading() as conn:
            return await news.read(conn)
