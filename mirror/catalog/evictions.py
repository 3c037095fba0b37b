"""Files that make room for others: which may, and the objects that are still to be deleted for it.

Only what upstream lists now, and gave a digest for, is ever taken away: it can be fetched again, and checked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.database import Connection
from mirror.names import ProjectName, Sha256

_SCAN_SECONDS = 3_600

# Asked when candidates are sought and, under the lock of their project, once more when one is taken.
_EVICTABLE = """
    files.stored_at is not null and files.state in ('live', 'yanked') and files.listed
    and files.missing_since is null and files.missing_seen is null
    and files.departed_at is null and files.disappeared_at is null
    and files.sha256 is not null and files.hash_source = 'upstream' and files.size is not null
    and files.quarantined_by is null and files.blocked_by is null and files.purged_at is null
    and files.advisories is null and not files.stranger and not files.replaced
    and projects.closed_serial is null and projects.absent_since is null and projects.quarantined_by is null
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be taken away."""

    id: int
    project: ProjectName
    size: int


async def candidates(conn: Connection, watched: Sequence[str], *, limit: int) -> list[Candidate]:
    """What may be taken away first: what was asked for least lately, then least often, and what is watched last.

    `watched` are patterns of SQL, beside the watchlist. Reads all files.
    """
    records = await conn.fetch(
        f"""
        select files.id, projects.name, files.size from files
            join projects on projects.id = files.project
            left join watchlist on watchlist.name = projects.name
            left join (select file, max(day) as last_day, sum(count) as times from downloads group by file) as asked
                on asked.file = files.id
        where {_EVICTABLE}
        order by watchlist.name is not null or projects.name like any($1::text[]),
            greatest(asked.last_day, files.stored_at::date), coalesce(asked.times, 0), files.stored_at, files.id
        limit $2
        """,  # noqa: S608 - made of the constant text above
        list(watched),
        limit,
        timeout=_SCAN_SECONDS,
    )
    return [Candidate(record["id"], ProjectName(record["name"]), record["size"]) for record in records]


async def take_away(conn: Connection, file_ids: Iterable[int], *, now: datetime) -> int:
    """Notes that the store no longer has to hold these files, those that may still be taken away, and says how much.

    The projects must be locked. What was freed is deleted later.
    """
    freed: int = await conn.fetchval(
        f"""
        with taken as (
            update files set stored_at = null from projects
            where files.id = any($1::bigint[]) and projects.id = files.project and {_EVICTABLE}
            returning files.sha256, files.size
        ), noted as (
            insert into evicted (sha256, at) select distinct sha256, $2::timestamptz from taken
            on conflict (sha256) do update set at = excluded.at, deleted_at = null
        )
        select coalesce(sum(size), 0)::bigint from taken
        """,  # noqa: S608 - made of the constant text above
        list(file_ids),
        now,
    )
    return freed


async def undeleted(conn: Connection, *, before: datetime, limit: int) -> list[Sha256]:
    """Objects that are still to be deleted, of those that were taken away by then."""
    records = await conn.fetch(
        "select sha256 from evicted where deleted_at is null and at <= $1 order by at limit $2", before, limit
    )
    return [Sha256(record["sha256"].hex()) for record in records]


async def hold(conn: Connection, digests: Iterable[Sha256]) -> list[Sha256]:
    """Those of the objects that are still to be deleted; nobody can have them stored until the transaction ends."""
    records = await conn.fetch(
        "select sha256 from evicted where sha256 = any($1::bytea[]) and deleted_at is null order by sha256 for update",
        [bytes.fromhex(digest) for digest in digests],
    )
    return [Sha256(record["sha256"].hex()) for record in records]


async def note_deleted(conn: Connection, digests: Iterable[Sha256], *, now: datetime) -> None:
    """Notes that the store no longer has these objects."""
    await conn.execute(
        "update evicted set deleted_at = $2 where sha256 = any($1::bytea[])",
        [bytes.fromhex(digest) for digest in digests],
        now,
    )


async def reprieve(conn: Connection, digests: Iterable[Sha256]) -> bool:
    """Has these objects stay, and says whether any of them was to be deleted, or has been meanwhile."""
    done = await conn.execute(
        "delete from evicted where sha256 = any($1::bytea[])",
        [bytes.fromhex(digest) for digest in sorted(set(digests))],
    )
    return done != "DELETE 0"


async def forget(conn: Connection, *, before: datetime) -> None:
    """Forgets objects that were deleted earlier than that: nobody is storing those bytes since then."""
    await conn.execute("delete from evicted where deleted_at < $1", before)
