"""Any history of an index, seen by an everpin that lags, crashes and restarts, ends as everpin promises.

The histories are drawn by Hypothesis: some in every run of the tests, the same ones each time. A long run takes others,
with a seed of its own that is printed when a history fails:

    EVERPIN_HISTORIES=10000 pytest tests/properties/test_histories.py [--hypothesis-seed=N]
"""

import asyncio
import itertools
import logging
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings

from mirror.catalog.database import Catalog, opened
from tests.properties.histories_also_once_wrong import ALSO_ONCE_WRONG
from tests.properties.histories_once_wrong import ONCE_WRONG
from tests.properties.history_acts import Step
from tests.properties.history_drawing import histories
from tests.properties.history_mind import Mind
from tests.properties.history_world import World

_ASKED_FOR = os.environ.get("EVERPIN_HISTORIES")
_EXAMPLES = int(_ASKED_FOR) if _ASKED_FOR else 30
_PINNED = ONCE_WRONG | ALSO_ONCE_WRONG
_numbers = itertools.count(1)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all histories of a test. Crashes are part of them: to log each took a sixth of the time."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with asyncio.Runner() as runner:
        yield runner
    structlog.configure(**before)


@pytest.fixture
def lived_in(runner: asyncio.Runner, database_url: str) -> Iterator[Catalog]:
    """One catalog for all histories of a test; each empties it when it begins."""
    stack = AsyncExitStack()
    yield runner.run(stack.enter_async_context(opened(database_url, pool_size=8)))
    runner.run(stack.aclose())


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
    history: list[Step], runner: asyncio.Runner, lived_in: Catalog, tmp_path: Path
) -> None:
    """Pages, states, events and bytes are after each step what follows from the rows and pages that were shown."""
    runner.run(_live_through(history, lived_in, tmp_path / str(next(_numbers))))


@settings(
    max_examples=20 * _EXAMPLES,
    deadline=None,
    derandomize=_ASKED_FOR is None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(history=histories())
def test_every_history_is_understood_as_promised(history: list[Step]) -> None:
    """States and events are after each step what follows from the rows and pages that were shown, in thought alone."""
    _think_through(history)


@pytest.mark.parametrize("history", _PINNED.values(), ids=_PINNED.keys())
def test_a_history_that_once_went_wrong_ends_as_promised(
    history: list[Step], runner: asyncio.Runner, lived_in: Catalog, tmp_path: Path
) -> None:
    """Histories that were found by drawing them."""
    runner.run(_live_through(history, lived_in, tmp_path))


@pytest.mark.parametrize("history", _PINNED.values(), ids=_PINNED.keys())
def test_a_history_that_once_went_wrong_is_understood_as_promised(history: list[Step]) -> None:
    """The same, in thought alone."""
    _think_through(history)


def _think_through(history: list[Step]) -> None:
    mind = Mind()
    for step in history:
        mind.take(step)
    mind.end()


async def _live_through(history: list[Step], catalog: Catalog, data_dir: Path) -> None:
    async with World(catalog, data_dir) as world:
        for step in history:
            await world.take(step)
        await world.end()
