"""Projects that nobody asked for, whose pages are wanted all the same: watched ones, others by `watcher.inventory`.

Once a page was observed its project is known, and looked after like any other. What is wanted is remembered in the
catalog, so that whoever leads next goes on where this one ended.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from mirror.catalog import projects, wanted
from mirror.catalog.database import Catalog
from mirror.catalog.wanted import Reason
from mirror.names import ProjectName
from mirror.refresh import Refreshed, Refresher
from mirror.setting_values import Inventory
from mirror.upstream.turns import Urgency
from watcher.looking import MOST_A_TICK, in_turn

log = structlog.get_logger()

REPORT_EVERY = timedelta(minutes=10)
"""How often the log tells how many are left."""

_REASONS = {
    Inventory.KNOWN: (Reason.WATCHED,),
    Inventory.TOUCHED: (Reason.WATCHED, Reason.TOUCHED),
    Inventory.ALL: (Reason.WATCHED, Reason.TOUCHED, Reason.LISTED),
}
_URGENCY = {Reason.WATCHED: Urgency.WANTED, Reason.TOUCHED: Urgency.WANTED, Reason.LISTED: Urgency.ROUTINE}


class Unasked:
    """Asks for the most urgent pages, a few at each tick."""

    def __init__(
        self, catalog: Catalog, refresher: Refresher, *, inventory: Inventory, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._refresher = refresher
        self._reasons = _REASONS[inventory]
        self._now = now
        self._reported_at: datetime | None = None

    async def tick(self) -> int:
        """Asks for some of the pages whose time has come, and says for how many."""
        left = MOST_A_TICK

        async def take() -> ProjectName | None:
            nonlocal left
            left -= 1
            return await self._take() if left >= 0 else None

        asked = await in_turn(take, self._ask)
        if asked:
            await self._report()
        return asked

    async def _take(self) -> ProjectName | None:
        found = await self._most_urgent()
        if found is None:
            return None
        project, reason = found
        if not await self._refresher.index.turns.take(_URGENCY[reason]):
            return None
        async with self._catalog.writing() as conn:
            await wanted.note_try(conn, project, now=self._now())
        return project

    async def _most_urgent(self) -> tuple[ProjectName, Reason] | None:
        while True:
            async with self._catalog.reading() as conn:
                found = await wanted.most_urgent(conn, self._reasons, now=self._now())
            if found is None or found[0] not in self._refresher.index.private:
                return found
            # Rows of the journal are about all projects, also of other people's with names that are private here.
            async with self._catalog.writing() as conn:
                await wanted.drop(conn, found[0])

    async def _ask(self, project: ProjectName) -> None:
        async with self._catalog.reading() as conn:
            is_known = await projects.revision(conn, project) is not None
        outcome = Refreshed.SAME if is_known else await self._refresher.look(project)
        if outcome is None:
            return
        async with self._catalog.writing() as conn:
            if outcome is Refreshed.ABSENT:
                await wanted.deny(conn, project)
            else:
                await wanted.drop(conn, project)

    async def _report(self) -> None:
        now = self._now()
        if self._reported_at is not None and now - self._reported_at < REPORT_EVERY:
            return
        self._reported_at = now
        async with self._catalog.reading() as conn:
            log.info("inventory.backfill", remaining=await wanted.count(conn))
