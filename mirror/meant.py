"""What an order means: the files of a project, of a release, or with certain bytes wherever they are; or an event."""

from collections.abc import Iterable, Iterator

from mirror.catalog import events, files, projects, tombstones
from mirror.catalog.database import Connection
from mirror.catalog.files import FoundFile
from mirror.errors import NotThereError
from mirror.events import Cursor, presentable
from mirror.model import FileFacts
from mirror.names import ProjectName, Sha256
from mirror.observe import Ordered
from mirror.targets import BytesTarget, EventTarget, FilesTarget, covers


async def projects_of(conn: Connection, target: FilesTarget) -> list[ProjectName]:
    """The projects that may have files of the target."""
    if isinstance(target, BytesTarget):
        return await tombstones.projects_with(conn, [target.sha256])
    return [target.project]


async def files_of(conn: Connection, name: ProjectName) -> list[FoundFile]:
    """All files of that project, none where it is unknown."""
    project = await projects.find(conn, name)
    return [FoundFile(name, facts) for facts in await files.of_project(conn, project)] if project else []


async def bytes_of(
    conn: Connection, target: FilesTarget, *, is_purged: bool
) -> tuple[frozenset[Sha256], list[ProjectName]]:
    """The bytes of those files of the target that are purged, or are not, and all projects that have such bytes."""
    if isinstance(target, BytesTarget):
        return frozenset({target.sha256}), await projects_of(conn, target)
    digests = frozenset(
        file.facts.sha256
        for file in await files_of(conn, target.project)
        if file.facts.sha256 is not None
        and (file.facts.purged_at is not None) is is_purged
        and covers(target, file.project, file.facts)
    )
    return digests, sorted({target.project, *await tombstones.projects_with(conn, digests)})


async def require_known(conn: Connection, target: FilesTarget, names: Iterable[ProjectName]) -> None:
    """Raises NotThereError unless one of these projects has a file that the target means."""
    for name in names:
        if any(covers(target, name, file.facts) for file in await files_of(conn, name)):
            return
    raise NotThereError(f"no file is known here that {target} could mean; `everpin explain` says what is known")


async def event_of(conn: Connection, text: str) -> EventTarget:
    """The event with that id or cursor. Raises NotThereError where none that is held has it, or says anything more."""
    cursor, held = Cursor.parse(text), await events.held(conn)
    if cursor is None:
        found = await events.of_id(conn, text, epoch=held.epoch)
    else:
        found = next(iter(await events.after(conn, cursor.number - 1, limit=1, epoch=held.epoch)), None)
    if found is None or (cursor is not None and found.cursor != cursor):
        raise NotThereError(f"no event is held whose id or cursor is {presentable(text)!r}")
    if found.payload is None:
        raise NotThereError(f"what the event {found.id} said was taken away before")
    return EventTarget(found.id)


def siblings_of(done: Iterable[Ordered]) -> frozenset[Sha256]:
    """What the store held beside these files before the order."""
    return frozenset(digest for file in done for digest in _siblings(file.before))


def _siblings(file: FileFacts) -> Iterator[Sha256]:
    metadata = file.listed_file.core_metadata
    if file.metadata_stored_at is not None and isinstance(metadata, str):
        yield metadata
    if file.provenance_sha256 is not None:
        yield file.provenance_sha256
