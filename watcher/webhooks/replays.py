"""Dead letters that an operator wants to be sent once more: beside what is due, and in no order with it."""

import structlog

from mirror.catalog import dead_letters, webhooks
from mirror.catalog.dead_letters import DeadLetter
from mirror.catalog.webhooks import Target
from watcher.webhooks.backoff import MOST_REPLAYS, asked_wait
from watcher.webhooks.chosen import Chosen
from watcher.webhooks.dispatch import Accepted, Dispatch, Failure, Unwanted

log = structlog.get_logger()


class Replays:
    """Those of one target. What was redacted or dropped meanwhile is nothing to send any more."""

    def __init__(self, dispatch: Dispatch, target: Target, chosen: Chosen) -> None:
        self.name = target.name
        self._id = target.id
        self._chosen = chosen
        self._dispatch = dispatch

    async def send(self) -> None:
        """Sends all that are due, until the receiver wants nothing more."""
        is_wanted = True
        while is_wanted and (letter := await self._next()) is not None:
            is_wanted = await self._sent(letter)

    async def _next(self) -> DeadLetter | None:
        async with self._dispatch.reading() as conn:
            return await dead_letters.next_replay(conn, self._id, now=self._dispatch.now())

    async def _sent(self, letter: DeadLetter) -> bool:
        match outcome := await self._dispatch.send(self._id, self._chosen, letter.number, even_redacted=False):
            case Failure():
                await self._failed(letter, outcome)
                return True
            case Unwanted():
                await self._disabled(outcome)
                return False
            case Accepted():
                log.info("webhook.replayed", target=self.name, number=letter.number)
            case None:
                log.info("webhook.replay_dropped", target=self.name, number=letter.number)
        async with self._dispatch.writing() as conn:
            await dead_letters.replayed(conn, self._id, letter.number)
        return True

    async def _failed(self, letter: DeadLetter, failure: Failure) -> None:
        now, tries = self._dispatch.now(), letter.replays + 1
        wait = asked_wait(failure.status, failure.retry_after, now) or self._dispatch.pace(tries)
        is_over = failure.is_refused or tries >= MOST_REPLAYS
        async with self._dispatch.writing() as conn:
            await dead_letters.replay_failed(
                conn, self._id, letter.number, error=failure.error, next_at=None if is_over else now + wait
            )
        log.warning("webhook.replay_failed", target=self.name, number=letter.number, tries=tries, error=failure.error)

    async def _disabled(self, unwanted: Unwanted) -> None:
        now = self._dispatch.now()
        async with self._dispatch.writing() as conn:
            await webhooks.disable(conn, self._id, status=unwanted.status, reason=unwanted.reason, now=now)
        log.error("webhook.disabled", target=self.name, reason=unwanted.reason)
