"""The limit on XML-RPC calls: a moving window in which refused calls count too."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call is allowed, and what the answer says about the limit."""

    allowed: bool
    reset_seconds: int
    headers: tuple[tuple[str, str], ...]


class RateLimit:
    """Counts the calls of all clients together; tests have one."""

    def __init__(self) -> None:
        self.calls = 3600
        self.window = timedelta(hours=1)
        self._hits: deque[datetime] = deque()

    def hit(self, now: datetime) -> Verdict:
        """Count a call made now."""
        while self._hits and self._hits[0] <= now - self.window:
            self._hits.popleft()
        self._hits.append(now)
        allowed = len(self._hits) <= self.calls
        reset = self._hits[0] + self.window - now
        return self._verdict(self.calls, self.calls - len(self._hits), reset, allowed=allowed)

    def exhausted(self) -> Verdict:
        """The verdict on a client that has no calls left."""
        return self._verdict(self.calls, 0, timedelta(seconds=59), allowed=False)

    def _verdict(self, limit: int, remaining: int, reset: timedelta, *, allowed: bool) -> Verdict:
        seconds = max(1, int(reset.total_seconds()))
        window = int(self.window.total_seconds())
        headers = (
            ("RateLimit-Policy", f'"xmlrpc.client";q={limit};w={window};pk=:ip:'),
            ("RateLimit", f'"xmlrpc.client";r={max(0, remaining)};t={seconds}'),
        )
        return Verdict(allowed, seconds, headers)
