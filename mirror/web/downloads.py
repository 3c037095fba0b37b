"""Counts how often files are served whole: in memory, and every half minute in the catalog, never for each request.

While the catalog cannot be reached the counts wait here, up to a limit; what is served does not depend on them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime

import structlog

from mirror.catalog import downloads
from mirror.catalog.database import Catalog
from mirror.errors import CatalogUnavailableError
from mirror.meanwhile import meanwhile

log = structlog.get_logger()

_EVERY_SECONDS = 30.0
_SO_MANY_ARE_WRITTEN_AT_ONCE = 5_000
_MOST_WAITING = 100_000


class DownloadCounts:
    """Counts by file and UTC day that are not in the catalog yet."""

    def __init__(
        self,
        catalog: Catalog,
        now: Callable[[], datetime],
        *,
        every_seconds: float = _EVERY_SECONDS,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._catalog = catalog
        self._now = now
        self._every_seconds = every_seconds
        self._most_waiting = most_waiting
        self._counts: Counter[tuple[int, date]] = Counter()
        self._many = asyncio.Event()
        self._lost = 0

    def count(self, file_id: int) -> None:
        """Notes that the file was served whole just now."""
        key = (file_id, self._now().astimezone(UTC).date())
        if key not in self._counts and len(self._counts) >= self._most_waiting:
            self._lost += 1
            return
        self._counts[key] += 1
        if len(self._counts) >= _SO_MANY_ARE_WRITTEN_AT_ONCE:
            self._many.set()

    async def write(self) -> bool:
        """Adds what was counted to the catalog. Where that fails it is kept for the next time, and this is False."""
        self._many.clear()
        counts, self._counts = self._counts, Counter()
        lost, self._lost = self._lost, 0
        if lost:
            log.warning("downloads.not_counted", downloads=lost)
        if not counts:
            return True
        try:
            async with self._catalog.writing() as conn:
                await downloads.add(conn, counts)
        except BaseException as e:
            # Also where it is given up half-way: the transaction was rolled back.
            counts.update(self._counts)
            self._counts = counts
            if not isinstance(e, CatalogUnavailableError):
                raise
            log.warning("downloads.not_written", files=len(counts), error=str(e))
            return False
        return True

    @asynccontextmanager
    async def written(self) -> AsyncIterator[None]:
        """Writes them regularly until the end, and then once more."""
        try:
            async with meanwhile(self._write_regularly(), name="write download counts"):
                yield
        finally:
            await self.write()

    async def _write_regularly(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._many.wait(), self._every_seconds)
            if not await self.write():
                # However many wait: while that fails it is tried no more often than otherwise.
                await asyncio.sleep(self._every_seconds)
