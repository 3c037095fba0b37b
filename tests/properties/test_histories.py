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
from tests.properties.history_acts import Step, histories
from tests.properties.history_mind import Mind
from tests.properties.history_world import World

_ASKED_FOR = os.environ.get("EVERPIN_HISTORIES")
_EXAMPLES = int(_ASKED_FOR) if _ASKED_FOR else 120
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
    max_examples=10 * _EXAMPLES,
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


_ONCE_WRONG = {
    "a file comes back twice, and a quarantine begins and ends in between": [
        Step("upload"),
        Step("upload", that=1),
        Step("upload", this=2),
        Step("page"),
        Step("file"),
        Step("watch"),
        Step("delete_file"),
        Step("restore"),
        Step("quarantine_project"),
        Step("clear_project"),
        Step("poll"),
        Step("delete_file"),
        Step("restore"),
        Step("crash_in_refresh", this=1),
    ],
    "the first page of all is that of a quarantined project": [
        Step("upload"),
        Step("quarantine_project"),
        Step("page"),
    ],
    "two pages show a quarantine and its end before any row is read": [
        Step("upload"),
        Step("quarantine_project"),
        Step("file"),
        Step("clear_project"),
        Step("crash_in_refresh", this=5),
    ],
    "a page shows the next quarantine while rows tell of the last one": [
        Step("upload"),
        Step("quarantine_project"),
        Step("clear_project"),
        Step("metadata"),
        Step("delete_file"),
        Step("journal_down"),
        Step("quarantine_project"),
        Step("crash_in_refresh", this=5),
    ],
    "a project is archived after a quarantine that is read later": [
        Step("upload"),
        Step("quarantine_project"),
        Step("clear_project"),
        Step("archive"),
        Step("page"),
        Step("delete_release"),
    ],
    "the bytes kept of one life are quarantined in the next": [
        Step("upload"),
        Step("file"),
        Step("delete_project"),
        Step("upload", that=1),
        Step("restore"),
        Step("watch"),
        Step("quarantine_release"),
    ],
    "a file of a quarantined release is deleted": [
        Step("upload"),
        Step("file"),
        Step("quarantine_release"),
        Step("delete_file"),
    ],
    "a quarantine begins and ends while a file is away": [
        Step("upload"),
        Step("file"),
        Step("delete_file"),
        Step("quarantine_project"),
        Step("clear_project"),
        Step("restore"),
        Step("watch"),
        Step("delete_file"),
    ],
    "a file comes back before its first page and the row of its removal are read": [
        Step("upload"),
        Step("journal_down"),
        Step("delete_release"),
        Step("restore"),
        Step("page"),
    ],
    "a file of the next life is seen before the old life's yank is read": [
        Step("upload"),
        Step("upload", that=1),
        Step("page"),
        Step("yank"),
        Step("advance", this=3),
        Step("delete_project"),
        Step("register"),
        Step("restore"),
        Step("page"),
    ],
    "a release is yanked whose file was replaced": [
        Step("upload"),
        Step("page"),
        Step("upload", that=3),
        Step("poll"),
        Step("upload_same_name"),
        Step("yank"),
        Step("refresh"),
    ],
    "others take a name twice": [
        Step("upload"),
        Step("file"),
        Step("delete_project"),
        Step("upload", this=2, that=1),
        Step("watch"),
        Step("delete_project"),
        Step("upload", this=3, that=3),
        Step("watch"),
        Step("advance", this=4),
        Step("page"),
    ],
    "the owner of a name that others took comes back": [
        Step("upload"),
        Step("file"),
        Step("delete_project"),
        Step("register", this=1),
        Step("delete_project"),
        Step("upload", this=3),
        Step("watch"),
        Step("file", this=1),
        Step("advance", this=4),
        Step("page"),
    ],
    "the same bytes are kept of two lives": [
        Step("upload"),
        Step("upload", this=2),
        Step("file"),
        Step("delete_project"),
        Step("upload", this=7),
        Step("poll"),
        Step("restore", this=2),
        Step("refresh"),
        Step("keep"),
        Step("delete_project"),
    ],
    "bytes that took a filename over come back in the next life": [
        Step("upload"),
        Step("page"),
        Step("quarantine_project"),
        Step("clear_project"),
        Step("upload_same_name"),
        Step("poll"),
        Step("page"),
        Step("delete_project"),
        Step("upload", this=3),
        Step("restore", this=1),
    ],
    "a page shows that the next life is quarantined before the end of the last is read": [
        Step("upload"),
        Step("file"),
        Step("delete_project"),
        Step("upload", this=3),
        Step("quarantine_project"),
        Step("crash_in_refresh", this=1),
        Step("clear_project"),
    ],
    "a file comes back while its project counts as quarantined": [
        Step("upload"),
        Step("page"),
        Step("unyank_and_delete"),
        Step("quarantine_project"),
        Step("poll"),
        Step("delete_project"),
        Step("upload", this=5),
        Step("restore"),
        Step("page"),
    ],
    "a file that was quarantined and removed is first seen when it is back": [
        Step("upload"),
        Step("quarantine_project"),
        Step("clear_project"),
        Step("delete_file"),
        Step("restore"),
        Step("crash_in_refresh", this=5),
    ],
    "bytes of an earlier life come back before the removal of their version is read": [
        Step("upload"),
        Step("file"),
        Step("delete_project"),
        Step("upload", this=1),
        Step("poll"),
        Step("unyank_and_delete"),
        Step("restore"),
        Step("page"),
    ],
    "a release is deleted in a quarantine whose end a page has shown already": [
        Step("upload", this=2),
        Step("page"),
        Step("upload"),
        Step("poll"),
        Step("quarantine_project"),
        Step("metadata"),
        Step("delete_release", this=2),
        Step("clear_project"),
        Step("crash_in_refresh", this=3),
    ],
    "a file is back, is quarantined and is cleared before the row of its removal is read": [
        Step("upload"),
        Step("file"),
        Step("delete_file"),
        Step("restore"),
        Step("crash_in_refresh", this=1),
        Step("quarantine_project"),
        Step("crash_in_refresh", this=1),
        Step("clear_project"),
        Step("crash_in_refresh", this=1),
        Step("poll"),
    ],
    "a file that came back is quarantined and deleted before the first removal is read": [
        Step("upload"),
        Step("file"),
        Step("delete_file"),
        Step("restore"),
        Step("crash_in_refresh", this=1),
        Step("quarantine_release"),
        Step("crash_in_refresh", this=1),
        Step("delete_release"),
        Step("poll"),
        Step("page"),
    ],
    "a release is deleted twice and was seen between before either is read": [
        Step("upload", this=2),
        Step("upload", this=2, that=1),
        Step("page"),
        Step("delete_release", this=2),
        Step("restore"),
        Step("crash_in_refresh", this=1),
        Step("delete_release", this=2),
        Step("crash_in_refresh", this=3),
        Step("crash_in_poll", this=5),
    ],
    "a file of the last life comes back while the next is quarantined": [
        Step("upload"),
        Step("page"),
        Step("delete_project"),
        Step("upload", this=6),
        Step("quarantine_project"),
        Step("restore"),
        Step("poll"),
        Step("clear_project"),
        Step("refresh"),
    ],
    "a newcomer is seen before the rows that quarantined the last life are read": [
        Step("upload"),
        Step("quarantine_release"),
        Step("delete_project"),
        Step("upload_same_name"),
        Step("crash_in_refresh", this=1),
        Step("delete_release"),
        Step("restore", this=1),
    ],
    "pages show a quarantine of the next life and its end before the end of the last is read": [
        Step("upload_young"),
        Step("delete_project"),
        Step("upload_same_name"),
        Step("quarantine_project"),
        Step("file"),
        Step("clear_project"),
        Step("crash_in_refresh", this=5),
    ],
    "what came back while it was quarantined is deleted and comes back again": [
        Step("upload"),
        Step("file"),
        Step("delete_release"),
        Step("restore"),
        Step("upload", this=2),
        Step("quarantine_project"),
        Step("poll_in_small_pages"),
        Step("clear_project"),
        Step("refresh"),
        Step("delete_release"),
        Step("restore"),
    ],
}


@pytest.mark.parametrize("history", _ONCE_WRONG.values(), ids=_ONCE_WRONG.keys())
def test_a_history_that_once_went_wrong_ends_as_promised(
    history: list[Step], runner: asyncio.Runner, lived_in: Catalog, tmp_path: Path
) -> None:
    """Histories that were found by drawing them."""
    runner.run(_live_through(history, lived_in, tmp_path))


@pytest.mark.parametrize("history", _ONCE_WRONG.values(), ids=_ONCE_WRONG.keys())
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
