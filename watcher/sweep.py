"""Sweeps: now and then the list of all projects is compared with what is known.

The list decides nothing. It comes from a cache that lags behind by half an hour, and leaves out what is quarantined.
All it does is to propose pages to look at: of projects that it lacks, that have newer rows than our page, or that live
again. A list that lacks very many proposes nothing at all: then it is the list that is broken.
"""

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from mirror import metrics
from mirror.catalog import looks, projects, wanted
from mirror.catalog.database import Catalog
from mirror.catalog.looks import KnownProject
from mirror.catalog.wanted import Reason
from mirror.errors import UpstreamUnavailableError
from mirror.names import ProjectName
from mirror.setting_values import Inventory
from mirror.upstream.index import Index
from mirror.upstream.listing import Listing

log = structlog.get_logger()

TICK = timedelta(minutes=1)
"""How often to look whether a sweep is due."""

MOST_PROPOSALS = 1_000
"""Pages that one sweep proposes at most: those that were not looked at for longest."""

_RETRY = timedelta(minutes=15)
_LAG = timedelta(minutes=40)
"""A page that was looked at since may be newer than the list."""
_SHARE_MISSING, _FEW_MISSING = 0.1, 3
_AT_A_TIME = 5_000


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found: projects listed, known ones that the list lacks, pages proposed, new names wanted."""

    listed: int
    missing: int
    proposed: int
    added: int


class Sweep:
    """Compares when it is time to."""

    def __init__(
        self,
        catalog: Catalog,
        index: Index,
        *,
        inventory: Inventory,
        interval: timedelta,
        now: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._catalog = catalog
        self._index = index
        self._fills = inventory is Inventory.ALL
        self._interval = interval
        self._now = now
        self._chance = chance
        self._is_first = True

    async def tick(self) -> Swept | None:
        """Sweeps if it is time to. None where it is not, or where there was no list that can be believed."""
        if not await self._is_due() or not await self._index.turns.take():
            return None
        # Planned before, so that a list that does harm is not asked for again and again.
        await self._plan(self._now() + min(_RETRY, self._interval))
        try:
            listing = await self._index.listing()
        except UpstreamUnavailableError as e:
            metrics.upstream_requests.labels("list", "failed").inc()
            log.warning("sweep.failed", error=str(e))
            return None
        metrics.upstream_requests.labels("list", "new").inc()
        swept = await self._compare(listing)
        await self._plan(self._now() + self._interval)
        return swept

    async def _is_due(self) -> bool:
        now = self._now()
        is_first, self._is_first = self._is_first, False
        async with self._catalog.reading() as conn:
            planned = await looks.sweeping(conn)
            is_empty = await projects.count(conn) == 0
        if is_empty and not self._fills:
            return False
        if is_first and self._fills and (planned is None or planned.filled_at is None):
            return True
        if planned is not None and planned.due_at <= now + self._interval:
            return planned.due_at <= now
        # Nobody has swept yet, or the interval was made shorter. Not all who start on the same day ask at once.
        await self._plan(now + self._interval * self._chance())
        return False

    async def _plan(self, due_at: datetime) -> None:
        async with self._catalog.writing() as conn:
            await looks.plan_sweep(conn, due_at=due_at)

    async def _compare(self, listing: Listing) -> Swept:
        now = self._now()
        name, known, missing = "", 0, 0
        hints: list[tuple[datetime, ProjectName]] = []
        unknown = set(listing.serials) if self._fills else set()
        while batch := await self._known_after(name):
            name = batch[-1].name
            known += len(batch)
            missing += sum(lacks(listing, project, now) for project in batch)
            batch = [project for project in batch if project.name not in self._index.private]
            hints += [(project.seen_at, project.name) for project in batch if is_news(listing, project, now)]
            hints = heapq.nsmallest(MOST_PROPOSALS, hints)
            unknown.difference_update(project.name for project in batch)
        if missing > max(_FEW_MISSING, known * _SHARE_MISSING):
            log.warning("sweep.distrusted", listed=len(listing.serials), known=known, missing=missing)
            return Swept(len(listing.serials), missing, 0, 0)
        async with self._catalog.writing() as conn:
            proposed = await looks.want_pages(conn, [hint for _, hint in hints], now=now)
        added = await self._fill(unknown, now)
        log.info(
            "sweep.done", listed=len(listing.serials), known=known, missing=missing, proposed=proposed, added=added
        )
        return Swept(len(listing.serials), missing, proposed, added)

    async def _known_after(self, name: str) -> list[KnownProject]:
        async with self._catalog.reading() as conn:
            return await looks.known_after(conn, name, limit=_AT_A_TIME)

    async def _fill(self, unknown: Iterable[ProjectName], now: datetime) -> int:
        if not self._fills:
            return 0
        names, added = [name for name in unknown if name not in self._index.private], 0
        for start in range(0, len(names), _AT_A_TIME):
            async with self._catalog.writing() as conn:
                added += await wanted.want(conn, names[start : start + _AT_A_TIME], Reason.LISTED, now=now)
        async with self._catalog.writing() as conn:
            await looks.note_filled(conn, now=now)
        return added


def lacks(listing: Listing, project: KnownProject, now: datetime) -> bool:
    """Whether the list should have the project and has not."""
    is_expected = project.closed_serial is None and not project.quarantined and now - project.seen_at > _LAG
    return is_expected and project.name not in listing.serials


def is_news(listing: Listing, project: KnownProject, now: datetime) -> bool:
    """Whether the list says other than what is known."""
    listed = listing.serials.get(project.name)
    if listed is None:
        return lacks(listing, project, now)
    known = project.closed_serial if project.closed_serial is not None else project.page_serial
    return known is not None and listed > known
