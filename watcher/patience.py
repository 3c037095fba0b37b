"""How long to leave somebody alone who failed: longer and longer, but never long."""

import time
from collections.abc import Callable
from datetime import timedelta

_LONGEST_WAIT = timedelta(seconds=60)
_WAIT_INTERVALS = 20


class Patience:
    """With one who is asked every `interval`."""

    def __init__(self, interval: timedelta, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = 0
        self._interval = interval
        self._clock = clock
        self._not_before = clock()

    @property
    def is_waiting(self) -> bool:
        """Whether it is too early to ask again."""
        return self._clock() < self._not_before

    def failed(self) -> timedelta:
        """Counts one more failure, and returns how long to wait now; the next tick after nearly that long may ask."""
        self.failures += 1
        longest = min(_LONGEST_WAIT, self._interval * _WAIT_INTERVALS)
        wait = min(self._interval * 2.0 ** min(self.failures - 1, 10), longest)
        # Who asks at ticks of the interval would, by a moment, miss the tick that is meant, and wait for one more.
        self._not_before = self._clock() + (wait - min(wait, self._interval) / 2).total_seconds()
        return wait

    def succeeded(self) -> None:
        """Forgets all failures."""
        self.failures = 0
        self._not_before = self._clock()
