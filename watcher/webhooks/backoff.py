"""When a delivery that failed is tried again, and when no more. Pure.

The first retry comes within seconds, since most failures are a restart; those that last are tried for three days.
"""

from datetime import datetime, timedelta

from mirror.upstream.limits import told_pause

GIVEN_UP_AFTER = timedelta(days=3)
"""An event that is older than this when it fails is not tried again, unless its receiver has just begun to fail."""
MOST_REPLAYS = 6
"""How often a dead letter that an operator wants to be sent again is tried."""

_FIRST = timedelta(seconds=8)
_LONGEST = timedelta(hours=6)
_GROWTH = 4
# Waits are between so much shorter and so much longer, so that those who failed together do not come back together.
_JITTER = 0.25
LONGEST_WAIT = _LONGEST * (1 + _JITTER)
"""No wait is longer."""

# Who was off for long has only old events; they must not be lost because the receiver was off, too, and starts later.
# Much more would have each event that a receiver never takes hold up the others anew.
_LEAST_PATIENCE = timedelta(hours=1)
# Who is over its limit says when it has room again; so often that is believed, however old the event is.
_PATIENT_TRIES = 10
# From then on a receiver that wants to be asked again at once is asked as seldom as all others.
_EAGER_TRIES = 5
_SHORTEST_ASKED = timedelta(seconds=1)


def wait_after(failures: int, *, chance: float) -> timedelta:
    """How long to wait after that many failures in a row; `chance` is from 0 to 1."""
    wait = min(_FIRST * float(_GROWTH ** min(failures - 1, 10)), _LONGEST)
    return wait * (1 - _JITTER + 2 * _JITTER * chance)


def asked_wait(status: int | None, retry_after: str | None, now: datetime) -> timedelta | None:
    """How long the receiver wants to be left alone, at most an hour; None where it wants nothing."""
    if status is None or retry_after is None:
        return None
    pause = told_pause(status, lambda name: [retry_after] if name == "Retry-After" else [], now)
    return max(timedelta(seconds=pause), _SHORTEST_ASKED) if pause else None


def next_try(
    failures: int,
    *,
    told_at: datetime,
    failing_since: datetime,
    now: datetime,
    wait: timedelta,
    asked: timedelta | None = None,
) -> datetime | None:
    """When to try an event again that failed so often, or None where it is given up.

    `failing_since`: since then its receiver has accepted nothing. `wait` is what follows from the number of failures,
    `asked` what the receiver wants instead.
    """
    end = max(told_at + GIVEN_UP_AFTER, failing_since + _LEAST_PATIENCE)
    if now >= end:
        return now + asked if asked is not None and failures < _PATIENT_TRIES else None
    if asked is not None:
        wait = asked if failures <= _EAGER_TRIES else max(asked, wait)
    # The last try comes when its time is over, not hours later.
    return min(now + wait, end)
