"""Events that were given up for a target, kept so that an operator can have them be sent once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.database import Connection, Record
from mirror.event_kinds import EventKind
from mirror.names import ProjectName


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was given up for a target, and why. `kind` is None where the event itself is held no longer.

    `replay_at` is set while it is to be sent once more; `replays` counts how often that failed since it was asked for.
    """

    target: int
    number: int
    at: datetime
    attempts: int
    error: str
    replay_at: datetime | None
    replays: int
    kind: EventKind | None
    project: ProjectName | None
    version: str | None


async def of_target(conn: Connection, target: int, *, limit: int = 1000) -> list[DeadLetter]:
    """What was given up for the target, in the order of the events."""
    records = await conn.fetch(
        """
        select dead_letters.*, kind, project, version
        from dead_letters left join events using (number) where target = $1 order by number limit $2
        """,
        target,
        limit,
    )
    return [_letter(record) for record in records]


async def replay(conn: Connection, target: int, numbers: Sequence[int] | None, *, now: datetime) -> int:
    """Has these dead letters of the target, or all, be sent once more, and says how many they are."""
    records = await conn.fetch(
        """
        update dead_letters set replay_at = $3, replays = 0
        where target = $1 and ($2::bigint[] is null or number = any($2)) returning number
        """,
        target,
        numbers,
        now,
    )
    return len(records)


async def to_replay(conn: Connection, *, now: datetime) -> set[int]:
    """The targets for which there are dead letters that are due to be sent once more."""
    records = await conn.fetch("select distinct target from dead_letters where replay_at <= $1", now)
    return {record["target"] for record in records}


async def next_replay(conn: Connection, target: int, *, now: datetime) -> DeadLetter | None:
    """The first of the target's dead letters that is due to be sent once more."""
    record = await conn.fetchrow(
        """
        select dead_letters.*, kind, project, version
        from dead_letters left join events using (number)
        where target = $1 and replay_at <= $2 order by number limit 1
        """,
        target,
        now,
    )
    return None if record is None else _letter(record)


async def replayed(conn: Connection, target: int, number: int) -> None:
    """That is no dead letter any more: it was accepted, or nothing is left of it."""
    await conn.execute("delete from dead_letters where target = $1 and number = $2", target, number)


async def replay_failed(conn: Connection, target: int, number: int, *, error: str, next_at: datetime | None) -> None:
    """It was not accepted once more; it is sent again then, or, without `next_at`, stays what it was."""
    await conn.execute(
        """
        update dead_letters set attempts = attempts + 1, replays = replays + 1, error = $3, replay_at = $4
        where target = $1 and number = $2
        """,
        target,
        number,
        error,
        next_at,
    )


async def forget(conn: Connection, *, before: datetime) -> None:
    """Drops what was given up that long ago."""
    await conn.execute("delete from dead_letters where at < $1", before)


def _letter(record: Record) -> DeadLetter:
    return DeadLetter(
        target=record["target"],
        number=record["number"],
        at=record["at"],
        attempts=record["attempts"],
        error=record["error"],
        replay_at=record["replay_at"],
        replays=record["replays"],
        kind=EventKind(record["kind"]) if record["kind"] is not None else None,
        project=ProjectName(record["project"]) if record["project"] is not None else None,
        version=record["version"],
    )
