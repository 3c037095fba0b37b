"""The content network before the index host: keeps answers and learns of changes by soft purges.

After a purge the first reader still gets the old answer while the new one is fetched; the next reader
gets the new one. A purge that is lost leaves the old answer for a day.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from packaging.utils import canonicalize_name

from tests.pypi_sim.answers import Answer
from tests.pypi_sim.clock import Clock


class OriginDownError(Exception):
    """The origin did not answer and nothing is kept that could stand in."""


@dataclass(slots=True)
class _Kept:
    answer: Answer
    stored: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer, how it was come by (MISS, HIT or HIT-STALE) and for how many seconds it had been kept."""

    answer: Answer
    luck: str
    age: int


class Cdn:
    """A cache that is switched off until a test sets `enabled`."""

    def __init__(self, clock: Clock) -> None:
        self.enabled = False
        self.missing_ttl = timedelta(0)
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}
        self._lost: list[str] = []
        self._held: list[tuple[str, ...]] | None = None

    def lose_purge(self, project: str) -> None:
        """The next purge of that project never arrives."""
        self._lost.append(f"project/{canonicalize_name(project)}")

    def hold_purges(self) -> None:
        """Purges wait until `deliver_purges`."""
        self._held = []

    def deliver_purges(self) -> None:
        """Let the purges that were held arrive, and the later ones at once again."""
        held, self._held = self._held or [], None
        for keys in held:
            self._soft_purge(keys)

    def clear(self) -> None:
        """Forget everything, as after a hard purge of the whole service."""
        self._kept.clear()

    def purge(self, keys: tuple[str, ...]) -> None:
        """Something changed: what is kept under one of the surrogate keys becomes stale."""
        lost = next((key for key in keys if key in self._lost), None)
        if lost is not None:
            self._lost.remove(lost)
        elif self._held is not None:
            self._held.append(keys)
        else:
            self._soft_purge(keys)

    def fetch(self, key: Hashable, render: Callable[[], Answer], *, origin_up: bool = True) -> Delivery:
        """The answer for a key, kept or rendered."""
        kept = self._kept.get(key) if self.enabled else None
        now = self._clock.now()
        if kept is not None and now < kept.expires:
            return _delivered(kept, "HIT", now)
        if not origin_up:
            if kept is not None and now < kept.expires + _grace(kept.answer, on_error=True):
                return _delivered(kept, "HIT-STALE", now)
            raise OriginDownError
        answer = render()
        if self.enabled:
            self._keep(key, answer, now)
        if kept is not None and now < kept.expires + _grace(kept.answer, on_error=False):
            return _delivered(kept, "HIT-STALE", now)
        return Delivery(answer, "MISS", 0)

    def _keep(self, key: Hashable, answer: Answer, now: datetime) -> None:
        ttl = self.missing_ttl if answer.status == 404 else timedelta(0)
        if answer.lifetime is not None:
            ttl = timedelta(seconds=answer.lifetime.max_age)
        if ttl:
            self._kept[key] = _Kept(answer, now, now + ttl)
        else:
            self._kept.pop(key, None)

    def _soft_purge(self, keys: tuple[str, ...]) -> None:
        now = self._clock.now()
        for kept in self._kept.values():
            lifetime = kept.answer.lifetime
            if lifetime is not None and not set(keys).isdisjoint(lifetime.keys):
                kept.expires = min(kept.expires, now)


def _delivered(kept: _Kept, luck: str, now: datetime) -> Delivery:
    return Delivery(kept.answer, luck, int((now - kept.stored).total_seconds()))


def _grace(answer: Answer, *, on_error: bool) -> timedelta:
    if answer.lifetime is None:
        return timedelta(0)
    seconds = answer.lifetime.stale_if_error if on_error else answer.lifetime.stale_while_revalidate
    return timedelta(seconds=seconds)
