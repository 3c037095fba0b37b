"""Where events are pushed to, and how far each target is. What was given up for a target: see `dead_letters`.

A target's `number` only ever grows: it is moved by whoever delivers, and by nobody who delivers no longer. Operators
beside only ask for one that is disabled to be tried again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mirror.catalog.database import Connection, Record


@dataclass(frozen=True, slots=True)
class Target:
    """A target as it stands. Of the settings' own, `url` and `secret` are None: they are not stored.

    `number` is the newest event that is done with, `attempts` how often the next one failed, not to be tried before
    `next_at`. `failing_since`: nothing was accepted since then. `seen_at` is when it last stood in the settings.
    """

    id: int
    key: str
    name: str
    lock_feed: int | None
    url: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    number: int
    attempts: int
    next_at: datetime | None
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    enabled_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_success_at: datetime | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """A target; how many events are newer than the last it is done with, wanted or not; how many were given up."""

    target: Target
    behind: int
    dead: int


async def see(conn: Connection, named: Iterable[tuple[str, str]], *, now: datetime) -> list[str]:
    """Notes the targets that stand in the settings, by key and name, and returns the names of the new ones.

    A new one begins after the newest event; one that was here before goes on where it was, also under another key.
    """
    name_of = dict(named)
    await _move(conn, name_of, now=now)
    records = await conn.fetch(
        """
        insert into webhook_targets (key, name, number, seen_at)
        select given.key, given.name, event_head.number, $3
        from unnest($1::text[], $2::text[]) as given (key, name), event_head
        on conflict (key) do update set name = excluded.name, seen_at = excluded.seen_at
        returning name, xmax = 0 as is_new
        """,
        list(name_of.keys()),
        list(name_of.values()),
        now,
    )
    return [record["name"] for record in records if record["is_new"]]


async def _move(conn: Connection, name_of: Mapping[str, str], *, now: datetime) -> None:
    """What left the settings while something else of its name came was moved: what waited for it waits there.

    Whoever moves a receiver does so because nothing arrives, and must not lose just that.
    """
    await conn.execute(
        """
        update webhook_targets set key = moved.key, attempts = 0, next_at = null,
            disabled_at = null, disabled_reason = null, enabled_at = $3
        from (
            select distinct on (given.name) given.key, before.id
            from unnest($1::text[], $2::text[]) as given (key, name) join webhook_targets before using (name)
            where before.lock_feed is null and before.key <> all ($1)
                and not exists (select from webhook_targets known where known.key = given.key)
            order by given.name, before.seen_at desc, before.id desc
        ) moved
        where webhook_targets.id = moved.id
        """,
        list(name_of.keys()),
        list(name_of.values()),
        now,
    )


async def add_target(
    conn: Connection, *, key: str, name: str, url: str, secret: str, lock_feed: int, from_number: int
) -> int:
    """Adds a target of a lock's feed, which gets the events after that number, and returns its id.

    Whoever delivers hears of it within seconds. Where the key is known already, nothing changes but URL and secret.
    """
    added: int = await conn.fetchval(
        """
        insert into webhook_targets (key, name, url, secret, lock_feed, number) values ($1, $2, $3, $4, $5, $6)
        on conflict (key) do update set url = excluded.url, secret = excluded.secret
        returning id
        """,
        key,
        name,
        url,
        secret,
        lock_feed,
        from_number,
    )
    return added


async def remove_targets_of_lock(conn: Connection, lock_feed: int) -> int:
    """Drops the targets of a lock's feed with all that was given up for them, and says how many there were."""
    return len(await conn.fetch("delete from webhook_targets where lock_feed = $1 returning id", lock_feed))


async def targets(conn: Connection) -> list[Target]:
    """All targets, oldest first."""
    return [_target(record) for record in await conn.fetch("select * from webhook_targets order by id")]


async def find(conn: Connection, target: int) -> Target | None:
    """The target of that id."""
    record = await conn.fetchrow("select * from webhook_targets where id = $1", target)
    return None if record is None else _target(record)


