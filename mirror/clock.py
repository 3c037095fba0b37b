"""The one place where the current time is read.

Pure rooms take `now` as an argument; the edges call `now()` once and hand it down.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)
