"""Times without a journal: told when they are noticed, and once more when they are over.

Both events are written in the transaction that remembers the gap or forgets it, and their ids are made of when the
journal was read last, so that each is told once, whoever leads and whatever dies in between.
"""

from datetime import UTC, datetime

from mirror.catalog import events, journal, news, projects
from mirror.catalog.database import Connection
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, Period
from mirror.journal_rows import Position


async def begin(conn: Connection, *, now: datetime, is_set_back: bool = False) -> datetime | None:
    """Tells that the journal cannot be read, and returns since when where that was not told before.

    A journal that was never read has no gaps. Let it be the last thing that the transaction does.
    """
    position, known = await journal.position(conn), await news.lock(conn)
    if position is None:
        return None
    since = known.gap_since or position.checked_at
    await news.set_gap(conn, since, is_set_back=is_set_back or known.is_set_back)
    told = await events.append(conn, [_draft(Period(since.astimezone(UTC), None, None), position, now=now)])
    return since if told else None


async def end(conn: Connection, *, now: datetime) -> Period | None:
    """Tells that the journal is read again, after all of it was. None where it was read all the time.

    Where it does not go on from where it was read, watching begins anew, and every page may have changed unseen. Let it
    be the last thing that the transaction does.
    """
    position, known = await journal.position(conn), await news.lock(conn)
    if known.gap_since is None:
        return None
    await news.set_gap(conn, None)
    if known.is_set_back:
        await journal.begin_again(conn, now=now)
        await projects.want_all(conn, now=now)
    since = known.gap_since.astimezone(UTC)
    period = Period(since, now.astimezone(UTC), recovered=not known.is_set_back)
    begun = _draft(Period(since, None, None), position, now=now)
    await events.append(conn, [_draft(period, position, now=now, supersedes=begun.id)])
    return period


def _draft(period: Period, position: Position | None, *, now: datetime, supersedes: str | None = None) -> EventDraft:
    return EventDraft(
        kind=EventKind.GAP,
        project=None,
        version=None,
        serial=None,
        upstream_time=None,
        observed_at=now,
        evidence=None,
        supersedes=supersedes,
        period=period,
        observed_since=position.observed_since if position is not None else None,
    )
