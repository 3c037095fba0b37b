"""The end of the schedule, in the middle of a job."""

import asyncio
import logging
from datetime import timedelta

import pytest

from watcher.schedule import Job, running


async def test_a_job_that_the_end_cuts_short_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """Stopping while a job waits for something cancels it and logs nothing that looks like a failure."""
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def never_done() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with asyncio.timeout(30):
        async with running([Job("wait", timedelta(hours=1), never_done)]):
            await begun.wait()
        await cancelled.wait()
    # The scheduler's own callback runs in the next turn of the loop.
    await asyncio.sleep(0)

    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_job_that_is_due_at_the_very_end_does_not_begin(caplog: pytest.LogCaptureFixture) -> None:
    """Nor does what the scheduler had planned for it look like a failure."""
    runs = []

    async def late() -> None:
        runs.append("late")

    async with running([Job("late", timedelta(hours=1), late, at_once=False)]) as schedule:
        await asyncio.sleep(0.01)
        schedule.hurry("late")
    # What the scheduler does with a job that was cut short takes a few turns of the loop.
    await asyncio.sleep(0.01)

    assert runs == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
