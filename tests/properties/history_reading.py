"""How the whole house reads the journal in a history: at once, in small pages, twice at the same time, or dying in it.

The model reads the same rows in the same transactions.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from packaging.utils import canonicalize_name

from mirror import observe
from mirror.catalog import journal, pending, projects
from mirror.catalog.database import Catalog
from mirror.errors import NotTheLeaderError, UpstreamUnavailableError
from tests.properties.history_acts import Step
from tests.properties.history_crashes import CrashError, CrashingCatalog
from tests.properties.history_model import HistoryModel
from tests.properties.history_nouns import Row
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House
from watcher.poll import poll

READINGS = ("poll", "poll_in_small_pages", "poll_twice_at_once", "crash_in_poll")
_SMALL_PAGE = 2


class Reading:
    """Reads the journal up to `cursor`, in the house that stands now."""

    def __init__(self, catalog: Catalog, pypi: PyPISim, model: HistoryModel, *, house: Callable[[], House]) -> None:
        self.cursor = 0
        self._catalog = catalog
        self._pypi = pypi
        self._model = model
        self._house = house

    async def poll(self, _step: Step | None = None) -> None:
        """Reads all that is new."""
        await self._polled(self._house().poll, page_size=1000)

    async def poll_in_small_pages(self, _step: Step | None = None) -> None:
        """The same, two rows at a time."""
        await self._polled(lambda: self._poll_by(self._catalog), page_size=_SMALL_PAGE)

    async def poll_twice_at_once(self, _step: Step | None = None) -> None:
        """Two read at the same time."""

        async def both() -> None:
            outcomes = await asyncio.gather(self._house().poll(), self._house().poll(), return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException) and not isinstance(outcome, NotTheLeaderError):
                    raise outcome

        await self._polled(both, page_size=1000)

    async def crash_in_poll(self, step: Step) -> None:
        """Everpin dies in one of the transactions."""
        catalog = CrashingCatalog(self._catalog, transaction=1 + step.this // 2, before_commit=step.this % 2 == 0)
        await self._polled(lambda: self._poll_by(catalog), page_size=_SMALL_PAGE)

    async def clock(self) -> None:
        """What the watcher does every few seconds."""
        now = self._pypi.now()
        async with self._catalog.reading() as conn:
            names = {*await pending.due(conn, now=now), *await projects.with_passing_states(conn, now=now)}
        async with self._catalog.writing() as conn:
            await observe.clock(conn, names, rules=self._house().rules, now=now)
        self._model.tick(now)

    # Inside

    async def _poll_by(self, catalog: Catalog) -> None:
        house = self._house()
        await poll(catalog, house.client, rules=house.rules, now=self._pypi.now, page_size=_SMALL_PAGE)

    async def _polled(self, act: Callable[[], Awaitable[None]], *, page_size: int) -> None:
        await self.clock()
        self._pypi.journal_page_size = page_size
        with suppress(UpstreamUnavailableError, CrashError, NotTheLeaderError):
            await act()
        async with self._catalog.reading() as conn:
            position = await journal.position(conn)
        assert position is not None
        new = [row for row in self._pypi.rows_since(self.cursor) if row.serial <= position.serial]
        rows = [Row(row.serial, canonicalize_name(row.name), row.version, row.action, row.timestamp) for row in new]
        for start in range(0, len(rows), page_size):
            self._model.read(rows[start : start + page_size], self._pypi.now())
        self.cursor = position.serial
        self._model.read_all(position.checked_at)
