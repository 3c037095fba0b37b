"""What is known of a project that a lock file names: what its pins are judged by. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mirror.advisories import Advisory
from mirror.changes.orders import Standing
from mirror.journal_rows import JournalRow
from mirror.model import FileFacts, ProjectFacts, State
from mirror.names import ProjectName, Sha256
from mirror.targets import RecordedAct


class Asked(StrEnum):
    """What came of asking upstream, for the sake of a check, for a project of which something was not known."""

    NOT = "not"
    SEEN = "seen"
    ABSENT = "absent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Orders:
    """What operators ordered: what stands, the acts by number, and which act purged which bytes."""

    standing: Standing = field(default_factory=Standing)
    acts: Mapping[int, RecordedAct] = field(default_factory=dict)
    purges: Mapping[Sha256, int] = field(default_factory=dict)

    def purge_of(self, digest: Sha256 | None) -> RecordedAct | None:
        """The act that destroyed these bytes."""
        number = self.purges.get(digest) if digest is not None else None
        return self.acts.get(number) if number is not None else None


# The same for all, of which there may be tens of thousands.
_NO_ORDERS = Orders()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A project as far as its pins are concerned; `project` is None for one that was never observed.

    `files` are those that pins may mean, in their states of today. `versions` are those of all its files, as spelled,
    with the state of each. Rows and advisories are only gathered where something that was pinned is not there.
    """

    name: ProjectName
    project: ProjectFacts | None = None
    files: tuple[FileFacts, ...] = ()
    versions: tuple[tuple[str, State], ...] = ()
    rows: tuple[JournalRow, ...] = ()
    advisories: tuple[Advisory, ...] = ()
    orders: Orders = _NO_ORDERS
    asked: Asked = Asked.NOT
