"""How much is fetched each second while no client waits. Pure but for `Bandwidth`, which reads a clock."""

import time
from collections.abc import Callable


class Bucket:
    """Fills with `rate` bytes each second up to those of one second. Whoever takes more than there is waits for it.

    What is taken beyond that is owed: those who take next wait for it as well, so that all together keep to the rate.
    """

    def __init__(self, rate: int, *, now: float) -> None:
        self._rate = rate
        self._level = float(rate)
        self._at = now

    def take(self, size: int, *, now: float) -> float:
        """Takes so many bytes, and says for how many seconds to wait until that is made good."""
        self._level = min(float(self._rate), self._level + max(0.0, now - self._at) * self._rate) - size
        self._at = now
        return max(0.0, -self._level / self._rate)


class Bandwidth:
    """The bucket that all downloads of a process share which no client waits for."""

    def __init__(self, rate: int, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._bucket = Bucket(rate, now=seconds())

    def __call__(self, size: int) -> float:
        """For how long to wait after so many bytes."""
        return self._bucket.take(size, now=self._seconds())
