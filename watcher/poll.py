"""One look at the journal: what is new becomes facts and events, and the cursor moves with them.

The cursor moves in the transaction that holds what it covers and only from where it was expected, so that a crash loses
and doubles nothing, and of two who poll at once one is sent away. A page of the project is never waited for.

An index that was set back, as by restoring a backup, is not followed: its journal counts as one that cannot be read
until it has passed the cursor, and then is read on from there. What it gave the same serials to meanwhile is not read,
since old and new rows could not be told apart any more; it is told that something may have been missed, every page is
asked for again, and what pages lack is judged as what no journal covers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from mirror import metrics, observe
from mirror.catalog import journal, notices, projects, rows, wanted, watchlist
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.wanted import Reason
from mirror.errors import NotTheLeaderError, UpstreamUnavailableError
from mirror.journal_rows import JournalRow, Other
from mirror.names import Serial
from mirror.seams import reached
from mirror.setting_values import Inventory
from mirror.states import Rules
from watcher import gaps
from watcher.journal.client import PAGE_SIZE, JournalClient
from watcher.journal.continued import ReadOn, read_on

log = structlog.get_logger()

ROWS_AT_A_TIME = 1_000
"""So many rows become one transaction: bounded locks and memory, however long we were away."""

_LONGEST_TEXT_LOGGED = 100


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
    inventory: Inventory = Inventory.KNOWN,
) -> Polled:
    """Reads the journal from the cursor to its end, or sets the cursor at the first time.

    Raises UpstreamUnavailableError, NotTheLeaderError or CatalogUnavailableError; whatever was applied before stays.
    """
    async with catalog.reading() as conn:
        position = await journal.position(conn)
        at_cursor = await rows.at(conn, position.serial) if position else None
    if position is None:
        return Polled(0, await begin(catalog, client, now=now))
    cursor, applied = position.serial, 0
    while True:
        asked_at = now()
        answer = await _ask(client, cursor, at_cursor, page_size)
        if not answer.continues:
            await _note_set_back(catalog, cursor, now=asked_at)
        at_cursor = answer.rows[-1] if answer.rows else at_cursor
        for start in range(0, len(answer.rows), ROWS_AT_A_TIME):
            batch = answer.rows[start : start + ROWS_AT_A_TIME]
            cursor = await _apply(catalog, batch, cursor, rules=rules, inventory=inventory, now=now())
        applied += len(answer.rows)
        if not answer.is_full:
            break
    await _beat(catalog, cursor, now=asked_at)
    return Polled(applied, cursor)


async def begin(catalog: Catalog, client: JournalClient, *, now: Callable[[], datetime]) -> Serial:
    """Sets the cursor to the journal's end, unless somebody did so before. Returns that end.

    Raises UpstreamUnavailableError or CatalogUnavailableError.
    """
    asked_at = now()
    serial = await client.last_serial()
    async with catalog.writing() as conn:
        if await journal.begin(conn, serial, now=asked_at):
            # Pages observed before anyone watched may have changed unseen.
            await projects.want_all(conn, now=asked_at)
            await notices.journal_read(conn, serial, now=asked_at)
            log.info("poll.begun", serial=serial)
    return serial


async def _ask(client: JournalClient, cursor: Serial, at_cursor: JournalRow | None, page_size: int) -> ReadOn:
    try:
        answer = await read_on(client, cursor, at_cursor, page_size=page_size)
    except UpstreamUnavailableError:
        metrics.upstream_requests.labels("journal", "failed").inc()
        raise
    metrics.upstream_requests.labels("journal", "new" if answer.rows else "same").inc()
    for row in answer.rows:
        if isinstance(row.action, Other):
            metrics.unknown_actions.inc()
            log.warning("journal.unknown_action", serial=row.serial, action=row.text[:_LONGEST_TEXT_LOGGED])
    return answer


async def _note_set_back(catalog: Catalog, cursor: Serial, *, now: datetime) -> None:
    """Notes that the journal is another one now, though it reaches beyond the cursor."""
    async with catalog.writing() as conn:
        if not await journal.is_at(conn, cursor):
            raise NotTheLeaderError(f"the journal was read beyond serial {cursor} by somebody else")
        # Compared again, what upstream has there now would be found to be another row for ever.
        await rows.forget(conn, cursor)
        await gaps.begin(conn, is_set_back=True, now=now)
    log.error("journal.set_back", serial=cursor)


async def _apply(
    catalog: Catalog,
    batch: tuple[JournalRow, ...],
    cursor: Serial,
    *,
    rules: Rules,
    inventory: Inventory,
    now: datetime,
) -> Serial:
    last = batch[-1].serial
    async with catalog.writing() as conn:
        if not await journal.advance(conn, expected=cursor, serial=last):
            raise NotTheLeaderError(f"the journal was read beyond serial {cursor} by somebody else")
        await rows.remember(conn, batch)
        if inventory is not Inventory.KNOWN:
            await wanted.touched(conn, batch, now=now)
        await wanted.touched(conn, await _of_watched(conn, batch, rules), Reason.WATCHED, now=now)
        await observe.journal_rows(conn, batch, rules=rules, now=now)
        reached("poll.before_commit")
    reached("poll.committed")
    log.info("poll.applied", rows=len(batch), serial=last)
    return last


async def _of_watched(conn: Connection, batch: Sequence[JournalRow], rules: Rules) -> list[JournalRow]:
    listed = await watchlist.among(conn, {row.project for row in batch})
    return [row for row in batch if row.project in listed or rules.keeping.watches(row.project)]


async def _beat(catalog: Catalog, cursor: Serial, *, now: datetime) -> None:
    """Says, with the time at which upstream was asked, that the catalog holds everything up to then."""
    async with catalog.writing() as conn:
        if not await journal.advance(conn, expected=cursor, serial=cursor, now=now):
            raise NotTheLeaderError(f"the journal was read beyond serial {cursor} by somebody else")
        await notices.journal_read(conn, cursor, now=now)
