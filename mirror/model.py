"""The nouns: what an index says, what its journal says, and what we remember of both.

Everything here is frozen and free of I/O. Essential reading, in order: PEP 503 (names and pages), PEP 592 (yanking),
PEP 691 (JSON pages), PEP 700 (size, upload-time, versions), PEP 714 (core metadata), PEP 792 (project status).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror.names import ProjectName, Serial, Sha256


class ProjectStatus(StrEnum):
    """PEP 792. Unknown markers are read as `active`: an index may add some that change nothing for an installer."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    QUARANTINED = "quarantined"
    DEPRECATED = "deprecated"


class State(StrEnum):
    """What may be done with a file: with its bytes, its metadata and its entry on the project page alike."""

    LIVE = "live"
    YANKED = "yanked"
    KEPT = "kept"
    HELD = "held"
    BLOCKED = "blocked"
    PURGED = "purged"
    LOST = "lost"


class Cause(StrEnum):
    """Why a file is held or blocked."""

    RESCUE = "rescue"
    YOUNG = "young"
    STRANGER = "stranger"
    REPLACED = "replaced"
    QUARANTINE = "quarantine"
    OPERATOR = "operator"
    UNEXPLAINED = "unexplained"
    SETTLING = "settling"
    ADVISORY = "advisory"
    SETTING = "setting"


class DepartureCause(StrEnum):
    """Which act upstream took a file away."""

    FILE = "file"
    RELEASE = "release"
    PROJECT = "project"


class HashSource(StrEnum):
    """Who named the sha256 first: upstream, or we ourselves when the bytes were first seen."""

    UPSTREAM = "upstream"
    SELF = "self"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file as a project page lists it.

    `yanked` is None for a file that is not yanked and otherwise the reason, empty where none was given (PEP 592).
    `core_metadata` is the digest of the metadata file, True where it exists without a digest, else False (PEP 714).
    `extra` is a JSON object with every key of the entry that is not a field here, so that future keys survive.
    """

    filename: str
    url: str
    sha256: Sha256 | None
    version: str | None
    size: int | None
    upload_time: datetime | None
    yanked: str | None = None
    requires_python: str | None = None
    core_metadata: Sha256 | bool = False
    provenance: str | None = None
    extra: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """A project page as upstream answered it.

    `serial` is the journal's number up to which the page is true, where the index tells it. `extra` is a JSON object
    with every top-level key that is not a field here.
    """

    project: ProjectName
    serial: Serial | None
    status: ProjectStatus
    versions: tuple[str, ...]
    files: tuple[ListedFile, ...]
    etag: str | None = None
    extra: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class Departure:
    """When and by which act a file left upstream. `at` is upstream's time.

    Where its project was removed whole, then or later, `project_gone_at` is when, and `project_since` since when there
    was that project, as far as known; else both are None.
    """

    at: datetime
    serial: Serial
    cause: DepartureCause
    was_yanked: bool = False
    project_since: datetime | None = None
    project_gone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is remembered of one file: facts only, plus the state that `mirror.states` last derived from them.

    `missing_seen` says when a page last lacked the file, `missing_since` since when that is unexplained: the page of
    something quarantined lacks files that are not missing. `listed_until` is the serial of the last page that listed
    the file. These are None where the newest page lists it. `listed_since` is the serial of the page that brought
    it back last. `disappeared_at` is when its absence was believed though no row explains it, `disappeared_in` the id
    of the event that told so. `listed_at` is when upstream last confirmed a page that listed a file that is missing.
    A file is identified by project, incarnation, filename and sha256. `id` is None until the catalog has stored it.
    A `stranger` was first seen after its whole version had departed, or is back though it was once blocked. A newcomer
    was first seen in a life of the name that is not its first, `newcomer_in`, also where it came back in a later one.
    `advisories` are the ids of those that call it malware. `blocked_by`, `released_by` and `vouched_by` are the acts of
    operators; they vouched for a file that they released by its digest. `as_was`: it shall be listed as it was before.
    `provenance_sha256` is the digest of the provenance that the store holds, None where it holds none.
    """

    id: int | None
    incarnation: int
    listed_file: ListedFile
    first_seen_at: datetime
    first_seen_serial: Serial | None
    listed: bool = True
    missing_since: datetime | None = None
    missing_seen: datetime | None = None
    listed_until: Serial | None = None
    listed_at: datetime | None = None
    listed_since: Serial | None = None
    departed: Departure | None = None
    disappeared_at: datetime | None = None
    disappeared_in: str | None = None
    stranger: bool = False
    newcomer_in: int | None = None
    replaced: bool = False
    quarantined_by: Serial | None = None
    quarantined_at: datetime | None = None
    advisories: tuple[str, ...] = ()
    blocked_by: int | None = None
    released_by: int | None = None
    vouched_by: int | None = None
    as_was: bool = False
    purged_at: datetime | None = None
    stored_at: datetime | None = None
    metadata_stored_at: datetime | None = None
    provenance_sha256: Sha256 | None = None
    lost_at: datetime | None = None
    hash_source: HashSource = HashSource.UPSTREAM
    state: State = State.LIVE
    cause: Cause | None = None
    state_until: datetime | None = None

    @property
    def filename(self) -> str:
        return self.listed_file.filename

    @property
    def sha256(self) -> Sha256 | None:
        return self.listed_file.sha256

    @property
    def version(self) -> str | None:
        return self.listed_file.version

    @property
    def is_gone(self) -> bool:
        """Whether it left upstream, by a row or without one."""
        return self.departed is not None or self.disappeared_at is not None


