"""Carries the scope of what is kept into the backlog: what came into scope since, and whom the operators watch.

Whatever is seen from then on is wanted where it is seen (`mirror.observe.wanting`). What was known before comes with
this: project by project, with a cursor that outlives the process, and only as much at a time as the keepers work off.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from mirror.catalog import backlog, keep_scope, notices, wanted, watchlist
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.keep_scope import Candidate
from mirror.catalog.wanted import Reason
from mirror.keeping import Keeping
from mirror.names import ProjectName
from mirror.setting_values import Scope

log = structlog.get_logger()

TICK = timedelta(seconds=5)
WANT_EVERY = timedelta(hours=1)
"""How often pages are wanted of watched projects that upstream did not have before."""

MOST_WAITING = 50_000
"""When so many files wait to be fetched, no more are put there: they would only make the backlog slow."""
_PROJECTS_OF_ALL = 500
_PROJECTS_WATCHED = 5_000
_BATCHES_PER_TICK = 20
_NAMES_AT_A_TIME = 1_000


class ScopeCarrier:
    """Carries over a few projects with each tick."""

    def __init__(self, catalog: Catalog, keeping: Keeping, *, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._keeping = keeping
        self._now = now
        self._wanted_at: datetime | None = None

    async def tick(self) -> int:
        """Goes on where the last one ended, and says how many files were not wanted before."""
        await self._want_watched()
        await self._take_over()
        added = 0
        for _ in range(_BATCHES_PER_TICK):
            found = await self._carry()
            if found is None:
                break
            added += found
        return added

    async def _take_over(self) -> None:
        """Begins anew where the settings say something else than what was carried over."""
        keeping = self._keeping
        async with self._catalog.reading() as conn:
            before = await keep_scope.read(conn)
        if before is not None and (before.scope, before.patterns) == (keeping.scope, keeping.patterns):
            return
        first = None if keeping.scope is Scope.REQUESTED else 0
        async with self._catalog.writing() as conn:
            if before is not None:
                # What is still in scope comes again.
                await backlog.drop_unasked(conn)
            await keep_scope.begin(conn, keeping.scope, keeping.patterns, done_up_to=first)
        log.info("scope.changed", scope=keeping.scope, before=before.scope if before else None)

    async def _carry(self) -> int | None:
        """Carries over the next projects; None where there is no more to do, or not now."""
        async with self._catalog.writing() as conn:
            at = await keep_scope.read(conn, locked=True)
            if at is None or at.done_up_to is None or await backlog.is_full(conn, most=MOST_WAITING):
                return None
            limit = _PROJECTS_OF_ALL if self._keeping.scope is Scope.ALL else _PROJECTS_WATCHED
            found = await keep_scope.after(conn, at.done_up_to, limit=limit)
            await keep_scope.advance(conn, found[-1].id if found else None)
            if not found:
                log.info("scope.carried_over", scope=at.scope)
                return None
            return await want_files(
                conn, [one.id for one in found if self._covers(one)], self._keeping, now=self._now()
            )

    def _covers(self, project: Candidate) -> bool:
        if self._keeping.is_private(project.name):
            return False
        return self._keeping.scope is Scope.ALL or project.is_listed or self._keeping.watches(project.name)

    async def _want_watched(self) -> None:
        """Wants the pages of watched projects that are not known."""
        now = self._now()
        if self._wanted_at is not None and now - self._wanted_at < WANT_EVERY:
            return
        async with self._catalog.writing() as conn:
            await want_pages(conn, list(self._keeping.named), self._keeping, now=now)
        last = ""
        while True:
            async with self._catalog.writing() as conn:
                names = await watchlist.names_after(conn, last, limit=_NAMES_AT_A_TIME)
                await want_pages(conn, names, self._keeping, now=now)
            if not names:
                break
            last = names[-1]
        self._wanted_at = now


async def watch(conn: Connection, names: list[ProjectName], keeping: Keeping, *, now: datetime) -> list[ProjectName]:
    """Puts projects on the watchlist, wants what is to be kept of those that are known, and the pages of the others.

    Says which were not on the list before.
    """
    added = await watchlist.add(conn, names, now=now)
    own = [name for name in added if not keeping.is_private(name)]
    carried = await keep_scope.read(conn)
    if carried is not None and carried.scope is Scope.WATCHED:
        known = await keep_scope.ids_of(conn, own)
        await want_files(conn, list(known.values()), keeping, now=now)
    await want_pages(conn, own, keeping, now=now)
    return added


async def want_files(conn: Connection, projects: list[int], keeping: Keeping, *, now: datetime) -> int:
    """Wants what is to be kept of all files of these projects, and says how many were not wanted before."""
    if not projects:
        return 0
    added = await backlog.add_of_projects(conn, projects, largest=keeping.largest, now=now)
    if added:
        await notices.backlog_grew(conn)
    return added


async def want_pages(conn: Connection, names: list[ProjectName], keeping: Keeping, *, now: datetime) -> None:
    """Wants the pages of those of the projects that are not known."""
    if own := [name for name in names if not keeping.is_private(name)]:
        await wanted.want(conn, own, Reason.WATCHED, now=now)
