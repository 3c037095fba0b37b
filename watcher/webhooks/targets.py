"""Which targets there are to deliver to: those of the settings, and those that belong to a lock file's feed."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TypeAlias

from mirror.catalog.webhooks import Target
from watcher.feed.filters import Filter
from watcher.webhooks.chosen import Chosen

LockFilters: TypeAlias = Callable[[int], Awaitable[Filter | None]]
"""What touches the lock of that feed; None where the feed is gone."""

TIMEOUT_OF_LOCKS = timedelta(seconds=15)
"""How long a delivery to a lock's target may take."""


class Targets:
    """What the rows of targets stand for, as this process has its settings."""

    def __init__(self, of_settings: Iterable[Chosen], lock_filter: LockFilters) -> None:
        self._of_settings = {chosen.key: chosen for chosen in of_settings}
        self._lock_filter = lock_filter

    @property
    def named(self) -> list[tuple[str, str]]:
        """Key and name of those that stand in the settings."""
        return [(chosen.key, chosen.name) for chosen in self._of_settings.values()]

    async def chosen(self, target: Target) -> Chosen | None:
        """How to deliver there; None where the lock that it belongs to is gone, or it stands in no settings."""
        if target.lock_feed is None or target.url is None or target.secret is None:
            return self._of_settings.get(target.key)
        wanted = await self._lock_filter(target.lock_feed)
        if wanted is None:
            return None
        return Chosen(
            key=target.key,
            name=target.name,
            url=target.url,
            secrets=(target.secret,),
            wanted=wanted,
            form="cloudevents",
            timeout=TIMEOUT_OF_LOCKS,
            allow_private=False,
        )
