"""What policies look at: a deletion as it was, and what was there before it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mirror.model import DepartureCause


@dataclass(frozen=True, slots=True)
class Removed:
    """The files of one version that a deletion takes, summed up: rules ask only how old the oldest of them is.

    `oldest` is the earliest upload time known, `undated` the number of files whose upload time is not.
    """

    version: str | None
    files: int
    oldest: datetime | None
    undated: int

    @classmethod
    def of(cls, version: str | None, upload_times: Iterable[datetime | None]) -> "Removed":
        """The sum of the files that were uploaded at those times."""
        times = tuple(upload_times)
        dated = [time for time in times if time is not None]
        return cls(version, len(times), min(dated, default=None), len(times) - len(dated))


@dataclass(frozen=True, slots=True)
class Downloads:
    """How often what is removed was downloaded by installers: ever, in the last month, in the last week."""

    total: int | None = None
    month: int | None = None
    week: int | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion, at `now`, of which everything but its kind and its time may be unknown.

    `version` is that of the file or release. `removed` are the files it takes, by version; `complete` says that they
    are all. `former_versions` are those that a project which is deleted once had, besides those that it has.
    `created` is when the project was registered; where that is not known, `created_by` may be a time at which it was
    there already. `owners` is their number and `fewest_owners` how many there were at least. `dependents` counts other
    projects that need what is removed.
    """

    kind: DepartureCause
    now: datetime
    version: str | None = None
    removed: tuple[Removed, ...] = ()
    complete: bool = False
    former_versions: tuple[str, ...] = ()
    created: datetime | None = None
    created_by: datetime | None = None
    owners: int | None = None
    fewest_owners: int = 0
    downloads: Downloads = Downloads()
    dependents: int | None = None

    @property
    def empty(self) -> bool:
        """Whether it is known to take no file at all."""
        return self.complete and not any(part.files for part in self.removed)
