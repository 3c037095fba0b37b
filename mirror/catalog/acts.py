"""What operators did, and the blocks that stand because of it."""

from collections.abc import Iterable
from datetime import datetime

from mirror.catalog import locks
from mirror.catalog.database import Connection, Record
from mirror.changes.orders import Block, Standing
from mirror.names import ProjectName, Sha256
from mirror.targets import (
    BrakeTarget,
    BytesTarget,
    EventTarget,
    FilesTarget,
    Order,
    ProjectTarget,
    RecordedAct,
    ReleaseTarget,
    Verb,
    parse_target,
)


async def record(conn: Connection, order: Order, *, name: str, at: datetime) -> int | None:
    """Stores the act and returns its number. Until `settle` it counts as not carried out to its end.

    None where there is an act of that name. Who is about to store one is waited for.
    """
    number: int | None = await conn.fetchval(
        "insert into acts (name, as_was, at, actor, verb, target, reason) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict (name) do nothing returning id",
        name,
        order.as_was,
        at,
        order.actor,
        order.verb,
        str(order.target),
        order.reason,
    )
    return number


async def settle(conn: Connection, number: int, *, now: datetime) -> None:
    """Notes that nothing of the act is left to be done."""
    await conn.execute("update acts set settled_at = $2 where id = $1", number, now)


async def set_digests(conn: Connection, number: int, digests: Iterable[Sha256]) -> None:
    """Remembers which bytes the act was about."""
    await conn.execute(
        "update acts set digests = $2 where id = $1", number, [bytes.fromhex(digest) for digest in sorted(digests)]
    )


async def noted(conn: Connection, number: int, *, now: datetime) -> None:
    """Remembers that the act stands beside the bytes, too."""
    await conn.execute("update acts set noted_at = $2 where id = $1", number, now)


async def not_noted(conn: Connection) -> list[RecordedAct]:
    """The acts that do not stand beside the bytes yet, oldest first."""
    return [_act(r) for r in await conn.fetch("select * from acts where noted_at is null order by id")]


async def names(conn: Connection) -> frozenset[str]:
    """The names of all acts."""
    return frozenset(record["name"] for record in await conn.fetch("select name from acts"))


async def unsettled(conn: Connection) -> list[RecordedAct]:
    """The acts of which something is left to be done, or is being done, oldest first."""
    return [_act(r) for r in await conn.fetch("select * from acts where settled_at is null order by id")]


async def by_number(conn: Connection, numbers: Iterable[int]) -> dict[int, RecordedAct]:
    """The acts with these numbers."""
    records = await conn.fetch("select * from acts where id = any($1::bigint[])", list(set(numbers)))
    return {record["id"]: _act(record) for record in records}


async def newest(conn: Connection, *, limit: int, before: int | None = None) -> list[RecordedAct]:
    """The newest acts, newest first; those before the act of that number where one is given."""
    records = await conn.fetch(
        "select * from acts where $2::bigint is null or id < $2 order by id desc limit $1", limit, before
    )
    return [_act(record) for record in records]


async def brake_released_at(conn: Connection) -> datetime | None:
    """When an operator released the brake last."""
    at: datetime | None = await conn.fetchval(
        "select max(at) from acts where verb = $1 and target = $2", Verb.RELEASE, str(BrakeTarget())
    )
    return at


async def add_block(conn: Connection, number: int, target: FilesTarget) -> None:
    """Has the act block the target from now on, also what will be seen of it later."""
    project, key, digest = _scope(target)
    await conn.execute(
        "insert into blocks (act, project, version_key, sha256) values ($1, $2, $3, $4)", number, project, key, digest
    )


async def remove_blocks(conn: Connection, target: FilesTarget) -> int:
    """Removes the blocks on the target or on a part of it, and says how many there were."""
    project, key, digest = _scope(target)
    removed = await conn.fetch(
        """
        delete from blocks where
            (project = $1 and ($2::text is null or version_key = $2)) or sha256 = $3
        returning act
        """,
        project,
        key,
        digest,
    )
    return len(removed)


async def standing(conn: Connection, project: ProjectName, digests: Iterable[Sha256 | None]) -> Standing:
    """The orders that stand for a project and for files with these digests."""
    records = await conn.fetch(
        """
        select acts.id, acts.target, null as buried from blocks join acts on acts.id = blocks.act
            where blocks.project = $1 or blocks.sha256 = any($2::bytea[])
        union all
        select null, null, sha256 from tombstones where sha256 = any($2::bytea[])
        """,
        project,
        [bytes.fromhex(digest) for digest in digests if digest is not None],
    )
    return Standing(
        tuple(Block(r["id"], _files_target(r["target"])) for r in records if r["id"] is not None),
        frozenset(Sha256(r["buried"].hex()) for r in records if r["buried"] is not None),
    )


async def keep_in_view(conn: Connection) -> None:
    """Until the transaction ends, `see_all_in_view` waits for it.

    For whoever stores files or digests and looks for orders that stand for them: an order that it cannot see yet finds
    what it stored. To be called before any project is locked and before the orders are read.
    """
    await conn.execute("select pg_advisory_xact_lock_shared($1)", locks.ORDERS)


async def see_all_in_view(conn: Connection) -> None:
    """Returns when all that was stored without knowledge of the newest committed orders can be seen.

    Alone in its transaction: those who wait for it hold nothing that it could wait for.
    """
    await conn.execute("select pg_advisory_xact_lock($1)", locks.ORDERS)


def _scope(target: FilesTarget) -> tuple[ProjectName | None, str | None, bytes | None]:
    match target:
        case ProjectTarget(project):
            return project, None, None
        case ReleaseTarget(project):
            return project, target.key, None
        case BytesTarget(digest):
            return None, None, bytes.fromhex(digest)


def _files_target(text: str) -> FilesTarget:
    target = parse_target(text)
    if isinstance(target, BrakeTarget | EventTarget):
        raise LookupError("a block without files")
    return target


def _act(record: Record) -> RecordedAct:
    return RecordedAct(
        record["id"],
        record["at"],
        record["actor"],
        Verb(record["verb"]),
        record["target"],
        record["reason"],
        record["as_was"],
        record["name"],
        frozenset(Sha256(digest.hex()) for digest in record["digests"] or ()),
    )