@dataclass(frozen=True, slots=True)
class Life:
    """A life of a name that began after another had ended, at `freed_at`; `number` is its incarnation.

    `files_since` is when its first newcomers were put up. `same_owner_at` is when one of those who owned the name
    before first owned it in this life; `earlier_known` says whether this mirror knew files of an earlier one.
    """

    number: int
    freed_at: datetime
    files_since: datetime | None = None
    same_owner_at: datetime | None = None
    earlier_known: bool = False


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What is remembered of one project.

    `incarnation` counts the lives of the name; `closed_serial` is set while upstream has no such project. `page_serial`
    is the newest serial of a page that was believed. `wanted_serial`, `refresh_at` and `attempts` are the queue of page
    refreshes: a page of at least that serial is wanted. `quarantined_by` is the row's serial, 0 where only the page's
    status says so. `owners` are users whom the journal names, in lower case; `registered_at` is set as long as the one
    who registered the project may be named next; `former_owners` are those of the last life before that in which
    nobody had taken the name. `lives` are its lives but the first, where we saw anything of them. `absent_since` is
    since when upstream says that there is no such project, though no row says that it was removed.
    """

    id: int | None
    name: ProjectName
    display_name: str
    known_since: datetime
    incarnation: int = 1
    opened_serial: Serial | None = None
    closed_serial: Serial | None = None
    closed_at: datetime | None = None
    status: ProjectStatus = ProjectStatus.ACTIVE
    quarantined_by: Serial | None = None
    quarantined_at: datetime | None = None
    page_serial: Serial | None = None
    etag: str | None = None
    versions: tuple[str, ...] = ()
    extra: bytes = b"{}"
    observed_at: datetime | None = None
    wanted_serial: Serial | None = None
    refresh_at: datetime | None = None
    attempts: int = 0
    revision: int = 0
    owners: tuple[str, ...] = ()
    registered_at: datetime | None = None
    former_owners: tuple[str, ...] = ()
    lives: tuple[Life, ...] = ()
    absent_since: datetime | None = None

    def life(self, number: int) -> Life | None:
        """That life of the name, unless it is its first."""
        return next((life for life in self.lives if life.number == number), None)


class YankChange(StrEnum):
    """Which way a release's yank went."""

    YANKED = "yanked"
    UNYANKED = "unyanked"


@dataclass(frozen=True, slots=True)
class PendingYank:
    """A release's yank, or the end of one, that is not settled yet.

    With a `serial` it is a row's, and waits for the page's reason or for a removal that explains it. With a `filename`
    instead, a page of `shown_serial` showed that file's yank to be another, and it waits for the row that says so. With
    neither, such news was told: it waits for its row only so that the row tells nothing again.

    `told_before` is the reason as it was told last, so that the same yank is not told twice; None where there was none.
    `due_at` None: only a page can tell whether there is any news, whenever it comes.
    """

    serial: Serial | None
    version: str | None
    change: YankChange
    upstream_time: datetime | None
    observed_at: datetime
    due_at: datetime | None
    told_before: str | None = None
    filename: str | None = None
    sha256: Sha256 | None = None
    shown_serial: Serial | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """One project with all its files, of every incarnation, in the order in which they were first seen.

    `known` is False for a project that was never observed: then nobody can say anything of its files.
    """

    project: ProjectFacts
    files: tuple[FileFacts, ...] = ()
    pending: tuple[PendingYank, ...] = ()
    known: bool = True
