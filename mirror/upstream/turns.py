"""How often the index is asked for what no client waits for: a few requests a second, and none while it asks for peace.

Whoever looks after pages in the background takes a turn for each request. What is wanted comes before what is merely
routine; within each the first to ask is the first to go. Requests that clients wait for take no turn.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from enum import Enum

import structlog

from mirror import clock
from mirror.upstream.limits import told_pause

log = structlog.get_logger()

REQUESTS_PER_SECOND = 4.0
"""All that one process asks of the index in the background."""

BURST = 8
"""So many may follow each other at once after a time of rest."""


class Urgency(Enum):
    """What a request is for: news that are wanted now, or looking after what nothing is known to have happened to."""

    WANTED = "wanted"
    ROUTINE = "routine"


class Turns:
    """Gives turns. `seconds` counts them."""

    def __init__(
        self,
        *,
        per_second: float = REQUESTS_PER_SECOND,
        burst: int = BURST,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._seconds = seconds
        self._left = self._burst
        self._counted_at = seconds()
        self._not_before = self._counted_at
        self._queues = {urgency: asyncio.Lock() for urgency in Urgency}

    @property
    def pause_seconds(self) -> float:
        """For how much longer the index asked to be left alone."""
        return max(0.0, self._not_before - self._seconds())

    async def take(self, urgency: Urgency = Urgency.WANTED) -> bool:
        """Waits until one request may go. False, at once, where none may for a while: come again later."""
        # Routine leaves half of what may go at once, so that what is wanted need not wait behind it.
        needed = 1.0 + (self._burst / 2 if urgency is Urgency.ROUTINE else 0.0)
        async with self._queues[urgency]:
            while self.pause_seconds == 0.0:
                self._count()
                if self._left >= min(needed, self._burst):
                    self._left -= 1.0
                    return True
                await asyncio.sleep((needed - self._left) / self._per_second)
        return False

    def heed(self, status: int, values: Callable[[str], Sequence[str]]) -> None:
        """Takes notice of what an answer says of limits; `values` gives a header's values."""
        pause = told_pause(status, values, clock.now())
        if pause <= self.pause_seconds:
            return
        if self.pause_seconds == 0.0:
            log.warning("upstream.paused", status=status, pause_seconds=round(pause))
        self._not_before = self._seconds() + pause

    def _count(self) -> None:
        now = self._seconds()
        passed = max(0.0, now - self._counted_at)
        self._counted_at = now
        self._left = min(self._burst, self._left + passed * self._per_second)
