"""What must be true of the yanks that everpin tells, whether the journal's rows say so or only pages do.

When each is told depends on what comes first, a row or its page. But no act is told twice, what a page alone makes it
tell is news, and the last word on every file that upstream lists is true in the end.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from packaging.utils import canonicalize_version

from tests.properties.history_nouns import Row
from tests.properties.history_story import Story
from tests.pypi_sim import PyPISim

TOLD_LATE = ("release.yanked", "release.unyanked", "file.yanked", "file.unyanked")
"""Kinds that are not told at once."""

_Key = tuple[str, str | None]


@dataclass(frozen=True)
class ToldYank:
    """An event about a yank; `files` by name and digest, none where the project was not known."""

    kind: str
    version: str | None
    serial: int | None
    files: tuple[_Key, ...]
    reason: str | None

    @property
    def is_yank(self) -> bool:
        return self.kind.endswith(".yanked")


@dataclass
class LastWords:
    """What was told last of the yank of each file of one project: None for no yank, else the reason."""

    words: dict[_Key, str | None] = field(default_factory=dict)
    heard: int = 0
    read: int = 0
    appearances: dict[_Key, int] = field(default_factory=dict)

    def follow(self, story: Story, told: Sequence[ToldYank]) -> None:
        """Takes in what is new of all that was `told` so far, and compares it with what the rows and pages said."""
        appeared = set()
        for key, record in story.records.items():
            if self.appearances.get(key) != record.appearances:
                # What was told in the same step can have come before that.
                appeared.add(key)
                self.appearances[key] = record.appearances
                self.words[key] = record.yanked_at_first
        for event in told[self.heard :]:
            word = (event.reason or "") if event.is_yank else None
            if event.serial is None:
                is_news = any(self.words[key] != word or key in appeared for key in event.files)
                assert is_news, f"no news of {story.name}: {event}"
            self.words |= dict.fromkeys(event.files, word)
        self.heard = len(told)
        for row in story.rows[self.read :]:
            # A yank goes with its release: what is there under its name all the same is as it was seen.
            gone = {key: record for key, record in story.records.items() if row.removes(record.entry)}
            self.words |= {key: story.yank_of(record) for key, record in gone.items()}
        self.read = len(story.rows)
        _assert_serials(story, told)

    def assert_true(self, story: Story, pypi: PyPISim, *, wondered: bool) -> None:
        """The last word on whatever upstream lists is what upstream says; a reason may never have been heard.

        Where yanks came without rows (`wondered`), a row may be told with the reason of the yank before it.
        """
        living = pypi.projects.get(story.name)
        if not story.known or living is None or living.last_serial < story.believed or story.is_quarantined():
            return
        for release in living.releases.values():
            for file in release.files.values():
                key = (file.filename, file.sha256)
                if file not in living.visible_files() or key not in self.words:
                    continue
                word = self.words[key]
                assert (word is not None) == release.yanked, f"{file.filename} is said to be yanked: {word!r}"
                assert wondered or word in (None, "", release.yanked_reason), (
                    f"{file.filename} is said to be yanked: {word!r}"
                )


def assert_told_once(story: Story, told: Sequence[ToldYank]) -> None:
    """Where every act has its row, there are no more events about a release than acts."""
    acts = Counter(_act(row) for row in story.rows if row.action in ("yank release", "unyank release"))
    events = Counter((event.is_yank, canonicalize_version(event.version or "")) for event in told)
    too_many = {act: count for act, count in events.items() if count > acts[act]}
    assert not too_many, f"told more often than done, of {story.name}: {too_many}"


def _act(row: Row) -> tuple[bool, str]:
    return row.action == "yank release", canonicalize_version(row.version or "")


def _assert_serials(story: Story, told: Sequence[ToldYank]) -> None:
    """Each row's at most once, and what had to be told by now."""
    yanks = [event.serial for event in told if event.kind == "release.yanked" and event.serial is not None]
    unyanks = [event.serial for event in told if event.kind == "release.unyanked" and event.serial is not None]
    assert len(set(yanks)) == len(yanks)
    assert set(yanks) <= set(story.yanks)
    assert len(set(unyanks)) == len(unyanks)
    assert set(unyanks) <= set(story.due_unyanks), f"unyanks of {story.name}"
    assert {serial for serial, must in story.due_unyanks.items() if must} <= set(unyanks), f"unyanks of {story.name}"


def assert_yanks_told(story: Story, told: Sequence[ToldYank]) -> None:
    """In the end, no yank that had to be told is missing."""
    assert {serial for serial, must in story.yanks.items() if must} <= {event.serial for event in told}
