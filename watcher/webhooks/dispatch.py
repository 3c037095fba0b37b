"""One try of one delivery, and what all deliveries of a term share: the ways out, and how much goes on at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

import aiohttp

from mirror import metrics
from mirror.catalog import events, webhooks
from mirror.catalog.database import Connection
from mirror.catalog.leadership import Led
from mirror.events import Event
from mirror.seams import reached
from watcher.webhooks.bodies import body_of
from watcher.webhooks.chosen import Chosen
from watcher.webhooks.egress import Answer, RefusedTargetError, UndeliveredError, post
from watcher.webhooks.signing import signed

AT_A_TIME = 32
"""How many deliveries are under way at a time, each to another target."""
# Targets are many and the connections to the database few, and others need them as well.
_CONNECTIONS = 3
_GONE = 410


@dataclass(frozen=True, slots=True)
class Sessions:
    """The ways out: to public addresses, and to any for the targets that may have a private one."""

    public: aiohttp.ClientSession
    private: aiohttp.ClientSession


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receiver has it, and said so with this status."""

    status: int


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The receiver wants nothing any more: it answered 410."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """It was not accepted; there is no `status` without an answer. `is_refused`: by our own rules it was not sent."""

    error: str
    status: int | None = None
    retry_after: str | None = None
    is_refused: bool = False


Outcome: TypeAlias = Accepted | Unwanted | Failure


@dataclass(frozen=True, slots=True)
class Dispatch:
    """How the leader of one term delivers. `pace` says how long to wait after so many failures."""

    catalog: Led
    sessions: Sessions
    epoch: int
    source: str
    now: Callable[[], datetime]
    pace: Callable[[int], timedelta]
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))
    _connections: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CONNECTIONS))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection to look with."""
        async with self._connections, self.catalog.reading() as conn:
            yield conn

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A connection in a transaction, which raises NotTheLeaderError where this term is over."""
        async with self._connections, self.catalog.writing() as conn:
            yield conn

    async def send(self, target: int, chosen: Chosen, number: int, *, even_redacted: bool = True) -> Outcome | None:
        """Sends the event of that number, once. None where there is nothing to send any more, or nobody to send it to.

        The event is read when its turn has come: it may have been redacted or dropped while it waited. Raises
        NotTheLeaderError where this term is over by then.
        """
        async with self._slots:
            event = await self._found(target, number)
            if event is None or (event.payload is None and not even_redacted):
                return None
            outcome = await self._posted(chosen, event)
        metrics.webhook_deliveries.labels(_counted_as(outcome)).inc()
        return outcome

    async def _found(self, target: int, number: int) -> Event | None:
        # In a transaction of the term's: one who was paused, and is replaced meanwhile, must not send old news.
        async with self.writing() as conn:
            if await webhooks.find(conn, target) is None:
                return None
            found = await events.after(conn, number - 1, limit=1, epoch=self.epoch)
        return found[0] if found and found[0].cursor.number == number else None

    async def _posted(self, chosen: Chosen, event: Event) -> Outcome:
        body = body_of(event, form=chosen.form, source=self.source)
        headers = signed(event.id, self.now(), body.content, chosen.secrets) | {"Content-Type": body.content_type}
        session = self.sessions.private if chosen.allow_private else self.sessions.public
        try:
            answer = await post(session, chosen.url, content=body.content, headers=headers, timeout=chosen.timeout)
        except RefusedTargetError as e:
            return Failure(str(e), is_refused=True)
        except UndeliveredError as e:
            return Failure(str(e))
        reached("webhook.sent")
        return _judged(answer)


def _judged(answer: Answer) -> Outcome:
    """Redirects are failures like others: whoever set the URL has to learn that it is another now."""
    if answer.is_success:
        return Accepted(answer.status)
    if answer.status == _GONE:
        return Unwanted(answer.status, f"answered {answer.status}: nothing more is wanted there")
    return Failure(f"answered {answer.status}", answer.status, answer.retry_after)


def _counted_as(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "delivered"
        case Unwanted():
            return "disabled"
        case Failure(is_refused=is_refused):
            return "refused" if is_refused else "failed"
