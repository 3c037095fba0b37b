"""New releases, as the feed lists them: the pages of their projects are wanted now.

That is all the feed is good for. It proves no removal, moves no cursor, and does not vouch for any page.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from mirror import metrics
from mirror.catalog import projects, wanted
from mirror.catalog.database import Catalog
from mirror.catalog.wanted import Reason
from mirror.errors import UpstreamUnavailableError
from mirror.names import ProjectName
from mirror.setting_values import Inventory
from watcher.journal.updates import Updates, UpdatesClient

log = structlog.get_logger()


class Newcomers:
    """Looks at the feed, and knows what it listed the last time."""

    def __init__(
        self, *, catalog: Catalog, client: UpdatesClient, inventory: Inventory, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._client = client
        self._inventory = inventory
        self._now = now
        self._known = Updates(frozenset(), None)

    async def look(self) -> int:
        """One look. Returns how many known projects' pages are wanted for it.

        Raises UpstreamUnavailableError, NotTheLeaderError or CatalogUnavailableError.
        """
        try:
            found = await self._client.updates(self._known.etag) or self._known
        except UpstreamUnavailableError:
            metrics.upstream_requests.labels("rss", "failed").inc()
            raise
        new = found.releases - self._known.releases
        metrics.upstream_requests.labels("rss", "new" if new else "same").inc()
        known = await self._want({release.project for release in new}) if new else 0
        # Only now: what could not be noted is new at the next look too.
        self._known = found
        return known

    async def _want(self, names: set[ProjectName]) -> int:
        async with self._catalog.writing() as conn:
            known = await projects.want_soon(conn, names, now=self._now())
            if self._inventory is not Inventory.KNOWN:
                await wanted.want(conn, names, Reason.TOUCHED, now=self._now())
        log.info("rss.applied", projects=len(names), known=known)
        return known
