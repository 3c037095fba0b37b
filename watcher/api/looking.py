"""Looks at projects of which a check wants to know more, as a page request would: so a fresh mirror can answer, too."""

import asyncio
from collections.abc import Iterable, Iterator

import structlog

from mirror.errors import EverpinError, NotThereError
from mirror.names import ProjectName
from mirror.upstream.turns import Turns
from mirror.web.pages import Pages
from watcher.checking.evidence import Asked

log = structlog.get_logger()

MOST_PROJECTS = 300
"""So many are looked at for one question; of the others it is said that nobody asked."""
_PER_SECOND = 50.0
"""So many are looked at for all questions of one process, after a first `MOST_PROJECTS`: a question of a few kilobytes,
which anybody may ask, must not become hundreds of requests to upstream again and again."""
_AT_A_TIME = 8
_SECONDS = 10.0


class Looking:
    """Looks for the questions of one process: a few at a time, since what is looked at is stored."""

    def __init__(self, *, questions_at_a_time: int = 4, seconds: float = _SECONDS, pace: Turns | None = None) -> None:
        self._turns = asyncio.Semaphore(questions_at_a_time)
        self._seconds = seconds
        self._pace = pace or Turns(per_second=_PER_SECOND, burst=MOST_PROJECTS)

    async def at(self, pages: Pages, projects: Iterable[ProjectName]) -> dict[ProjectName, Asked]:
        """What came of it, for each of the projects; it ends in time, whatever upstream does.

        A project whose page is fresh costs no request, and what was begun goes on when it comes too late for this.
        """
        wanted = list(dict.fromkeys(projects))
        outcome = dict.fromkeys(wanted, Asked.FAILED)
        rest = iter(wanted[:MOST_PROJECTS])
        try:
            async with asyncio.timeout(self._seconds), self._turns, asyncio.TaskGroup() as workers:
                for _ in range(min(_AT_A_TIME, len(wanted))):
                    workers.create_task(self._work(pages, rest, outcome))
        except TimeoutError:
            failed = sum(asked is Asked.FAILED for asked in outcome.values())
            log.info("check.not_all_seen", projects=len(wanted), failed=failed)
        return outcome

    async def _work(self, pages: Pages, rest: Iterator[ProjectName], outcome: dict[ProjectName, Asked]) -> None:
        for project in rest:
            if await self._pace.take():
                outcome[project] = await _look(pages, project)


async def _look(pages: Pages, project: ProjectName) -> Asked:
    try:
        offered = await pages.offer(project)
    except NotThereError:
        return Asked.ABSENT
    except EverpinError as e:
        log.info("check.not_seen", project=project, error=str(e))
        return Asked.FAILED
    # A page that could not be confirmed says nothing of what came after it.
    return Asked.SEEN if offered.stale_seconds is None else Asked.FAILED
