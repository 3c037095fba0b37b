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
    expires: datetime


class Cdn:
    """A cache that is switched off until a test sets `enabled`."""

    def __init__(self, clock: Clock) -> None:
        self.enabled = False
        self.missing_ttl = timedelta(0)
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}
        self._lost: list[str] = []
        self._held: list[str] | None = None

    def lose_purge(self, project: str) -> None:
        """The next purge of that project never arrives."""
        self._lost.append(canonicalize_name(project))

    def hold_purges(self) -> None:
        """Purges wait until `deliver_purges`."""
        self._held = []

    def deliver_purges(self) -> None:
        """Let the purges that were held arrive, and the later ones at once again."""
        held, self._held = self._held or [], None
        for canonical in held:
            self._soft_purge(canonical)

    def clear(self) -> None:
        """Forget everything, as after a hard purge of the whole service."""
        self._kept.clear()

    def purge(self, canonical: str) -> None:
        """A project changed: what is kept about it becomes stale."""
        if canonical in self._lost:
            self._lost.remove(canonical)
        elif self._held is not None:
            self._held.append(canonical)
        else:
            self._soft_purge(canonical)

    def fetch(self, key: Hashable, render: Callable[[], Answer], *, origin_up: bool = True) -> tuple[Answer, str]:
        """The answer for a key and how it was come by: MISS, HIT or HIT-STALE."""
        kept = self._kept.get(key) if self.enabled else None
        now = self._clock.now()
        if kept is not None and now < kept.expires:
            return kept.answer, "HIT"
        if not origin_up:
            if kept is not None and now < kept.expires + _grace(kept.answer, on_error=True):
                return kept.answer, "HIT-STALE"
            raise OriginDownError
        answer = render()
        if self.enabled:
            self._keep(key, answer, now)
        if kept is not None and now < kept.expires + _grace(kept.answer, on_error=False):
            return kept.answer, "HIT-STALE"
        return answer, "MISS"

    def _keep(self, key: Hashable, answer: Answer, now: datetime) -> None:
        ttl = self.missing_ttl if answer.status == 404 else timedelta(0)
        if answer.lifetime is not None:
            ttl = timedelta(seconds=answer.lifetime.max_age)
        if ttl:
            self._kept[key] = _Kept(answer, now + ttl)
        else:
            self._kept.pop(key, None)

    def _soft_purge(self, canonical: str) -> None:
        keys = {"all-projects", f"project/{canonical}"}
        now = self._clock.now()
        for kept in self._kept.values():
            lifetime = kept.answer.lifetime
            if lifetime is not None and keys.intersection(lifetime.keys):
                kept.expires = min(kept.expires, now)


def _grace(answer: Answer, *, on_error: bool) -> timedelta:
    if answer.lifetime is None:
        return timedelta(0)
    seconds = answer.lifetime.stale_if_error if on_error else answer.lifetime.stale_while_revalidate
    return timedelta(seconds=seconds)