async def overview(conn: Connection) -> list[Overview]:
    """All targets by their names, with what waits and what was given up."""
    records = await conn.fetch(
        """
        select webhook_targets.*, greatest(event_head.number - webhook_targets.number, 0) as behind,
            (select count(*) from dead_letters where target = webhook_targets.id) as dead
        from webhook_targets, event_head order by name, id
        """
    )
    return [Overview(_target(record), record["behind"], record["dead"]) for record in records]


async def delivered(conn: Connection, target: int, number: int, *, status: int, now: datetime) -> None:
    """The event was accepted: the target is done with it."""
    await conn.execute(
        """
        update webhook_targets set number = greatest(number, $2), attempts = 0, next_at = null, failing_since = null,
            last_status = $3, last_error = null, last_success_at = $4
        where id = $1
        """,
        target,
        number,
        status,
        now,
    )


async def failed(
    conn: Connection, target: int, *, status: int | None, error: str, next_at: datetime, now: datetime
) -> None:
    """The next event was not accepted and is to be tried again then. `status` is None where there was no answer."""
    await conn.execute(
        """
        update webhook_targets set attempts = attempts + 1, next_at = $4, last_status = $2, last_error = $3,
            failing_since = coalesce(failing_since, $5)
        where id = $1
        """,
        target,
        status,
        error,
        next_at,
        now,
    )


async def give_up(
    conn: Connection, target: int, number: int, *, status: int | None, error: str, next_at: datetime, now: datetime
) -> None:
    """After this last failure the event is a dead letter, and the one after it is the next, not to be tried before."""
    await conn.execute(
        """
        insert into dead_letters (target, number, at, attempts, error)
        select id, $2, $4, attempts + 1, $3 from webhook_targets where id = $1
        on conflict do nothing
        """,
        target,
        number,
        error,
        now,
    )
    await conn.execute(
        """
        update webhook_targets set number = greatest(number, $2), attempts = 0, next_at = $5, last_status = $3,
            last_error = $4, failing_since = coalesce(failing_since, $6)
        where id = $1
        """,
        target,
        number,
        status,
        error,
        next_at,
        now,
    )


async def pass_over(conn: Connection, passed: Sequence[tuple[int, int]]) -> None:
    """Targets, by their ids, are done with all up to those numbers."""
    await conn.execute(
        """
        update webhook_targets set number = passed.number
        from unnest($1::bigint[], $2::bigint[]) as passed (id, number)
        where webhook_targets.id = passed.id and webhook_targets.number < passed.number
        """,
        [target for target, _ in passed],
        [number for _, number in passed],
    )


async def disable(conn: Connection, target: int, *, status: int | None, reason: str, now: datetime) -> None:
    """Nothing is sent there until an operator enables it again. What it is not done with waits."""
    await conn.execute(
        """
        update webhook_targets set disabled_at = $4, disabled_reason = $3, last_status = $2, last_error = $3,
            failing_since = coalesce(failing_since, $4)
        where id = $1
        """,
        target,
        status,
        reason,
        now,
    )


async def enable(conn: Connection, target: int, *, now: datetime) -> bool:
    """Has the target be tried at once, whether it was disabled or only waited. False where there is none."""
    done = await conn.execute(
        """
        update webhook_targets set disabled_at = null, disabled_reason = null, attempts = 0, next_at = null,
            enabled_at = $2
        where id = $1
        """,
        target,
        now,
    )
    return done == "UPDATE 1"


async def forget(conn: Connection, *, unseen_since: datetime) -> list[str]:
    """Drops targets that have left the settings so long ago, with what was given up for them; returns their names."""
    records = await conn.fetch(
        "delete from webhook_targets where lock_feed is null and seen_at < $1 returning name", unseen_since
    )
    return [record["name"] for record in records]


def _target(record: Record) -> Target:
    return Target(**{name: record[name] for name in Target.__slots__})
