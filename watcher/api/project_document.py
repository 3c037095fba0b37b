"""What is remembered of a project, as JSON: its releases, the files of each with their states, its lives, its events.

Pure. Names and reasons came from upstream: they are made presentable, and the rest of it is never markup.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from mirror.events import Event, presentable
from mirror.index.paths import file_path
from mirror.journal_rows import Position
from mirror.model import FileFacts, Memory, ProjectFacts
from mirror.names import ProjectName, same_version_key
from mirror.setting_sections import Safety
from watcher.explanation import verdict
from watcher.feed import cloudevents


class Departed(msgspec.Struct, frozen=True):
    """When a file left upstream, and by which row; of what is gone without one, `serial` and `with` are null."""

    at: datetime
    serial: int | None
    with_: str | None = msgspec.field(name="with")
    was_yanked: bool | None


class ProjectFile(msgspec.Struct, frozen=True):
    """A file as it stands today. `until`: when the clock alone may change its state. `url` is its address here."""

    filename: str
    sha256: str | None
    size: int | None
    upload_time: datetime | None
    incarnation: int
    state: str
    cause: str | None
    until: datetime | None
    reason: str
    listed: bool
    yanked: bool
    yanked_reason: str | None
    departed: Departed | None
    advisories: tuple[str, ...]
    first_seen_at: datetime
    stored: bool
    url: str | None


class Release(msgspec.Struct, frozen=True):
    """A release; `version` is null for files whose names tell none."""

    version: str | None
    files: tuple[ProjectFile, ...]


class Incarnation(msgspec.Struct, frozen=True):
    """A life of the project's name. Of the first it is not known when the name was taken."""

    number: int
    freed_at: datetime | None
    same_owner: bool | None


class Project(msgspec.Struct, frozen=True):
    """A project. `observed_since`: what happened to it before is not known here; null where the journal is not read."""

    project: str
    display_name: str | None
    known: bool
    observed_since: datetime | None
    status: str | None
    quarantined: bool | None
    removed_at: datetime | None
    incarnation: int | None
    incarnations: tuple[Incarnation, ...]
    page_serial: int | None
    page_confirmed_at: datetime | None
    releases: tuple[Release, ...]
    events: tuple[msgspec.Raw, ...]
    events_url: str


def render(
    project: ProjectName,
    memory: Memory | None,
    told: Sequence[Event],
    *,
    position: Position | None,
    rules: Safety,
    source: str,
    origin: str,
    version: str | None = None,
) -> bytes:
    """The document. `told` are its newest events, newest first; `origin` stands before the paths of addresses.

    With a `version` only the files of that release are told, however it is spelt.
    """
    facts = memory.project if memory is not None else None
    files = () if memory is None else tuple(file for file in memory.files if _is_of(file, version))
    return msgspec.json.encode(
        Project(
            project=project,
            display_name=presentable(facts.display_name) if facts else None,
            known=facts is not None,
            observed_since=_utc(facts.known_since if facts else position.observed_since if position else None),
            status=facts.status.value if facts else None,
            quarantined=facts.quarantined_by is not None if facts else None,
            removed_at=_utc(facts.closed_at) if facts else None,
            incarnation=facts.incarnation if facts else None,
            incarnations=_incarnations(facts) if facts else (),
            page_serial=facts.page_serial if facts else None,
            page_confirmed_at=_utc(facts.observed_at) if facts else None,
            releases=_releases(files, facts, rules, origin) if facts else (),
            events=tuple(msgspec.Raw(cloudevents.envelope(event, source=source)) for event in told),
            events_url=f"{origin}/api/v1/events?project={project}",
        )
    )


def _releases(files: Iterable[FileFacts], project: ProjectFacts, rules: Safety, origin: str) -> tuple[Release, ...]:
    """The releases in the order in which they were first seen; versions that are equal are one."""
    of_version: dict[str | None, list[FileFacts]] = defaultdict(list)
    for file in files:
        of_version[None if file.version is None else same_version_key(file.version)].append(file)
    return tuple(
        Release(presentable(group[0].version), tuple(_file(file, project, rules, origin) for file in group))
        for group in of_version.values()
    )


def _file(file: FileFacts, project: ProjectFacts, rules: Safety, origin: str) -> ProjectFile:
    listed, path = file.listed_file, file_path(file.listed_file)
    return ProjectFile(
        filename=presentable(file.filename),
        sha256=file.sha256,
        size=listed.size,
        upload_time=_utc(listed.upload_time),
        incarnation=file.incarnation,
        state=file.state.value,
        cause=file.cause.value if file.cause else None,
        until=_utc(file.state_until),
        reason=verdict(file, project, rules),
        listed=file.listed,
        yanked=listed.yanked is not None,
        yanked_reason=presentable(listed.yanked),
        departed=_departed(file),
        advisories=file.advisories,
        first_seen_at=file.first_seen_at.astimezone(UTC),
        stored=file.stored_at is not None,
        url=f"{origin}/{path}" if path is not None else None,
    )


def _departed(file: FileFacts) -> Departed | None:
    if (row := file.departed) is not None:
        return Departed(row.at.astimezone(UTC), row.serial, row.cause.value, row.was_yanked)
    if file.disappeared_at is not None:
        return Departed(file.disappeared_at.astimezone(UTC), None, None, None)
    return None


def _incarnations(project: ProjectFacts) -> tuple[Incarnation, ...]:
    first = Incarnation(1, None, None)
    later = (
        Incarnation(life.number, _utc(life.freed_at), life.same_owner_at is not None)
        for life in sorted(project.lives, key=lambda life: life.number)
    )
    return (first, *(life for life in later if life.number > 1))


def _is_of(file: FileFacts, version: str | None) -> bool:
    return version is None or (file.version is not None and same_version_key(file.version) == same_version_key(version))


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment is not None else None
