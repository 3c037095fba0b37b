"""Bytes that operators destroyed: they never enter the store again. And objects whose destruction is still to be done.

Nothing has an index on the digests of files: each would cost a random write for every file that is stored. What is
asked here of all files is asked for an operator's act, and may take as long as reading them all.
"""

from collections.abc import Iterable
from datetime import datetime

from mirror.catalog.database import Connection, Record
from mirror.names import ProjectName, Sha256

_SCAN_SECONDS = 3_600


async def bury(conn: Connection, digests: Iterable[Sha256], *, act: int, now: datetime) -> None:
    """Bans these bytes from the store."""
    await conn.execute(
        "insert into tombstones (sha256, act, at) select unnest($1::bytea[]), $2, $3 on conflict do nothing",
        _raw(digests),
        act,
        now,
    )


async def exhume(conn: Connection, digests: Iterable[Sha256]) -> list[Sha256]:
    """Lets these bytes be stored again, and says which of them were banned."""
    raw = _raw(digests)
    await conn.execute("delete from condemned where sha256 = any($1::bytea[])", raw)
    return _digests(await conn.fetch("delete from tombstones where sha256 = any($1::bytea[]) returning sha256", raw))


async def of_act(conn: Connection, act: int) -> list[Sha256]:
    """The bytes that the act banned."""
    return _digests(await conn.fetch("select sha256 from tombstones where act = $1", act))


async def all_buried(conn: Connection) -> list[Sha256]:
    """All bytes that are banned."""
    return _digests(await conn.fetch("select sha256 from tombstones"))


async def acts_of(conn: Connection, digests: Iterable[Sha256]) -> dict[Sha256, int]:
    """By which act each of these was banned, of those that are."""
    records = await conn.fetch("select sha256, act from tombstones where sha256 = any($1::bytea[])", _raw(digests))
    return {Sha256(record["sha256"].hex()): record["act"] for record in records}


async def condemn(conn: Connection, digests: Iterable[Sha256], *, act: int) -> None:
    """Has these objects destroyed, files' and siblings'; of the latter those that nobody needs by then."""
    await conn.execute(
        "insert into condemned (sha256, act) select unnest($1::bytea[]), $2 on conflict do nothing", _raw(digests), act
    )


async def condemned(conn: Connection) -> list[Sha256]:
    """The objects that are still to be destroyed."""
    return _digests(await conn.fetch("select sha256 from condemned"))


async def reprieve(conn: Connection, digest: Sha256) -> bool:
    """Notes that an object needs no destruction any more; False where that was noted before.

    In the transaction in which it is destroyed: then, until its end, nobody can let the bytes be stored again.
    """
    done = await conn.execute("delete from condemned where sha256 = $1", bytes.fromhex(digest))
    return done == "DELETE 1"


async def hold(conn: Connection, digest: Sha256) -> bool:
    """Whether these bytes are banned; they stay so until the transaction ends."""
    found: int | None = await conn.fetchval(
        "select 1 from tombstones where sha256 = $1 for share", bytes.fromhex(digest)
    )
    return found is not None


async def is_buried(conn: Connection, sha256: Sha256) -> bool:
    """Whether an operator destroyed these bytes: they may not enter the store again."""
    found: bool = await conn.fetchval("select exists (select from tombstones where sha256 = $1)", bytes.fromhex(sha256))
    return found


async def still_needed(conn: Connection, digests: Iterable[Sha256]) -> set[Sha256]:
    """Those of the objects that the store shall hold for some file, as its bytes, its metadata or its provenance.

    None that is banned. Reads all files, unless all are banned.
    """
    wanted = set(digests)
    open_to_all = wanted - set(await acts_of(conn, wanted))
    if not open_to_all:
        return set()
    records = await conn.fetch(
        """
        select sha256 from files where sha256 = any($1::bytea[]) and stored_at is not null
        union
        select metadata_sha256 from files where metadata_sha256 = any($1::bytea[]) and metadata_stored_at is not null
        union
        select provenance_sha256 from files where provenance_sha256 = any($1::bytea[])
        """,
        _raw(open_to_all),
        timeout=_SCAN_SECONDS,
    )
    return set(_digests(records))


async def projects_with(conn: Connection, digests: Iterable[Sha256]) -> list[ProjectName]:
    """The projects that have files with these bytes, by name. Reads all files."""
    raw = _raw(digests)
    if not raw:
        return []
    records = await conn.fetch(
        "select name from projects join (select distinct project from files where sha256 = any($1::bytea[])) as found"
        " on found.project = projects.id order by name",
        raw,
        timeout=_SCAN_SECONDS,
    )
    return [ProjectName(record["name"]) for record in records]


def _raw(digests: Iterable[Sha256]) -> list[bytes]:
    # In one order, so that two who want the same never wait for each other.
    return [bytes.fromhex(digest) for digest in sorted(set(digests))]


def _digests(records: Iterable[Record]) -> list[Sha256]:
    return [Sha256(record["sha256"].hex()) for record in records]
