"""Notices that the database was put back from a backup: then the events that follow are another history.

What PostgreSQL is known by tells a restored dump, a recovery to a point in time and a server that was promoted. A data
directory that was put back from a copy is known by nothing, but was started less often than a number that is kept
beside the database says. A restart, and what PostgreSQL does after a crash, changes neither.
"""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import msgspec
import structlog

from mirror.catalog.database import Connection

log = structlog.get_logger()

# In this order: the data of the server; a number that grows when it leaves one history for another, read from the log
# it writes, since the control file only has it after the next checkpoint; and the objects that a restored dump makes
# anew.
_FINGERPRINT = """
select concat_ws('/',
    (select system_identifier from pg_control_system()),
    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
    (select oid from pg_database where datname = current_database()),
    'instance'::regclass::oid)
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is kept beside the database: of which instance, in which epoch, and how often it was started."""

    instance: uuid.UUID
    epoch: int
    starts: int


async def begin(conn: Connection, beside: Mark | None) -> Mark:
    """Counts a start, with a new epoch where the database was put back, and returns what to keep beside it.

    To be kept only when the transaction is committed: beside the database there must never be more than in it.
    """
    fingerprint = await _fingerprint(conn)
    record = await conn.fetchrow("select uuid, epoch, starts, fingerprint from instance for update")
    if record is None:
        raise LookupError("there is no instance yet")
    me, epoch, known = uuid.UUID(str(record["uuid"])), record["epoch"], record["fingerprint"]
    beside = beside if beside is not None and beside.instance == me else Mark(me, 0, 0)
    is_another = None not in (fingerprint, known) and fingerprint != known
    if is_another or record["starts"] < beside.starts:
        # Put back twice from the same backup, it is a third history.
        epoch = max(epoch, beside.epoch) + 1
        log.warning("catalog.put_back", epoch=epoch, reason="another server" if is_another else "an earlier state")
    starts = max(record["starts"], beside.starts) + 1
    await conn.execute(
        "update instance set epoch = $1, starts = $2, fingerprint = coalesce($3, fingerprint)",
        epoch,
        starts,
        fingerprint,
    )
    return Mark(me, epoch, starts)


async def compare(conn: Connection) -> None:
    """Begins another epoch where the database was put back from a backup since it was looked at last.

    Counts no start: for those who went on running while that was done.
    """
    fingerprint = await _fingerprint(conn)
    known = await conn.fetchval("select fingerprint from instance for update")
    if None not in (fingerprint, known) and fingerprint != known:
        epoch = await conn.fetchval(
            "update instance set epoch = epoch + 1, fingerprint = $1 returning epoch", fingerprint
        )
        log.warning("catalog.put_back", epoch=epoch, reason="another server")


def read_mark(path: Path) -> Mark | None:
    """What was kept in that file, None where nothing was."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as e:
        log.warning("catalog.mark_unreadable", path=str(path), error=str(e))
        return None


def keep_mark(path: Path, mark: Mark) -> None:
    """Keeps it in that file, whole or not at all."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        beside.write_bytes(msgspec.json.encode(mark))
        beside.replace(path)
    except OSError as e:
        log.warning("catalog.mark_not_kept", path=str(path), error=str(e))


async def _fingerprint(conn: Connection) -> str | None:
    try:
        async with conn.transaction():
            fingerprint: str = await conn.fetchval(_FINGERPRINT)
            return fingerprint
    except asyncpg.PostgresError as e:
        # Not everybody may ask for that, and some servers only look like PostgreSQL.
        log.debug("catalog.fingerprint_unknown", error=str(e))
        return None
