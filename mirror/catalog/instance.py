"""The one row about this instance: its identity, its index, the hosts its files come from."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.database import Connection
from mirror.errors import StartError


@dataclass(frozen=True, slots=True)
class Instance:
    """Who this instance is. `epoch` is part of every cursor. `file_hosts` is None until a page was observed."""

    uuid: uuid.UUID
    epoch: int
    index_url: str
    file_hosts: tuple[str, ...] | None
    rules: str | None
    created_at: datetime


async def ensure(conn: Connection, index_url: str, *, now: datetime) -> Instance:
    """The instance, created at its first start. Raises StartError where the database belongs to another index."""
    await conn.execute(
        "insert into instance (uuid, index_url, created_at) values ($1, $2, $3) on conflict do nothing",
        uuid.uuid4(),
        index_url,
        now,
    )
    instance = await read(conn)
    if instance.index_url != index_url:
        raise StartError(
            f"this database mirrors {instance.index_url}, not {index_url};"
            " set upstream.index_url back or use another database or data directory"
        )
    return instance


async def read(conn: Connection) -> Instance:
    """The instance. Raises StartError before the first `ensure`."""
    record = await conn.fetchrow("select uuid, epoch, index_url, file_hosts, rules, created_at from instance")
    if record is None:
        raise StartError("the database is empty; start `everpin up`, `everpin mirror` or `everpin watch` once")
    hosts = record["file_hosts"]
    return Instance(
        uuid.UUID(str(record["uuid"])),
        record["epoch"],
        record["index_url"],
        tuple(hosts) if hosts is not None else None,
        record["rules"],
        record["created_at"],
    )


async def freeze_file_hosts(conn: Connection, hosts: Sequence[str]) -> None:
    """Remembers where files come from, once and for good."""
    await conn.execute("update instance set file_hosts = $1 where file_hosts is null", list(hosts))


async def set_rules(conn: Connection, rules: str) -> None:
    """Remembers the safety settings that every stored state now agrees with."""
    await conn.execute("update instance set rules = $1", rules)
