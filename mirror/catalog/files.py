"""Files: the facts about each, and the state derived from them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from mirror.catalog.database import Connection, Record
from mirror.index.paths import digest_of_path, file_path, path_of
from mirror.model import Cause, Departure, DepartureCause, FileFacts, HashSource, ListedFile, ProjectFacts, State
from mirror.names import ProjectName, Serial, Sha256

_COLUMNS = (
    "project",
    "incarnation",
    "filename",
    "sha256",
    "path_digest",
    "version",
    "url",
    "url_base",
    "size",
    "upload_time",
    "yanked",
    "requires_python",
    "has_metadata",
    "metadata_sha256",
    "provenance",
    "extra",
    "first_seen_at",
    "first_seen_serial",
    "listed",
    "missing_since",
    "missing_seen",
    "listed_until",
    "listed_at",
    "listed_since",
    "departed_at",
    "departed_serial",
    "departed_cause",
    "departed_yanked",
    "departed_project_since",
    "departed_project_gone_at",
    "disappeared_at",
    "disappeared_in",
    "stranger",
    "newcomer_in",
    "replaced",
    "quarantined_by",
    "quarantined_at",
    "advisories",
    "blocked_by",
    "released_by",
    "vouched_by",
    "as_was",
    "purged_at",
    "stored_at",
    "metadata_stored_at",
    "provenance_sha256",
    "lost_at",
    "hash_source",
    "state",
    "cause",
    "state_until",
)
_UPDATE = (
    f"update files set ({', '.join(_COLUMNS)}) = ({', '.join(f'${n + 2}' for n in range(len(_COLUMNS)))}) where id = $1"  # noqa: S608 - made of the constant names above
)
# A project with tens of thousands of files may be removed: each command must end long before it is given up.
_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file with the name of its project."""

    project: ProjectName
    facts: FileFacts


async def of_project(conn: Connection, project: ProjectFacts) -> tuple[FileFacts, ...]:
    """All files of a project, of every incarnation, in the order in which they were first seen."""
    records = await conn.fetch("select * from files where project = $1 order by id", project.id)
    return tuple(facts_of(record) for record in records)


async def of_projects(
    conn: Connection, projects: Iterable[ProjectFacts]
) -> AsyncIterator[tuple[ProjectFacts, tuple[FileFacts, ...]]]:
    """Each of these projects with its files, as of `of_project`. No more than one project's are held at a time.

    The transaction may write meanwhile what it likes about the projects that came already.
    """
    rest = {project.id: project for project in projects if project.id is not None}
    # Project by project for the server, too: it neither gathers nor sorts them all before the first one comes.
    statement = """
        select found.* from unnest($1::int[]) with ordinality as asked (project, place)
        cross join lateral (select * from files where project = asked.project order by id) as found
        order by asked.place, found.id
    """
    last: int | None = None
    found: list[FileFacts] = []
    async for record in conn.cursor(statement, list(rest), prefetch=_AT_A_TIME):
        if last is not None and record["project"] != last:
            yield rest.pop(last), tuple(found)
            found = []
        last = record["project"]
        found.append(facts_of(record))
    if last is not None:
        yield rest.pop(last), tuple(found)
    for project in rest.values():
        yield project, ()


async def by_path(conn: Connection, digest: bytes, filename: str) -> list[FoundFile]:
    """The files whose path has this digest and this name; those upstream lists first, then the first seen."""
    records = await conn.fetch(
        "select files.*, projects.name as project_name from files join projects on projects.id = files.project"
        " where path_digest = $1 and filename = $2 order by listed desc, files.id",
        digest,
        filename,
    )
    return [FoundFile(ProjectName(record["project_name"]), facts_of(record)) for record in records]


async def by_id(conn: Connection, file_id: int) -> FoundFile | None:
    """One file."""
    record = await conn.fetchrow(
        "select files.*, projects.name as project_name from files join projects on projects.id = files.project"
        " where files.id = $1",
        file_id,
    )
    return FoundFile(ProjectName(record["project_name"]), facts_of(record)) if record else None


async def twins(conn: Connection, file_id: int) -> list[int]:
    """The ids of the project's other files with the same bytes, as in another life of the name, not known as stored."""
    # Most names have lived once, and of those no other file needs to be looked at.
    records = await conn.fetch(
        """
        select other.id from files
            join projects on projects.id = files.project and projects.incarnation > 1
            join files as other on other.project = files.project and other.sha256 = files.sha256
        where files.id = $1 and other.id <> $1 and other.stored_at is null order by other.id
        """,
        file_id,
    )
    return [record["id"] for record in records]


async def insert(conn: Connection, project_id: int, files: Iterable[FileFacts]) -> None:
    """Stores files that were never seen before in their incarnation."""
    await conn.copy_records_to_table(
        "files", records=[_values(project_id, file) for file in files], columns=list(_COLUMNS)
    )


