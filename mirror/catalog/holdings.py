"""What the store shall hold, file by file; and which files are meant by bytes that came from elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass

from mirror.catalog.database import Connection, Record
from mirror.names import ProjectName, Sha256

_SCAN_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Holding:
    """A file whose bytes, or those beside it, the store shall hold; None where it holds no such thing."""

    file_id: int
    project: ProjectName
    filename: str
    size: int | None
    sha256: Sha256 | None
    metadata: Sha256 | None
    provenance: Sha256 | None


_HOLDINGS = """
    select files.id, projects.name, filename, size,
        case when stored_at is not null then sha256 end as sha256,
        case when metadata_stored_at is not null then metadata_sha256 end as metadata_sha256,
        provenance_sha256
    from files join projects on projects.id = files.project
    where (stored_at is not null or metadata_stored_at is not null or provenance_sha256 is not null)
"""


async def after(conn: Connection, file_id: int, *, limit: int) -> list[Holding]:
    """The next holdings in the order of their files, those of `file_id` and before left out."""
    records = await conn.fetch(
        f"{_HOLDINGS} and files.id > $1 order by files.id limit $2",
        file_id,
        limit,
        timeout=_SCAN_SECONDS,
    )
    return [_holding(record) for record in records]


async def some(conn: Connection, count: int) -> list[Holding]:
    """So many holdings, or all where there are fewer, drawn by lot. Reads all files."""
    drawn = "select id from files where stored_at is not null order by random() limit $1"
    records = await conn.fetch(
        f"{_HOLDINGS} and files.id in ({drawn}) order by files.id",
        count,
        timeout=_SCAN_SECONDS,
    )
    return [_holding(record) for record in records]


async def count(conn: Connection) -> int:
    """How many files the store shall hold. Reads all files."""
    found: int = await conn.fetchval("select count(*) from files where stored_at is not null", timeout=_SCAN_SECONDS)
    return found


async def with_bytes(conn: Connection, digests: Iterable[Sha256]) -> dict[Sha256, list[int]]:
    """The files with these bytes. Reads all files, since nothing else finds a digest; ask for many at once."""
    records = await conn.fetch(
        "select id, sha256 from files where sha256 = any($1::bytea[]) order by id",
        [bytes.fromhex(digest) for digest in digests],
        timeout=_SCAN_SECONDS,
    )
    return _by_digest(records)


async def at_paths(conn: Connection, digests: Iterable[tuple[Sha256, bytes | None]]) -> dict[Sha256, list[int]]:
    """The files with these bytes among those whose paths spell their sha256 or, as PyPI's do, their blake2b-256."""
    wanted = list(digests)
    paths = [bytes.fromhex(digest) for digest, _ in wanted] + [path for _, path in wanted if path is not None]
    records = await conn.fetch(
        "select id, sha256 from files where path_digest = any($1::bytea[]) and sha256 = any($2::bytea[]) order by id",
        paths,
        [bytes.fromhex(digest) for digest, _ in wanted],
    )
    return _by_digest(records)


async def in_project(conn: Connection, name: ProjectName, sha256: Sha256) -> list[int]:
    """The files of the project with these bytes."""
    records = await conn.fetch(
        "select files.id from files join projects on projects.id = files.project"
        " where projects.name = $1 and files.sha256 = $2 order by files.id",
        name,
        bytes.fromhex(sha256),
    )
    return [record["id"] for record in records]


async def is_taken(conn: Connection, name: ProjectName, filename: str) -> bool:
    """Whether a file of the project has that name, in any life of it."""
    found: bool = await conn.fetchval(
        "select exists (select from files join projects on projects.id = files.project"
        " where projects.name = $1 and files.filename = $2)",
        name,
        filename,
    )
    return found


async def note_failures(conn: Connection, failures: int) -> None:
    """Counts objects that were found to be missing or not what they should be."""
    await conn.execute("update instance set verify_failures = verify_failures + $1", failures)


async def failures(conn: Connection) -> int:
    """How many of those were ever found."""
    found: int = await conn.fetchval("select coalesce(sum(verify_failures), 0)::bigint from instance")
    return found


def _by_digest(records: Iterable[Record]) -> dict[Sha256, list[int]]:
    found: dict[Sha256, list[int]] = {}
    for record in records:
        found.setdefault(Sha256(record["sha256"].hex()), []).append(record["id"])
    return found


def _holding(record: Record) -> Holding:
    return Holding(
        record["id"],
        ProjectName(record["name"]),
        record["filename"],
        record["size"],
        _digest(record["sha256"]),
        _digest(record["metadata_sha256"]),
        _digest(record["provenance_sha256"]),
    )


def _digest(raw: bytes | None) -> Sha256 | None:
    return Sha256(raw.hex()) if raw is not None else None
