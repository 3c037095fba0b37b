"""Any history of an index, seen by an everpin that lags, crashes and restarts, ends as everpin promises.

The histories are drawn by Hypothesis: some in every run of the tests, the same ones each time. A long run takes others,
with a seed of its own that is printed when a history fails:

    EVERPIN_HISTORIES=10000 pytest tests/properties/test_histories.py [--hypothesis-seed=N]
"""

import asyncio
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from mirror.catalog.database import Catalog, opened
from tests.properties.history_acts import Step, histories
from tests.properties.history_world import World

_ASKED_FOR = os.environ.get("EVERPIN_HISTORIES")
_EXAMPLES = int(_ASKED_FOR) if _ASKED_FOR else 120
_numbers = itertools.count(1)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all histories of a test."""
    with asyncio.Runner() as runner:
        yield runner


@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=_ASKED_FOR is None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(history=histories())
def test_every_history_ends_as_promised(
    history: list[Step], runner: asyncio.Runner, database_url: str, tmp_path: Path
) -> None:
    """Pages, states, events and bytes are after each step what follows from the rows and pages that were shown."""
    runner.run(_live_through(history, database_url, tmp_path / str(next(_numbers))))


async def _live_through(history: list[Step], database_url: str, data_dir: Path) -> None:
    async with opened(database_url, pool_size=8) as catalog:
        await _in_world(history, catalog, data_dir)


async def _in_world(history: list[Step], catalog: Catalog, data_dir: Path) -> None:
    async with World(catalog, data_dir) as world:
        for step in history:
            await world.take(step)
        await world.end()
