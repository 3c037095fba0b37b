"""The union of upstream's page and our memory: what a project's page offers.

States were judged before (`mirror.states`); nothing is judged again here. A file that is live, yanked or kept is
offered, every other is left out. Read first: PEP 592 (yanking), PEP 700 (versions), PEP 792 (project status).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from packaging.version import Version

from mirror.index.paths import Kind, file_path
from mirror.index.reasons import kept_reason
from mirror.model import FileFacts, ListedFile, Memory, ProjectFacts, ProjectStatus, State
from mirror.names import Serial, Sha256, same_version_key

_OFFERED = frozenset({State.LIVE, State.YANKED, State.KEPT})
_NEVER = frozenset({State.BLOCKED, State.PURGED})
_ZERO = Version("0")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file on the page, as this mirror lists it: `file` with our yank and metadata; `path` is ours.

    `provenance` is the path of the file's provenance here, None where this mirror has none to offer.
    """

    file: ListedFile
    path: str
    provenance: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A whole page. `entries` have distinct filenames; every version of an entry is among `versions` (PEP 700).

    From `valid_until` on, the clock alone has changed some file's state: judge again before offering this once more.
    `needs_origin` says whether the page depends on the address under which it is asked for: the addresses of provenance
    are absolute (PEP 740), all others are relative.
    """

    status: ProjectStatus
    serial: Serial | None
    versions: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    valid_until: datetime | None = None
    needs_origin: bool = False


def offered(memory: Memory, *, departed_as_was: bool = False) -> Offer:
    """What the project's page shows. A quarantined project offers nothing, whatever its files' states say.

    With `departed_as_was` the kept files of a project of which nothing is live are listed as they were before.
    PEP 792 on quarantined projects: the index "MUST NOT offer any distributions".
    """
    project = memory.project
    status = _status(project)
    if status is ProjectStatus.QUARANTINED:
        return Offer(status=status, serial=project.page_serial)
    as_was = departed_as_was and not any(facts.state is State.LIVE for facts in memory.files)
    chosen = _one_per_filename(facts for facts in last_lives(memory.files) if facts.state in _OFFERED)
    entries = [entry for facts in chosen if (entry := _entry(facts, as_was=as_was)) is not None]
    entries.sort(key=lambda entry: (_order(entry.file.version or ""), entry.file.filename))
    return Offer(
        status=status,
        serial=project.page_serial,
        versions=_versions(memory, entries),
        entries=tuple(entries),
        valid_until=min((facts.state_until for facts in memory.files if facts.state_until), default=None),
        needs_origin=any(entry.provenance for entry in entries),
    )


def _status(project: ProjectFacts) -> ProjectStatus:
    if project.quarantined_by is not None:
        return ProjectStatus.QUARANTINED
    if project.closed_serial is not None:
        # Upstream has no status for what it no longer has; what is kept is offered like any active project's files.
        return ProjectStatus.ACTIVE
    return project.status


def last_lives(files: Iterable[FileFacts]) -> Iterable[FileFacts]:
    """Of the same bytes in several lives of the name the last, unless any of them is blocked or purged: then that."""
    last: dict[tuple[str, Sha256 | None], FileFacts] = {}
    for facts in files:
        key = (facts.filename, facts.sha256)
        before = last.get(key)
        outdone = before is None or (before.state not in _NEVER and facts.incarnation >= before.incarnation)
        if outdone or facts.state in _NEVER:
            last[key] = facts
    return last.values()


def _one_per_filename(files: Iterable[FileFacts]) -> Iterable[FileFacts]:
    """A listed file wins over one that is not, else the one that was seen first."""
    chosen: dict[str, FileFacts] = {}
    for facts in files:
        rival = chosen.get(facts.filename)
        if rival is None or (facts.listed and not rival.listed):
            chosen[facts.filename] = facts
    return chosen.values()


def _entry(facts: FileFacts, *, as_was: bool) -> Entry | None:
    path = file_path(facts.listed_file)
    if path is None:
        return None
    listed = facts.listed_file
    if facts.state is State.KEPT and not (as_was or facts.as_was):
        listed = replace(listed, yanked=kept_reason(facts))
    elif facts.state is State.YANKED and listed.yanked is None:
        # PEP 592: mirrors MUST NOT mirror a yanked file without also mirroring the attribute for it.
        listed = replace(listed, yanked="")
    has_provenance = listed.provenance is not None
    if _is_gone(facts):
        # Upstream drops a file's provenance together with the file, and metadata that was not stored may be gone too.
        has_provenance = has_provenance and facts.provenance_sha256 is not None
        stored = facts.metadata_stored_at is not None
        listed = replace(listed, core_metadata=listed.core_metadata if stored else False)
    return Entry(listed, path, f"{path}{Kind.PROVENANCE.suffix}" if has_provenance else None)


def _is_gone(facts: FileFacts) -> bool:
    """Also true of a departed file that is listed as it was before instead of as yanked."""
    return facts.state is State.KEPT or (facts.is_gone and not facts.listed)


def _versions(memory: Memory, entries: Iterable[Entry]) -> tuple[str, ...]:
    """Upstream's versions in its own spelling, without those of which everything is withheld here, and the kept ones.

    A version that upstream itself lists without files stays: PEP 700 allows it.
    """
    offered_by_key = {
        same_version_key(entry.file.version): entry.file.version for entry in entries if entry.file.version
    }
    withheld = {
        same_version_key(facts.version)
        for facts in memory.files
        if facts.listed and facts.version and same_version_key(facts.version) not in offered_by_key
    }
    upstream = memory.project.versions
    closed = memory.project.closed_serial is not None
    chosen = {
        version
        for version in upstream
        if (key := same_version_key(version)) in offered_by_key or not (closed or key in withheld)
    }
    spelled = {same_version_key(version) for version in chosen}
    chosen.update(version for key, version in offered_by_key.items() if key not in spelled)
    return tuple(sorted(chosen, key=lambda version: (_order(version), version)))


@lru_cache(maxsize=65536)
def _order(version: str) -> tuple[bool, Version, str]:
    """Sorts as PyPI does: PEP 440 order, and every version that PEP 440 does not know before all that it knows."""
    try:
        return True, Version(version), ""
    except ValueError:  # InvalidVersion is one; numbers of thousands of digits are another
        return False, _ZERO, version
