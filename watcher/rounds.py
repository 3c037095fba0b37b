"""Rounds: the page of each known project is looked at now and then, whether or not anything is heard of it.

The journal does not tell all: that a project was archived, that a page was changed by hand, that a notice to a CDN was
lost, that a name lives again. So within `watcher.refresh_interval` each page is asked for once, those that were not
looked at for longest first and evenly over that time. Where there are more projects than the index may be asked for,
a round takes as long as it takes.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from mirror.catalog import looks, projects
from mirror.catalog.database import Catalog
from mirror.names import ProjectName
from mirror.refresh import Refresher
from mirror.upstream.turns import Urgency
from watcher.looking import MOST_A_TICK, in_turn


class Rounds:
    """Looks at pages, a few at each tick."""

    def __init__(
        self, catalog: Catalog, refresher: Refresher, *, interval: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._refresher = refresher
        self._interval = interval
        self._now = now
        self._ticked_at = now()
        self._share = 0.0

    async def tick(self) -> int:
        """Looks at as many pages as the time since the last tick is worth, and says how many that were."""
        now = self._now()
        async with self._catalog.reading() as conn:
            known = await projects.count(conn)
        self._share = share(self._share, known, waited=now - self._ticked_at, interval=self._interval)
        self._ticked_at = now
        taken = 0

        async def take() -> ProjectName | None:
            nonlocal taken
            # Of pages that somebody else asked for lately none need be looked at already. And as shares begin anew with
            # each process, one page that is overdue is taken without.
            before = now - (self._interval / 2 if self._share >= 1.0 else self._interval)
            project = await self._take(before, now) if self._share >= 1.0 or not taken else None
            if project is not None:
                taken += 1
                self._share = max(0.0, self._share - 1.0)
            return project

        return await in_turn(take, self._look)

    async def _take(self, before: datetime, now: datetime) -> ProjectName | None:
        async with self._catalog.reading() as conn:
            project = await looks.longest_unseen(conn, before=before)
        if project is None or not await self._refresher.index.turns.take(Urgency.ROUTINE):
            return None
        async with self._catalog.writing() as conn:
            # Before it is asked for, so that one whose page does harm is not asked for again and again.
            await looks.note_look(conn, project, now=now)
        return project

    async def _look(self, project: ProjectName) -> None:
        await self._refresher.look(project)


def share(left: float, known: int, *, waited: timedelta, interval: timedelta) -> float:
    """How many pages may be looked at now, `left` of them from before: all that are known once in `interval`."""
    grown = known * max(0.0, waited / interval)
    return min(left + grown, float(MOST_A_TICK))
