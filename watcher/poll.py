"""One look at the journal: what is new becomes facts and events, and the cursor moves with them.

The cursor moves in the transaction that holds what it covers and only from where it was expected, so that a crash loses
and doubles nothing, and of two who poll at once one is sent away. A page of the project is never waited for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from mirror import metrics, observe
from mirror.catalog import journal, notices, projects, rows
from mirror.catalog.database import Catalog
from mirror.errors import EverpinError, UpstreamUnavailableError
from mirror.journal_rows import JournalRow, Other
from mirror.names import Serial
from mirror.seams import reached
from mirror.states import Rules
from watcher.journal.client import PAGE_SIZE, JournalClient

log = structlog.get_logger()

ROWS_AT_A_TIME = 1_000
"""So many rows become one transaction: bounded locks and memory, however long we were away."""

_LONGEST_TEXT_LOGGED = 100


class NotTheLeaderError(EverpinError):
    """Somebody else moved the cursor."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one look brought."""

    rows: int
    serial: Serial


async def poll(
    catalog: Catalog,
    client: JournalClient,
    *,
    rules: Rules,
    now: Callable[[], datetime],
    page_size: int = PAGE_SIZE,
) -> Polled:
    """Reads the journal from the cursor to its end, or sets the cursor at the first time.

    Raises UpstreamUnavailableError, NotTheLeaderError or CatalogUnavailableError; whatever was applied before stays.
    """
    async with catalog.reading() as conn:
        position = await journal.position(conn)
    if position is None:
        return await _begin(catalog, client, now=now)
    cursor, applied = position.serial, 0
    while True:
        asked_at = now()
        new = await _ask(client, cursor)
        for start in range(0, len(new), ROWS_AT_A_TIME):
            cursor = await _apply(catalog, new[start : start + ROWS_AT_A_TIME], cursor, rules=rules, now=now())
        applied += len(new)
        if len(new) < page_size:
            break
    await _beat(catalog, cursor, now=asked_at)
    return Polled(applied, cursor)


async def _begin(catalog: Catalog, client: JournalClient, *, now: Callable[[], datetime]) -> Polled:
    asked_at = now()
    serial = await client.last_serial()
    async with catalog.writing() as conn:
        if await journal.begin(conn, serial, now=asked_at):
            # Pages observed before anyone watched may have changed unseen.
            await projects.want_all(conn, now=asked_at)
            await notices.journal_read(conn, serial, now=asked_at)
            log.info("poll.begun", serial=serial)
    return Polled(0, serial)


async def _ask(client: JournalClient, cursor: Serial) -> tuple[JournalRow, ...]:
    try:
        new = await client.since(cursor)
    except UpstreamUnavailableError:
        metrics.upstream_requests.labels("journal", "failed").inc()
        raise
    metrics.upstream_requests.labels("journal", "new" if new else "same").inc()
    for row in new:
        if isinstance(row.action, Other):
            metrics.unknown_actions.inc()
            log.warning("journal.unknown_action", serial=row.serial, action=row.text[:_LONGEST_TEXT_LOGGED])
    return new


async def _apply(
    catalog: Catalog, batch: tuple[JournalRow, ...], cursor: Serial, *, rules: Rules, now: datetime
) -> Serial:
    last = batch[-1].serial
    async with catalog.writing() as conn:
        if not await journal.advance(conn, expected=cursor, serial=last, now=now):
            raise NotTheLeaderError(f"the journal was read beyond serial {cursor} by somebody else")
        await rows.remember(conn, batch)
        await observe.journal_rows(conn, batch, rules=rules, now=now)
        reached("poll.before_commit")
    reached("poll.committed")
    log.info("poll.applied", rows=len(batch), serial=last)
    return last


async def _beat(catalog: Catalog, cursor: Serial, *, now: datetime) -> None:
    """Says, with the time at which upstream was asked, that the catalog holds everything up to then."""
    async with catalog.writing() as conn:
        if not await journal.advance(conn, expected=cursor, serial=cursor, now=now):
            raise NotTheLeaderError(f"the journal was read beyond serial {cursor} by somebody else")
        await notices.journal_read(conn, cursor, now=now)
