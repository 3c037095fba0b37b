"""What must be true of the events about advisories: each file's turn from good to bad and back is told once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.properties.history_story import Story

ADVISED = ("advisory.blocked", "advisory.withdrawn")

_Key = tuple[str, str]


@dataclass(frozen=True)
class ToldAdvice:
    """An event about an advisory: whether it blocks, the advisory's id, and the files by name and digest."""

    blocks: bool
    advisory: str
    files: tuple[_Key, ...]


@dataclass
class AdviceWords:
    """What was told last of each file of one project and each advisory."""

    words: dict[tuple[_Key, str], bool] = field(default_factory=dict)
    appearances: dict[_Key, int] = field(default_factory=dict)
    heard: int = 0

    def follow(self, story: Story, told: list[ToldAdvice]) -> None:
        """Takes in what was told since the last step, and compares it with what the advisories mean now."""
        new: dict[tuple[_Key, str], bool] = {}
        for event in told[self.heard :]:
            for key in event.files:
                # The same bytes can be known of two lives of a name.
                assert new.setdefault((key, event.advisory), event.blocks) is event.blocks, f"both at once: {event}"
        self.heard = len(told)
        for (key, advisory), blocks in new.items():
            has_appeared = self.appearances.get(key) != story.records[key].appearances
            assert self.words.get((key, advisory)) is not blocks or has_appeared, f"told again: {key} {advisory}"
        self.words |= new
        for key, record in story.records.items():
            is_first = key not in self.appearances and record.first_look
            self.appearances[key] = record.appearances
            meant = story.bans.advisories(story.name, record.entry.version)
            if is_first:
                # Nothing of a project's first page is news.
                assert not any(one[0] == key for one in new), f"told at first sight: {key}"
                self.words |= {(key, advisory): True for advisory in meant}
            said = {advisory for (of, advisory), blocks in self.words.items() if of == key and blocks}
            assert said == meant, f"{key} is told to be malware by {said}, not {meant}"


def advice_told(events: Iterable[tuple[str, list[str], list[_Key]]]) -> list[ToldAdvice]:
    """The events of one project by their kinds, advisories and files."""
    found = []
    for kind, advisories, files in events:
        if kind in ADVISED:
            assert len(advisories) == 1, "each advisory is told for itself"
            found.append(ToldAdvice(kind == "advisory.blocked", advisories[0], tuple(files)))
    return found
