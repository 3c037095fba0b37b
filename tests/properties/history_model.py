"""What everpin must know, serve and have told, computed from what it was shown: rows of the journal and project pages.

Pure, and written from what everpin promises, not from its code. There is little bookkeeping: of each file the model
remembers where it was first and last listed, and derives everything else anew from all rows read so far.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.properties.history_nouns import Row, Shown, Told
from tests.properties.history_story import Story


@dataclass
class HistoryModel:
    """All projects. `stored` holds the digests of the bytes that are in the store."""

    now: Callable[[], datetime]
    stories: dict[str, Story] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)

    def story(self, name: str) -> Story:
        """The project's, begun if need be."""
        return self.stories.setdefault(name, Story(name, self.stored.__contains__, self.now))

    def read(self, rows: Sequence[Row], now: datetime) -> None:
        """What one transaction read of the journal: told in the order of serials, the rest after it."""
        told = [event for row in rows for event in self.story(row.project).read(row, now)]
        self.told += sorted(told, key=lambda event: (event.serial is None, event.serial or 0))

    def see(self, page: Shown) -> None:
        """A page that upstream answered with."""
        self.told += self.story(page.project).see(page)

    def tick(self, now: datetime) -> None:
        """The time passes."""
        for story in self.stories.values():
            story.tick(now)
