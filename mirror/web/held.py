"""Pages in memory, within a bound in bytes: those not asked for longest go first."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from mirror.index.merge import Offer
from mirror.index.negotiate import ContentType
from mirror.model import ProjectFacts
from mirror.names import ProjectName
from mirror.web.prebuilt import Ready

# What a page costs beside the bytes of its bodies, and what each file on it does.
_PAGE_BYTES = 2_000
_FILE_BYTES = 2_000
# Whoever may choose the name under which a mirror is reached must not fill the memory with it.
_MOST_ORIGINS = 4


@dataclass(slots=True)
class Held:
    """One page in memory: what it offers, its renderings so far, and when upstream last confirmed it."""

    project: ProjectFacts
    offer: Offer
    observed_at: datetime
    ask_again: float = 0.0
    rendering: asyncio.Lock = field(default_factory=asyncio.Lock)
    size: int = 0
    _renderings: dict[tuple[ContentType, str | None], Ready] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.size = _PAGE_BYTES + _FILE_BYTES * len(self.offer.entries)

    def rendering_of(self, content_type: ContentType, origin: str | None) -> Ready | None:
        """The page in this form, if it was rendered already."""
        return self._renderings.get((content_type, origin))

    def keep(self, rendering: Ready, content_type: ContentType, origin: str | None) -> None:
        """Keeps a rendering, and of those that name an origin only the last few."""
        self._renderings[content_type, origin] = rendering
        self.size += rendering.size
        named = [key for key in self._renderings if key[0] is content_type and key[1] is not None]
        for key in named[:-_MOST_ORIGINS]:
            self.size -= self._renderings.pop(key).size


class HeldPages:
    """The pages in memory. `beside` are bytes that something else of the same budget takes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._pages: OrderedDict[ProjectName, Held] = OrderedDict()
        self._bytes = 0
        self._beside = 0

    @property
    def bytes(self) -> int:
        """What all of it takes."""
        return self._bytes + self._beside

    def find(self, project: ProjectName) -> Held | None:
        """The page, if it is in memory."""
        return self._pages.get(project)

    def used(self, project: ProjectName) -> None:
        """Notes that the page was asked for."""
        if project in self._pages:
            self._pages.move_to_end(project)

    def put(self, project: ProjectName, held: Held) -> None:
        """Holds a page instead of the one that was held, as far as there is room."""
        self.drop(project)
        self._pages[project] = held
        self._bytes += held.size
        self._evict()

    def keep(
        self, project: ProjectName, held: Held, rendering: Ready, content_type: ContentType, origin: str | None
    ) -> None:
        """Keeps a rendering with its page."""
        before = held.size
        held.keep(rendering, content_type, origin)
        if self._pages.get(project) is held:
            self._bytes += held.size - before
            self._evict()

    def drop(self, project: ProjectName) -> None:
        """Forgets a page."""
        if (held := self._pages.pop(project, None)) is not None:
            self._bytes -= held.size

    def clear(self) -> None:
        """Forgets all pages."""
        self._pages.clear()
        self._bytes = 0

    def leave_room(self, beside: int) -> None:
        """From now on so many bytes of the budget are taken by something else."""
        self._beside = beside
        self._evict()

    def _evict(self) -> None:
        while self.bytes > self._most_bytes and self._pages:
            _, oldest = self._pages.popitem(last=False)
            self._bytes -= oldest.size
