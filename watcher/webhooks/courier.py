"""Deliveries to one target: in the order of the events, each until it was accepted or given up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from mirror import metrics
from mirror.catalog import webhooks
from mirror.catalog.database import Connection
from mirror.catalog.webhooks import Target
from mirror.errors import CatalogUnavailableError
from mirror.events import Event
from watcher.feed.asking import Resync
from watcher.feed.reading import page_after
from watcher.webhooks.backoff import LONGEST_WAIT, asked_wait, next_try
from watcher.webhooks.chosen import Chosen
from watcher.webhooks.dispatch import Accepted, Dispatch, Failure, Unwanted

log = structlog.get_logger()

# A clock that is set meanwhile must not make a wait longer than this.
_LONGEST_SLEEP_SECONDS = 30.0


class Courier:
    """Delivers to one target. `position` is the newest event that it is done with, or that is not for it.

    The catalog may know of an older one only: events that are passed over are not worth a transaction each.
    """

    def __init__(self, dispatch: Dispatch, target: Target, chosen: Chosen) -> None:
        self.name = target.name
        self.enabled_at = target.enabled_at
        self.position = target.number
        self._id = target.id
        self._chosen = chosen
        self._dispatch = dispatch
        self._told = asyncio.Event()

    def told(self) -> None:
        """There may be more events."""
        self._told.set()

    async def deliver(self) -> None:
        """Delivers what is due, and goes on with what is told meanwhile, until the target is disabled or gone.

        Raises NotTheLeaderError where the term is over. After any error it can be called again: what was sent and is
        not recorded is then sent once more.
        """
        target = await self._look()
        while target is not None and target.disabled_at is None:
            await self._until(target.next_at)
            event = await self._next()
            if event is None:
                await self._told.wait()
            else:
                target = await self._send(target, event)

    async def _look(self) -> Target | None:
        async with self._dispatch.reading() as conn:
            target = await webhooks.find(conn, self._id)
        if target is not None:
            self.position = max(self.position, target.number)
        return target

    async def _until(self, moment: datetime | None) -> None:
        if moment is None:
            return
        # What is further off was noted by a clock that was wrong.
        while timedelta(0) < (left := moment - self._dispatch.now()) <= LONGEST_WAIT:  # noqa: ASYNC110 - time
            await asyncio.sleep(min(left.total_seconds(), _LONGEST_SLEEP_SECONDS))

    async def _next(self) -> Event | None:
        """The next event that the target wants, if there is one by now."""
        self._told.clear()
        while True:
            try:
                async with self._dispatch.reading() as conn:
                    page = await page_after(
                        conn, self.position, epoch=self._dispatch.epoch, wanted=self._chosen.wanted, limit=1
                    )
            except Resync as e:
                self._skip_to(e)
                continue
            if page.events:
                return page.events[0]
            self.position = page.end
            if not page.more:
                return None

    def _skip_to(self, resync: Resync) -> None:
        """Goes on with the oldest event that is held. What was dropped before cannot be sent any more."""
        oldest = resync.oldest
        if oldest.epoch != self._dispatch.epoch:
            raise CatalogUnavailableError("the database was replaced by another while events were delivered from it")
        dropped = oldest.number - self.position
        log.error("webhook.events_expired", target=self.name, events=dropped)
        metrics.webhook_deliveries.labels("dead").inc(dropped)
        self.position = oldest.number

    async def _send(self, target: Target, event: Event) -> Target | None:
        """One try. Returns the target as it stands afterwards."""
        match outcome := await self._dispatch.send(self._id, self._chosen, event.cursor.number):
            case Accepted():
                return await self._delivered(event, outcome)
            case Unwanted():
                return await self._disabled(outcome)
            case Failure():
                return await self._failed(target, event, outcome)
            case None:
                return await self._look()

    async def _delivered(self, event: Event, accepted: Accepted) -> Target | None:
        number, now = event.cursor.number, self._dispatch.now()
        target = await self._record(
            lambda conn: webhooks.delivered(conn, self._id, number, status=accepted.status, now=now)
        )
        self.position = number
        log.debug("webhook.delivered", target=self.name, event_id=event.id)
        return target

    async def _disabled(self, unwanted: Unwanted) -> Target | None:
        now = self._dispatch.now()
        target = await self._record(
            lambda conn: webhooks.disable(conn, self._id, status=unwanted.status, reason=unwanted.reason, now=now)
        )
        log.error("webhook.disabled", target=self.name, reason=unwanted.reason)
        return target

    async def _failed(self, target: Target, event: Event, failure: Failure) -> Target | None:
        if failure.is_refused:
            log.error("webhook.refused", target=self.name, event_id=event.id, error=failure.error)
            return await self._give_up(event, failure, pause=timedelta(0))
        now, tries = self._dispatch.now(), target.attempts + 1
        asked = asked_wait(failure.status, failure.retry_after, now)
        # Who was enabled again begins anew, however long it failed before.
        failing_since = max(target.failing_since or now, target.enabled_at or event.time)
        next_at = next_try(
            tries,
            told_at=event.time,
            failing_since=failing_since,
            now=now,
            wait=self._dispatch.pace(tries),
            asked=asked,
        )
        if next_at is None:
            log.error("webhook.given_up", target=self.name, event_id=event.id, tries=tries, error=failure.error)
            metrics.webhook_deliveries.labels("dead").inc()
            # Old events are tried once each: with a pause, lest many are given up while a receiver restarts.
            return await self._give_up(event, failure, pause=max(asked or timedelta(0), self._dispatch.pace(1)))
        log.warning(
            "webhook.failed",
            target=self.name,
            event_id=event.id,
            tries=tries,
            error=failure.error,
            retry_seconds=round((next_at - now).total_seconds(), 1),
        )
        status, error = failure.status, failure.error
        return await self._record(
            lambda conn: webhooks.failed(conn, self._id, status=status, error=error, next_at=next_at, now=now)
        )

    async def _give_up(self, event: Event, failure: Failure, *, pause: timedelta) -> Target | None:
        number, now = event.cursor.number, self._dispatch.now()
        status, error, next_at = failure.status, failure.error, now + pause
        target = await self._record(
            lambda conn: webhooks.give_up(conn, self._id, number, status=status, error=error, next_at=next_at, now=now)
        )
        self.position = number
        return target

    async def _record(self, write: Callable[[Connection], Awaitable[None]]) -> Target | None:
        """The target as it stands afterwards; None where it was dropped meanwhile."""
        async with self._dispatch.writing() as conn:
            await write(conn)
            return await webhooks.find(conn, self._id)
