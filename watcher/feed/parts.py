"""What the handlers of the feed's URLs need, by a typed key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from mirror.catalog.database import Catalog
from mirror.catalog.instance import Instance
from mirror.settings import Settings
from watcher.feed import BLOCK_SIZE


@dataclass(frozen=True, slots=True)
class FeedParts:
    """What the feed's handlers need. `block_size` is how many numbers an archive covers."""

    catalog: Catalog
    settings: Settings
    now: Callable[[], datetime]
    block_size: int = BLOCK_SIZE


FEED = web.AppKey("feed", FeedParts)


def source_of(me: Instance, settings: Settings) -> str:
    """The `source` of events: where the mirror is reached, else who it is."""
    return settings.mirror.base_url or me.uuid.urn
