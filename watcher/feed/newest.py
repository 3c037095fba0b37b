"""The newest events with their bytes, read and rendered once for all who follow. Pure.

They are an unbroken run of numbers, bounded in count, bytes and age: whoever is further behind reads the catalog. Age
matters since what is taken away from events later on must not go out from here for long.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from mirror.events import Event


@dataclass(frozen=True, slots=True)
class Told:
    """An event and its bytes. `at` is when it was read, by the loop's clock."""

    event: Event
    frame: bytes
    at: float


class Newest:
    """Events after the number `start`, up to `end`."""

    def __init__(self, *, most: int = 1_000, most_bytes: int = 4 * 2**20) -> None:
        self._told: deque[Told] = deque()
        self._bytes = 0
        self._most = most
        self._most_bytes = most_bytes
        self.start = 0
        self.end = 0

    def skip_to(self, number: int) -> None:
        """Holds nothing, and goes on after that number."""
        self._told.clear()
        self._bytes = 0
        self.start = self.end = number

    def add(self, told: Told) -> None:
        """Holds the next event, and for it lets go of old ones. Those that were passed already are not held again."""
        number = told.event.cursor.number
        if number <= self.end:
            return
        if number != self.end + 1:
            self.skip_to(number - 1)
        self._told.append(told)
        self._bytes += len(told.frame)
        self.end = number
        while len(self._told) > self._most or (self._bytes > self._most_bytes and len(self._told) > 1):
            self._let_go()

    def forget_before(self, at: float) -> None:
        """Lets go of what was read before that time."""
        while self._told and self._told[0].at < at:
            self._let_go()

    def after(self, number: int) -> Iterator[Told]:
        """Those after a number that is not before `start`, oldest first."""
        for place in range(number - self.start, len(self._told)):
            yield self._told[place]

    def _let_go(self) -> None:
        oldest = self._told.popleft()
        self._bytes -= len(oldest.frame)
        self.start = oldest.event.cursor.number
