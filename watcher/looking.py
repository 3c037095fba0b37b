"""Asking for pages that no client waits for, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from mirror.errors import EverpinError
from mirror.names import ProjectName
from mirror.upstream.turns import REQUESTS_PER_SECOND

log = structlog.get_logger()

TICK = timedelta(seconds=5)
"""How often to look whether there is somebody to ask for."""

MOST_A_TICK = round(TICK.total_seconds() * REQUESTS_PER_SECOND)
"""Of more than the index may be asked for meanwhile, the next tick takes the rest."""

_AT_A_TIME = 4


async def in_turn(
    take: Callable[[], Awaitable[ProjectName | None]], work: Callable[[ProjectName], Awaitable[None]]
) -> int:
    """Works on what `take` gives until it gives nothing more, and says how many that were.

    What `take` raises ends it when what was begun is done.
    """
    places = asyncio.Semaphore(_AT_A_TIME)
    begun, failure = 0, None

    async def one(project: ProjectName) -> None:
        try:
            await work(project)
        except EverpinError as e:
            log.warning("looking.failed", project=project, error=str(e))
        finally:
            places.release()

    async with asyncio.TaskGroup() as group:
        try:
            await places.acquire()
            while (project := await take()) is not None:
                group.create_task(one(project))
                begun += 1
                await places.acquire()
        except EverpinError as e:
            failure = e
    if failure is not None:
        raise failure
    return begun
