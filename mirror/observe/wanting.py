"""Bytes that are wanted: of what left upstream, at once; and of what came into the scope of what is kept."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mirror.catalog import backlog, file_keys, notices, watchlist
from mirror.catalog.backlog import Priority
from mirror.catalog.database import Connection
from mirror.changes.step import key_of
from mirror.index.siblings import lacking_siblings
from mirror.keeping import Keeping, is_worth_keeping
from mirror.model import Cause, FileFacts, ProjectFacts, State
from mirror.names import ProjectName
from mirror.observe.judging import Court
from mirror.setting_values import Scope

# What a project has when it is first seen has been there for long, but for its latest files.
_NEW_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanting:
    """What of a project may be wanted: files that departed, and such as are to be kept if the project is in scope.

    `is_first` says that nothing of the project was seen before.
    """

    project: ProjectFacts
    departed: tuple[FileFacts, ...]
    to_keep: tuple[FileFacts, ...]
    is_first: bool = False


async def want_bytes(conn: Connection, wanting: Iterable[Wanting], court: Court) -> None:
    """Puts at the head of the backlog what left upstream before its bytes were kept, but not what may be malware.

    Behind it comes what is in scope; all of it must have been stored.
    """
    wanting = [one for one in wanting if one.departed or one.to_keep]
    if wanting and court.rules.keeping.scope is Scope.WATCHED:
        # Before anything is put into the backlog: who adds to the list puts files there, too.
        await watchlist.hold(conn)
    in_scope = await _in_scope(conn, court.rules.keeping, {one.project.name for one in wanting if one.to_keep})
    by_priority: dict[Priority, list[int]] = {}
    for one in wanting:
        wanted = {Priority.RESCUE: [file for file in one.departed if _is_to_rescue(file)]}
        if one.project.name in in_scope:
            to_keep = [file for file in one.to_keep if court.rules.keeping.fits(file)]
            # Those that were put up last come first.
            for file in reversed(to_keep):
                is_old = one.is_first and _is_old(file, court)
                wanted.setdefault(Priority.BACKFILL if is_old else Priority.NEW, []).append(file)
        for priority, group in wanted.items():
            by_priority.setdefault(priority, []).extend(await _ids(conn, one.project, group))
    for priority, ids in sorted(by_priority.items()):
        if ids:
            await backlog.add(conn, ids, priority, now=court.now)
    if any(by_priority.values()):
        await notices.backlog_grew(conn)


def is_to_keep(file: FileFacts) -> bool:
    """Whether the file is worth keeping and not, or not all of it, kept."""
    return is_worth_keeping(file) and _lacks_anything(file)


def is_newly_to_rescue(before: FileFacts, after: FileFacts) -> bool:
    """Whether a file that is gone was not, or could not be, rescued before."""
    # The second: what a quarantine kept from being fetched when it departed.
    return not before.is_gone or (after.cause is Cause.RESCUE and before.cause is not Cause.RESCUE)


async def _in_scope(conn: Connection, keeping: Keeping, names: Collection[ProjectName]) -> set[ProjectName]:
    """Those of the projects of which every file is kept."""
    if keeping.scope is Scope.REQUESTED or not names:
        return set()
    own = {name for name in names if not keeping.is_private(name)}
    if keeping.scope is Scope.ALL:
        return own
    named = {name for name in own if keeping.watches(name)}
    return named | (await watchlist.among(conn, own - named) if own - named else set())


async def _ids(conn: Connection, project: ProjectFacts, wanted: Sequence[FileFacts]) -> list[int]:
    """The ids of these files, in their order. Those that were new were stored a moment ago."""
    stored = {}
    if project.id is not None and any(file.id is None for file in wanted):
        stored = await file_keys.ids_of(conn, project.id, [key_of(file) for file in wanted if file.id is None])
    ids = (file.id if file.id is not None else stored.get(key_of(file)) for file in wanted)
    return [found for found in ids if found is not None]


def _is_to_rescue(file: FileFacts) -> bool:
    return (
        _lacks_anything(file) and file.state not in (State.BLOCKED, State.PURGED) and file.cause is not Cause.QUARANTINE
    )


def _lacks_anything(file: FileFacts) -> bool:
    return file.stored_at is None or any(lacking_siblings(file))


def _is_old(file: FileFacts, court: Court) -> bool:
    return court.now - (file.listed_file.upload_time or file.first_seen_at) > _NEW_FOR
