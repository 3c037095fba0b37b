"""Objects that were moved to where only this mirror reaches them, since what they hold is blocked."""

from collections.abc import Iterable

from mirror.catalog.database import Connection, Record
from mirror.names import Sha256

_SERVED = "('live', 'yanked', 'kept')"

_DUE = f"""
    with held as materialized (
        select distinct blocked.project, blocked.path_digest, blocked.sha256 as bytes, one.sha256
        from files as blocked
        cross join lateral (values
            (case when blocked.stored_at is not null then blocked.sha256 end),
            (case when blocked.metadata_stored_at is not null then blocked.metadata_sha256 end),
            (blocked.provenance_sha256)
        ) as one (sha256)
        where blocked.state = 'blocked' and one.sha256 is not null and ($1::bytea is null or one.sha256 = $1)
            and not exists (select from sealed where sealed.sha256 = one.sha256 and not sealed.lent)
    ), served as (
        select project, unnest(array[sha256, metadata_sha256, provenance_sha256]) as sha256 from files
        where project in (select project from held) and state in {_SERVED}
    )
    select distinct sha256 from held
    where not exists (select from served where served.project = held.project and served.sha256 = held.sha256)
        and not exists (
            select from files as twin where twin.path_digest = held.path_digest and twin.sha256 = held.bytes
                and twin.state in {_SERVED}
        )
    limit $2
"""  # noqa: S608 - made of the constant text above


async def to_seal(conn: Connection, *, limit: int) -> list[Sha256]:
    """Stored bytes of blocked files, and those beside them, that are not sealed and that no served file needs.

    Served files that need them are those of the same project, where equal metadata is common, or at the same address.
    """
    return _digests(await conn.fetch(_DUE, None, limit))


async def is_to_seal(conn: Connection, digest: Sha256) -> bool:
    """Whether these bytes are among those."""
    return bool(await conn.fetch(_DUE, bytes.fromhex(digest), 1))


async def to_unseal(conn: Connection, *, limit: int) -> list[Sha256]:
    """Sealed bytes that no blocked file has any more."""
    return _digests(
        await conn.fetch(
            """
            select sha256 from sealed except
            select unnest(array[sha256, metadata_sha256, provenance_sha256]) from files where state = 'blocked'
            limit $1
            """,
            limit,
        )
    )


async def is_to_unseal(conn: Connection, digest: Sha256) -> bool:
    """Whether these bytes are among those."""
    found: bool = await conn.fetchval(
        """
        select not exists (
            select from files where state = 'blocked' and $1 in (sha256, metadata_sha256, provenance_sha256)
        )
        """,
        bytes.fromhex(digest),
    )
    return found


async def announce(conn: Connection, digests: Iterable[Sha256]) -> None:
    """These may be sealed from now on, and may be visible as well."""
    await conn.execute(
        "insert into sealed (sha256, lent) select unnest($1::bytea[]), true on conflict (sha256) do update"
        " set lent = true",
        [bytes.fromhex(digest) for digest in sorted(digests)],
    )


async def hold(conn: Connection, digest: Sha256) -> bool:
    """Whether these may be sealed. Until the transaction ends nobody else seals, unseals or destroys them."""
    found: int | None = await conn.fetchval("select 1 from sealed where sha256 = $1 for update", bytes.fromhex(digest))
    return found is not None


async def note(conn: Connection, digest: Sha256) -> None:
    """These are sealed, and visible no longer."""
    await conn.execute("update sealed set lent = false where sha256 = $1", bytes.fromhex(digest))


async def lend(conn: Connection, digest: Sha256) -> bool:
    """Whether this is sealed; if so it counts as visible from now on, too. Holds it as `hold` does."""
    done = await conn.execute("update sealed set lent = true where sha256 = $1", bytes.fromhex(digest))
    return done == "UPDATE 1"


async def forget(conn: Connection, digest: Sha256) -> None:
    """These are sealed no longer."""
    await conn.execute("delete from sealed where sha256 = $1", bytes.fromhex(digest))


def _digests(records: Iterable[Record]) -> list[Sha256]:
    return [Sha256(record["sha256"].hex()) for record in records]
