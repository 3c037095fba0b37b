"""What everpin must know, serve and have told, computed from what it was shown: rows of the journal and project pages.

Pure, and written from what everpin promises, not from its code. There is little bookkeeping: of each file the model
remembers where it was first and last listed, and derives everything else anew from all rows read so far.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.properties.history_bans import Bans, Meaning
from tests.properties.history_nouns import Choice, Row, Shown, Told
from tests.properties.history_story import Story


@dataclass
class HistoryModel:
    """All projects. `stored` holds the digests of the bytes that are in the store."""

    now: Callable[[], datetime]
    stories: dict[str, Story] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    read_at: datetime | None = None
    brake_released_at: datetime | None = None
    stored: set[str] = field(default_factory=set)
    had: set[str] = field(default_factory=set)
    """The digests of bytes that ever were in the store."""
    bans: Bans = field(default_factory=Bans)
    choice: Choice = field(default_factory=Choice)

    def story(self, name: str) -> Story:
        """The project's, begun if need be."""
        if name not in self.stories:
            story = Story(name, lambda digest: digest in self.stored, self.now, self.bans, self.choice)
            story.read_at = self.read_at
            self.stories[name] = story
        return self.stories[name]

    def read(self, rows: Sequence[Row], now: datetime) -> None:
        """What one transaction read of the journal: told in the order of serials, the rest after it."""
        told = [event for row in rows for event in self.story(row.project).read(row, now)]
        self.told += sorted(told, key=lambda event: (event.serial is None, event.serial or 0))

    def see(self, page: Shown) -> None:
        """A page that upstream answered with."""
        self.told += self.story(page.project).see(page)

    def store(self, sha256: str) -> None:
        """The bytes are in the store now."""
        assert sha256 not in self.bans.buried, "what was destroyed is back in the store"
        self.stored.add(sha256)
        self.had.add(sha256)

    def heed(self, said: dict[str, Meaning]) -> None:
        """All advisories as they were read."""
        before = self.bans.malware
        self.bans.malware = dict(said)
        for story in self.stories.values():
            story.heed(before)
        self.bans.heard_at = self.now()

    def absent(self, name: str) -> None:
        """Upstream said that there is no such project."""
        self.story(name).absent()

    def read_all(self, now: datetime) -> None:
        """The journal was read up to its end."""
        self.read_at = now
        for story in self.stories.values():
            story.read_at = now

    def tick(self, now: datetime) -> None:
        """The time passes."""
        for story in self.stories.values():
            story.tick(now)
