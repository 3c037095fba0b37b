"""Where news of upstream come from at present, and since when the journal cannot be read, where it cannot."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror.catalog.database import Connection, Record


class Source(StrEnum):
    """What tells of news: the journal of all changes, or the feed of new releases."""

    CHANGELOG = "changelog"
    RSS = "rss"


@dataclass(frozen=True, slots=True)
class News:
    """What tells of news at present.

    `gap_since` is when the journal was read last, where that was too long ago; `is_set_back`: it does not go on from
    where it was read.
    """

    source: Source
    gap_since: datetime | None
    is_set_back: bool


async def read(conn: Connection) -> News:
    """As the catalog says."""
    return _news(await conn.fetchrow("select source, gap_since, is_set_back from news_source"))


async def lock(conn: Connection) -> News:
    """As the catalog says until the transaction ends."""
    return _news(await conn.fetchrow("select source, gap_since, is_set_back from news_source for update"))


async def choose(conn: Connection, source: Source) -> None:
    """News come from there from now on."""
    await conn.execute("update news_source set source = $1", source)


async def set_gap(conn: Connection, since: datetime | None, *, is_set_back: bool = False) -> None:
    """Remembers a time without a journal, or with None that it is over."""
    await conn.execute("update news_source set gap_since = $1, is_set_back = $2", since, is_set_back)


def _news(record: Record | None) -> News:
    if record is None:
        raise LookupError("the row about the source of news is gone")
    return News(Source(record["source"]), record["gap_since"], record["is_set_back"])
