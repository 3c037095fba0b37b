"""The catalog before a history, as it was after its migrations, and after it, when there is nothing left to do."""

from datetime import datetime, timedelta

from mirror.catalog.database import Catalog

_AS_AT_FIRST = (
    "update event_head set number = 0, chain = ''",
    "update project_count set known = 0",
    "update brake set engaged_at = null",
    "update news_source set source = 'changelog', gap_since = null, is_set_back = false",
    "update advisory_reading set checked_at = null, source = null, newest = null, full_at = null",
    "update advisory_reading set full_etag = null, changes_etag = null",
)


async def emptied(catalog: Catalog) -> None:
    """Forgets everything."""
    async with catalog.writing() as conn:
        await conn.execute(
            "truncate instance, journal, rows, projects, files, pending_yanks, backlog, events, event_payloads,"
            " redactions, event_counts, acts, tombstones, blocks, condemned, sweeping, wanted_projects, advisories,"
            " advisory_affects, downloads, bursts restart identity"
        )
        for statement in _AS_AT_FIRST:
            await conn.execute(statement)


async def is_calm(catalog: Catalog, now: datetime) -> bool:
    """Whether nothing waits to be done."""
    async with catalog.reading() as conn:
        return not (
            # For what counts as lost it goes on asking for a month.
            await conn.fetchval("select count(*) from backlog join files on file = id where lost_at is null")
            or await conn.fetchval("select count(*) from projects where refresh_at is not null")
            # What was told without its row waits for that for a month, too.
            or await conn.fetchval("select count(*) from pending_yanks where due_at < $1", now + timedelta(days=1))
        )
