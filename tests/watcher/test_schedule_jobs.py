"""When jobs run: at once, in their turn, again when hurried, and not beyond the end."""

import asyncio
from datetime import timedelta

import pytest

from mirror.errors import UpstreamUnavailableError
from tests.watcher.houses import until
from watcher.schedule import Job, running

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=20)


class Work:
    """Something to do that can be held up and watched."""

    def __init__(self, *, holds: bool = False, fails: Exception | None = None) -> None:
        self.begun = 0
        self.ended = 0
        self.together = 0
        self.most_together = 0
        self.go = asyncio.Event()
        self._fails = fails
        if not holds:
            self.go.set()

    async def __call__(self) -> None:
        """One run."""
        self.begun += 1
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            await self.go.wait()
            if self._fails is not None:
                raise self._fails
        finally:
            self.together -= 1
            self.ended += 1


async def test_a_job_runs_at_once_and_in_its_turn() -> None:
    """The first run does not wait for the interval, and others follow it."""
    work = Work()

    async with running([Job("work", SOON, work)]):
        await until(lambda: work.begun >= 3)


async def test_a_job_that_need_not_run_at_once_waits_for_its_turn() -> None:
    """Only what asks for it runs at the start."""
    late, marker = Work(), Work()

    async with running([Job("late", HOUR, late, at_once=False), Job("marker", SOON, marker)]):
        await until(lambda: marker.begun >= 3)

    assert late.begun == 0


async def test_a_hurried_job_runs_now() -> None:
    """Whoever hurries a job does not wait for its interval."""
    work = Work()

    async with running([Job("work", HOUR, work)]) as schedule:
        await until(lambda: work.ended == 1)
        schedule.hurry("work")
        await until(lambda: work.ended == 2)


async def test_hurrying_a_running_job_makes_it_run_once_more() -> None:
    """However often it was hurried during a run, one more run sees all that came meanwhile; and never two at a time."""
    work = Work(holds=True)

    async with running([Job("work", HOUR, work)]) as schedule:
        await until(lambda: work.begun == 1)
        for _ in range(5):
            schedule.hurry("work")
        work.go.set()
        await until(lambda: work.ended == 2)

    assert (work.begun, work.most_together) == (2, 1)


@pytest.mark.parametrize("failure", [UpstreamUnavailableError("upstream is down"), ZeroDivisionError("a defect")])
async def test_a_job_that_fails_runs_again(failure: Exception) -> None:
    """A failure is logged, and the next run comes as if nothing had been; other jobs never notice."""
    failing, sound = Work(fails=failure), Work()

    async with running([Job("failing", SOON, failing), Job("sound", SOON, sound)]):
        await until(lambda: failing.begun >= 3 and sound.begun >= 3)


async def test_a_job_that_takes_long_delays_no_other() -> None:
    """Each runs in its own time."""
    slow, quick = Work(holds=True), Work()

    async with running([Job("slow", SOON, slow), Job("quick", SOON, quick)]):
        await until(lambda: quick.ended >= 3)

    assert slow.begun == 1


async def test_nothing_goes_on_after_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """What still runs at the end is cancelled and has cleaned up when the schedule is left; that is no error."""
    work = Work(holds=True)

    async with running([Job("work", SOON, work)]):
        await until(lambda: work.begun == 1)

    assert (work.together, work.ended) == (0, 1)
    assert [record for record in caplog.records if record.name.startswith("apscheduler")] == []


async def test_a_job_due_at_the_very_end_does_not_begin() -> None:
    """Between the last moment inside and the first outside no run slips through."""
    work = Work()

    async with running([Job("work", HOUR, work)]) as schedule:
        await until(lambda: work.ended == 1)
        schedule.hurry("work")
    for _ in range(10):
        await asyncio.sleep(0.01)

    assert work.begun == 1
