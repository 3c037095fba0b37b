"""One tick of 1,000 journal rows, through `watcher.poll`, in the mixture of PyPI's journal and with 50 removals."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeAlias, cast

import asyncpg

from mirror import clock
from mirror.actions import read_action
from mirror.catalog import events, journal
from mirror.catalog.database import Catalog
from mirror.journal_rows import JournalRow
from mirror.names import ProjectName, Serial
from mirror.settings import Settings
from watcher.journal.client import JournalClient
from watcher.poll import poll
from watcher.rules import rules_of

if TYPE_CHECKING:
    Raw: TypeAlias = asyncpg.Connection[asyncpg.Record]

ROWS = 1_000
_REMOVED = 70
_UPLOADED = 400
_RULES = rules_of(Settings())

_MIXTURE = (
    # Every fifth project is not known: nobody has asked for it yet.
    *(("remove release",) for _ in range(30)),
    *(("remove file {filename}",) for _ in range(10)),
    *(("remove project",) for _ in range(10)),
    *(("yank release",) for _ in range(15)),
    *(("unyank release",) for _ in range(3)),
    *(("project quarantined",) for _ in range(2)),
    *(("create", "add Owner somebody", "new release", "add source file {filename}") for _ in range(30)),
    *(("new release", "add py3 file {filename}", "add source file {filename}") for _ in range(200)),
    *(("add py3 file {filename}", "add source file {filename}") for _ in range(100)),
    *(("add Owner somebody", "remove Maintainer somebody") for _ in range(5)),
)
_VERSIONLESS = ("remove project", "project quarantined", "create", "add Owner", "remove Maintainer")


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick took, from the answer of the journal to the commit, and brought."""

    rows: int
    projects: int
    known: int
    events: int
    seconds: float
    wal_bytes: int


@dataclass(frozen=True, slots=True)
class _Subject:
    name: str
    version: str
    filename: str


class _Journal:
    """Has these rows to tell, once."""

    def __init__(self, rows: tuple[JournalRow, ...]) -> None:
        self._rows = rows

    async def since(self, serial: Serial) -> tuple[JournalRow, ...]:
        return tuple(row for row in self._rows if row.serial > serial)


async def tick(catalog: Catalog, conn: "Raw", *, number: int) -> Ticked:
    """Applies new rows about other projects than the ticks of other numbers, and commits."""
    position = await journal.position(conn)
    if position is None:
        raise LookupError("nobody watches this catalog")
    subjects = await _subjects(conn, number)
    new = tuple(_rows(subjects, Serial(position.serial)))
    told = await events.last_number(conn)
    before, began = await _wal(conn), time.monotonic()
    await poll(catalog, cast("JournalClient", _Journal(new)), rules=_RULES, now=clock.now)
    seconds, after = time.monotonic() - began, await _wal(conn)
    names = {row.project for row in new}
    known = await conn.fetchval("select count(*) from projects where name = any($1::text[])", list(names))
    return Ticked(len(new), len(names), known, await events.last_number(conn) - told, seconds, after - before)


async def _subjects(conn: "Raw", number: int) -> list[_Subject]:
    """Projects with a listed file each, and unknown ones among them.

    Any project is as likely to be removed as another, but one with many files is uploaded to more often.
    """
    last_project = await conn.fetchval("select max(id) from projects")
    last_file = await conn.fetchval("select max(id) from files")
    removed = await conn.fetch(
        """
        select name, version, filename from projects cross join lateral (
            select version, filename from files where project = projects.id and listed order by id limit 1
        ) as file where id = any($1::int[]) order by hashint4(id)
        """,
        [1 + (n * 7_919 + number * 104_729) % last_project for n in range(_REMOVED * 2)],
    )
    uploaded = await conn.fetch(
        """
        select distinct on (projects.name) projects.name, version, filename from files
        join projects on projects.id = project where files.id = any($1::bigint[]) and listed
        """,
        [1 + (n * 829_348_951 + number * 1_299_709) % last_file for n in range(_UPLOADED * 3)],
    )
    found = [_Subject(r["name"], r["version"], r["filename"]) for r in [*removed[:_REMOVED], *uploaded]]
    for n in range(4, len(found), 5):
        found[n] = _Subject(f"unknown-{number}-{n}", "1.0", f"unknown_{number}_{n}-1.0.tar.gz")
    return found


def _rows(subjects: list[_Subject], last: Serial) -> Iterator[JournalRow]:
    serials, now = count(last + 1), clock.now()
    written = 0
    for texts, subject in zip(_MIXTURE, subjects, strict=False):
        for text in texts:
            if written == ROWS:
                return
            written += 1
            said = text.format(filename=subject.filename)
            version = None if said.startswith(_VERSIONLESS) else subject.version
            name = ProjectName(subject.name)
            yield JournalRow(Serial(next(serials)), name, name, version, now, said, read_action(said, version))


async def _wal(conn: "Raw") -> int:
    written: int = await conn.fetchval("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    return written
