"""When what runs: the only place that knows the scheduler.

Jobs are plain coroutines that tests and commands call alike. One run of a job at a time; runs that were missed are made
up for by a single one; a run that fails is logged and the next one comes as if nothing had been.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from mirror import clock
from mirror.errors import EverpinError, NotTheLeaderError

log = structlog.get_logger()

# Later than this a run is skipped and counts as missed; the next one does the same work anyway.
_MISFIRE_GRACE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Job:
    """What to run, how often, and whether the first run comes at once."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[object]]
    at_once: bool = True


class Schedule:
    """Running jobs, and the means to have one run now."""

    def __init__(self, scheduler: AsyncIOScheduler) -> None:
        self._scheduler = scheduler
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._is_ending = False

    def hurry(self, name: str) -> None:
        """Has the job run now rather than when it is due; once more after the present run, where it is running.

        Nothing happens where there is no such job here.
        """
        if name in self._runs:
            self._again.add(name)
        elif self._scheduler.get_job(name) is not None:
            self._scheduler.modify_job(name, next_run_time=clock.now())

    async def perform(self, job: Job) -> None:
        """One run of the job, and another for as long as somebody hurried it meanwhile."""
        if self._is_ending:
            return
        run = asyncio.create_task(self._run(job), name=f"job {job.name}")
        self._runs[job.name] = run
        try:
            # A run that `end` cancelled is over, and no failure that the scheduler should hear of.
            await asyncio.wait({run})
        finally:
            run.cancel()
            del self._runs[job.name]
            self._again.discard(job.name)

    async def end(self) -> None:
        """Lets no job begin any more, cancels those that run and waits until they have ended."""
        self._is_ending = True
        # What falls due from here on would be handed out only to be cancelled, which it would log as a failure.
        self._scheduler.pause()
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)
        while self._runs:  # noqa: ASYNC110 - the scheduler's own tasks end in the next rounds of the loop
            await asyncio.sleep(0)
        self._scheduler.shutdown(wait=True)
        while self._scheduler.running:  # noqa: ASYNC110 - it shuts down in the next round and tells nobody
            await asyncio.sleep(0)

    async def _run(self, job: Job) -> None:
        await _guarded(job)
        while job.name in self._again:
            self._again.discard(job.name)
            await _guarded(job)


@asynccontextmanager
async def running(jobs: Sequence[Job]) -> AsyncIterator[Schedule]:
    """Runs the jobs until the end, then cancels what still runs; nothing of it goes on afterwards."""
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": _MISFIRE_GRACE_SECONDS},
    )
    schedule = Schedule(scheduler)
    # That a run was skipped because the last one still goes on is nothing that anybody needs to act on.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    for job in jobs:
        first = {"next_run_time": clock.now()} if job.at_once else {}
        scheduler.add_job(
            schedule.perform, "interval", args=[job], seconds=job.every.total_seconds(), id=job.name, **first
        )
    scheduler.start()
    try:
        yield schedule
    finally:
        await schedule.end()


async def _guarded(job: Job) -> None:
    try:
        await job.run()
    except NotTheLeaderError as e:
        log.info("schedule.not_the_leader", job=job.name, reason=str(e))
    except EverpinError as e:
        log.warning("schedule.job_failed", job=job.name, error=str(e))
    except Exception:
        log.exception("schedule.job_crashed", job=job.name)
