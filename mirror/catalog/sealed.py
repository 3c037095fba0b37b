"""Objects that were moved to where only this mirror reaches them, since what they hold is blocked."""

from collections.abc import Iterable

from mirror.catalog.database import Connection, Record
from mirror.names import Sha256


async def to_seal(conn: Connection, *, limit: int) -> list[Sha256]:
    """Stored bytes of blocked files, and those beside them, that are not sealed and that no served file needs."""
    return _digests(
        await conn.fetch(
            """
            select distinct held.sha256 from files as blocked
            cross join lateral (values
                (case when blocked.stored_at is not null then blocked.sha256 end),
                (case when blocked.metadata_stored_at is not null then blocked.metadata_sha256 end),
                (blocked.provenance_sha256)
            ) as held (sha256)
            where blocked.state = 'blocked' and held.sha256 is not null
                and not exists (select from sealed where sealed.sha256 = held.sha256 and not sealed.lent)
                and not exists (
                    select from files as served where served.path_digest = blocked.path_digest
                        and served.sha256 = blocked.sha256 and served.state in ('live', 'yanked', 'kept')
                )
            limit $1
            """,
            limit,
        )
    )


async def to_unseal(conn: Connection, *, limit: int) -> list[Sha256]:
    """Sealed bytes that no blocked file has any more."""
    return _digests(
        await conn.fetch(
            """
            select sha256 from sealed where not exists (
                select from files where state = 'blocked'
                    and sealed.sha256 in (files.sha256, metadata_sha256, provenance_sha256)
            ) limit $1
            """,
            limit,
        )
    )


async def note(conn: Connection, digests: Iterable[Sha256]) -> None:
    """These are sealed."""
    await conn.execute(
        "insert into sealed (sha256) select unnest($1::bytea[]) on conflict (sha256) do update set lent = false",
        [bytes.fromhex(digest) for digest in digests],
    )


async def lend(conn: Connection, digest: Sha256) -> bool:
    """Whether this is sealed; if so it counts as visible from now on, too."""
    done = await conn.execute("update sealed set lent = true where sha256 = $1", bytes.fromhex(digest))
    return done == "UPDATE 1"


async def forget(conn: Connection, digests: Iterable[Sha256]) -> None:
    """These are sealed no longer."""
    await conn.execute(
        "delete from sealed where sha256 = any($1::bytea[])", [bytes.fromhex(digest) for digest in digests]
    )


def _digests(records: Iterable[Record]) -> list[Sha256]:
    return [Sha256(record["sha256"].hex()) for record in records]
