"""Pages that rows of the journal made wanted: asked for until they are as new as the row, then no longer.

One broken project delays no other, and the cursor waits for none of them.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from mirror.catalog import projects
from mirror.catalog.database import Catalog
from mirror.catalog.projects import Refresh
from mirror.errors import EverpinError
from mirror.names import ProjectName
from mirror.refresh import Refreshed, Refresher, next_try

log = structlog.get_logger()

_AT_A_TIME = 4
_MOST_A_ROUND = 40


async def refresh_due(catalog: Catalog, refresher: Refresher, *, now: Callable[[], datetime]) -> int:
    """Asks for the pages whose time has come, few at a time, and says how many that were.

    Where the index asks for peace meanwhile, the rest keep their places in the queue.
    """
    async with catalog.reading() as conn:
        due = await projects.due_refreshes(conn, now=now(), limit=_MOST_A_ROUND)
    places = asyncio.Semaphore(_AT_A_TIME)

    async def one(refresh: Refresh) -> None:
        async with places:
            if refresh.project in refresher.index.private:
                # It got here before it was made private.
                await _forget(catalog, refresh.project)
            elif await refresher.index.turns.take():
                await _refresh(catalog, refresher, refresh, now=now)

    async with asyncio.TaskGroup() as group:
        for refresh in due:
            group.create_task(one(refresh))
    return len(due)


async def _refresh(catalog: Catalog, refresher: Refresher, refresh: Refresh, *, now: Callable[[], datetime]) -> None:
    outcome = await refresher.look(refresh.project)
    try:
        # A page older than the one we have answers nothing, whatever it was asked for.
        await _note(catalog, refresh.project, failed=outcome in (None, Refreshed.STALE), now=now)
    except EverpinError as e:
        log.warning("refresh.not_noted", project=refresh.project, error=str(e))


async def _forget(catalog: Catalog, project: ProjectName) -> None:
    try:
        async with catalog.writing() as conn:
            await projects.end_refresh(conn, project)
    except EverpinError as e:
        log.warning("refresh.not_noted", project=project, error=str(e))


async def _note(catalog: Catalog, project: ProjectName, *, failed: bool, now: Callable[[], datetime]) -> None:
    """Takes the page out of the queue, or puts it back for later."""
    async with catalog.writing() as conn:
        # Locked, so that a row which wants a newer page just now is not wiped out.
        found = (await projects.lock(conn, [project])).get(project)
        if found is None or found.refresh_at is None:
            return
        if found.wanted_serial is None and not failed:
            await projects.end_refresh(conn, project)
            return
        wait = next_try(found.attempts)
        if wait is None:
            log.warning("refresh.given_up", project=project, wanted_serial=found.wanted_serial)
            await projects.end_refresh(conn, project)
            return
        await projects.postpone_refresh(conn, project, until=now() + wait)
