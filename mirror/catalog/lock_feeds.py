"""The private feeds of lock files. One that nobody reads for 90 days is gone, with the webhooks that belong to it.

To have its events sent somewhere is to read it, for as long as they arrive there.

A feed is found by the digest of its token; the token itself is known to whoever made the feed, and to nobody else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mirror.catalog import locks, webhooks
from mirror.catalog.database import Connection, Record

KEPT = timedelta(days=90)
"""How long a feed is kept that nobody reads."""
_NOTED_EVERY = timedelta(hours=1)
# So much later than it says a reader may have been here.
_LIVES = KEPT + _NOTED_EVERY


@dataclass(frozen=True, slots=True)
class LockFeed:
    """A feed; `pinned` is how many pins it has. `read_at` may be an hour too early."""

    id: int
    pinned: int
    created_at: datetime
    read_at: datetime


async def add(
    conn: Connection, *, token_sha256: bytes, pins: bytes, pinned: int, most: int, now: datetime
) -> int | None:
    """Stores a feed and returns its id; None where there are `most` already. Others who add wait until the commit."""
    await conn.execute("select pg_advisory_xact_lock($1)", locks.LOCK_FEEDS)
    added: int | None = await conn.fetchval(
        """
        insert into lock_feeds (token_sha256, pins, pinned, created_at, read_at) select $1, $2, $3, $4, $4
        where (select count(*) from lock_feeds where read_at > $5) < $6 returning id
        """,
        token_sha256,
        pins,
        pinned,
        now,
        now - _LIVES,
        most,
    )
    return added


async def find(conn: Connection, token_sha256: bytes, *, now: datetime) -> LockFeed | None:
    """The feed with that token. One that was not read for too long is not there, though it may not be removed yet."""
    record = await conn.fetchrow(
        "select id, pinned, created_at, read_at from lock_feeds where token_sha256 = $1 and read_at > $2",
        token_sha256,
        now - _LIVES,
    )
    return None if record is None else _lock_feed(record)


async def by_id(conn: Connection, lock_feed: int, *, now: datetime) -> LockFeed | None:
    """The feed with that id, as `find`."""
    record = await conn.fetchrow(
        "select id, pinned, created_at, read_at from lock_feeds where id = $1 and read_at > $2", lock_feed, now - _LIVES
    )
    return None if record is None else _lock_feed(record)


async def pins(conn: Connection, lock_feed: int) -> bytes | None:
    """The pins as they were packed. They never change."""
    packed: bytes | None = await conn.fetchval("select pins from lock_feeds where id = $1", lock_feed)
    return packed


async def note_read(conn: Connection, feed: LockFeed, *, now: datetime) -> None:
    """Notes that somebody reads the feed; nothing is written where that was noted within the last hour."""
    if now - feed.read_at >= _NOTED_EVERY:
        await conn.execute("update lock_feeds set read_at = greatest(read_at, $2) where id = $1", feed.id, now)


async def remove(conn: Connection, token_sha256: bytes, *, now: datetime) -> int | None:
    """Removes the feed and its webhooks and returns its id; None where there is none, as `find`."""
    feed = await find(conn, token_sha256, now=now)
    if feed is None:
        return None
    await webhooks.remove_targets_of_lock(conn, feed.id)
    await conn.execute("delete from lock_feeds where id = $1", feed.id)
    return feed.id


async def forget(conn: Connection, *, now: datetime) -> int:
    """Removes the feeds that nobody read for too long, and their webhooks; returns how many feeds those were."""
    await _note_sent(conn, now=now)
    records = await conn.fetch("delete from lock_feeds where read_at <= $1 returning id", now - _LIVES)
    for record in records:
        await webhooks.remove_targets_of_lock(conn, record["id"])
    return len(records)


async def _note_sent(conn: Connection, *, now: datetime) -> None:
    await conn.execute(
        """
        update lock_feeds set read_at = $1 where read_at < $2 and exists (
            select from webhook_targets where lock_feed = lock_feeds.id and disabled_at is null
            and (failing_since is null or failing_since > $3)
        )
        """,
        now,
        now - _NOTED_EVERY,
        now - KEPT,
    )


def _lock_feed(record: Record) -> LockFeed:
    return LockFeed(record["id"], record["pinned"], record["created_at"], record["read_at"])
