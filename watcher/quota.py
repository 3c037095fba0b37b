"""What a quota allows. Pure."""

from collections.abc import Iterable

from mirror.catalog.backlog import Priority
from mirror.catalog.evictions import Candidate

# The margins keep what is fetched, and what makes room for it, from chasing each other.
_EVICTED_DOWN_TO = 0.95
_BACKFILLED_UP_TO = 0.94


def limit_of(quota: float, disk_bytes: int | None) -> int | None:
    """The bytes that the store may hold; None for as many as there is room for.

    A share, which is written as a float, is one of the store's disk; a store that has none has no such limit.
    """
    if isinstance(quota, int):
        return quota
    return None if disk_bytes is None else int(quota * disk_bytes)


def excess_of(used: int, limit: int | None) -> int:
    """How many bytes must make room for others."""
    return used - int(limit * _EVICTED_DOWN_TO) if limit is not None and used > limit else 0


def kept_up_to(used: int, limit: int | None) -> Priority:
    """The least urgent files that are kept where so much is used: what departed always is."""
    if limit is None or used < limit * _BACKFILLED_UP_TO:
        return Priority.BACKFILL
    return Priority.NEW if used < limit else Priority.RESCUE


def first_of(candidates: Iterable[Candidate], size: int) -> list[Candidate]:
    """As many of the first ones as have that size together, or all of them."""
    taken: list[Candidate] = []
    for candidate in candidates:
        if size <= 0:
            break
        taken.append(candidate)
        size -= candidate.size
    return taken