async def update(conn: Connection, project_id: int, files: Iterable[FileFacts]) -> None:
    """Stores the facts and states of files that are known by id."""
    await update_all(conn, [(project_id, file) for file in files])


async def update_all(conn: Connection, files: Sequence[tuple[int, FileFacts]]) -> None:
    """Stores those of files of several projects, each with the id of its project."""
    for start in range(0, len(files), _AT_A_TIME):
        batch = files[start : start + _AT_A_TIME]
        await conn.executemany(_UPDATE, [(file.id, *_values(project_id, file)) for project_id, file in batch])


def _values(project_id: int, file: FileFacts) -> tuple[object, ...]:
    listed, departed = file.listed_file, file.departed
    path = file_path(listed)
    metadata = listed.core_metadata
    is_split = path is not None and listed.url.endswith(path)
    return (
        project_id,
        file.incarnation,
        listed.filename,
        bytes.fromhex(listed.sha256) if listed.sha256 else None,
        digest_of_path(path) if path else None,
        listed.version,
        None if is_split else listed.url,
        listed.url.removesuffix(path) if path and is_split else None,
        listed.size,
        listed.upload_time,
        listed.yanked,
        listed.requires_python,
        metadata is not False,
        bytes.fromhex(metadata) if isinstance(metadata, str) else None,
        listed.provenance,
        listed.extra.decode() if listed.extra != b"{}" else None,
        file.first_seen_at,
        file.first_seen_serial,
        file.listed,
        file.missing_since,
        file.missing_seen,
        file.listed_until,
        file.listed_at,
        file.listed_since,
        departed.at if departed else None,
        departed.serial if departed else None,
        departed.cause if departed else None,
        departed.was_yanked if departed else None,
        departed.project_since if departed else None,
        departed.project_gone_at if departed else None,
        file.disappeared_at,
        file.disappeared_in,
        file.stranger,
        file.newcomer_in,
        file.replaced,
        file.quarantined_by,
        file.quarantined_at,
        list(file.advisories) or None,
        file.blocked_by,
        file.released_by,
        file.vouched_by,
        file.as_was,
        file.purged_at,
        file.stored_at,
        file.metadata_stored_at,
        bytes.fromhex(file.provenance_sha256) if file.provenance_sha256 else None,
        file.lost_at,
        file.hash_source,
        file.state,
        file.cause,
        file.state_until,
    )


def facts_of(record: Record) -> FileFacts:
    """The file that a whole row of the table is about."""
    departed = None
    if record["departed_at"] is not None:
        departed = Departure(
            record["departed_at"],
            Serial(record["departed_serial"]),
            DepartureCause(record["departed_cause"]),
            record["departed_yanked"],
            record["departed_project_since"],
            record["departed_project_gone_at"],
        )
    return FileFacts(
        id=record["id"],
        incarnation=record["incarnation"],
        listed_file=_listed_file(record),
        first_seen_at=record["first_seen_at"],
        first_seen_serial=record["first_seen_serial"],
        listed=record["listed"],
        missing_since=record["missing_since"],
        missing_seen=record["missing_seen"],
        listed_until=record["listed_until"],
        listed_at=record["listed_at"],
        listed_since=record["listed_since"],
        departed=departed,
        disappeared_at=record["disappeared_at"],
        disappeared_in=record["disappeared_in"],
        stranger=record["stranger"],
        newcomer_in=record["newcomer_in"],
        replaced=record["replaced"],
        quarantined_by=record["quarantined_by"],
        quarantined_at=record["quarantined_at"],
        advisories=tuple(record["advisories"] or ()),
        blocked_by=record["blocked_by"],
        released_by=record["released_by"],
        vouched_by=record["vouched_by"],
        as_was=record["as_was"],
        purged_at=record["purged_at"],
        stored_at=record["stored_at"],
        metadata_stored_at=record["metadata_stored_at"],
        provenance_sha256=Sha256(record["provenance_sha256"].hex()) if record["provenance_sha256"] else None,
        lost_at=record["lost_at"],
        hash_source=HashSource(record["hash_source"]),
        state=State(record["state"]),
        cause=Cause(record["cause"]) if record["cause"] else None,
        state_until=record["state_until"],
    )


def _listed_file(record: Record) -> ListedFile:
    metadata: Sha256 | bool = record["has_metadata"]
    if record["metadata_sha256"] is not None:
        metadata = Sha256(record["metadata_sha256"].hex())
    url = record["url"]
    if url is None:
        url = record["url_base"] + path_of(record["path_digest"], record["filename"])
    return ListedFile(
        filename=record["filename"],
        url=url,
        sha256=Sha256(record["sha256"].hex()) if record["sha256"] is not None else None,
        version=record["version"],
        size=record["size"],
        upload_time=record["upload_time"],
        yanked=record["yanked"],
        requires_python=record["requires_python"],
        core_metadata=metadata,
        provenance=record["provenance"],
        extra=record["extra"].encode() if record["extra"] is not None else b"{}",
    )
