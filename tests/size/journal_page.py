"""A page of journal rows about the projects of a filled catalog, and a server that answers it over XML-RPC.

`mixed` has what PyPI's journal brings within a good two days, each kind in about its daily share, nine tenths of it
about known projects. `removals` takes things away and does nothing else. Nothing here is random from one run to the
next, but each number of a page brings other projects.
"""

import xmlrpc.client
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from time import time
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

import asyncpg
from aiohttp import web

from watcher.journal.client import PAGE_SIZE

if TYPE_CHECKING:
    Raw: TypeAlias = asyncpg.Connection[asyncpg.Record]

Wire: TypeAlias = tuple[str, str | None, int, str, int]
"""A row as XML-RPC delivers it: name, version, seconds since 1970, action, serial."""

_WHEELS = tuple(f"add cp3{minor} file {{filename}}" for minor in range(7, 15))

_A_DAY: tuple[tuple[int, tuple[str, ...]], ...] = (
    # Acts of one day with the rows that each writes: 21,000 rows in all. Counts of uploads are what was published of
    # PyPI, those of removals are estimates from counted years, the rest is guessed by their proportion.
    (750, ("create", "add Owner somebody", "new release", "add source file {filename}")),
    (1_900, ("new release", "add py3 file {filename}", "add source file {filename}")),
    (700, ("new release", *_WHEELS, "add source file {filename}")),
    (1_500, ("add py3 file {filename}", "add source file {filename}")),
    (850, ("invite Maintainer somebody", "accepted Maintainer somebody")),
    (300, ("add Owner somebody",)),
    (245, ("remove release",)),
    (40, ("remove project",)),
    (100, ("remove file {filename}",)),
    (150, ("yank release",)),
    (40, ("unyank release",)),
    (12, ("project quarantined",)),
    (4, ("project quarantine cleared",)),
    (6, ("release quarantined",)),
)
_UPLOAD = "file {filename}"
_VERSIONLESS = ("create", "remove project", "project", "add Owner", "invite", "accepted")


@dataclass(frozen=True, slots=True)
class Subject:
    """What rows are about: a project, with a version and a file that it lists."""

    name: str
    version: str
    filename: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows above the cursor, and the row at the cursor if there is one, by which the journal is known again."""

    title: str
    since: int
    before: tuple[Wire, ...]
    rows: tuple[Wire, ...]


async def mixed(conn: "Raw", *, rows: int, number: int) -> Page:
    """So many rows of all kinds."""
    since, before = await _cursor(conn)
    acts = list(islice(_acts(number), rows))
    at_random = await _any(conn, len(acts) // 4, number)
    by_files = await _by_files(conn, len(acts) // 4, number)
    if not at_random or not by_files:
        raise LookupError("a catalog without listed files")
    random, popular = cycle(at_random), cycle(by_files)
    written: list[Wire] = []
    for place, texts in enumerate(acts):
        subject = next(popular) if texts[-1].endswith(_UPLOAD) and texts[-1].startswith("add ") else next(random)
        if texts[0] == "create" or place % 10 == 0:
            # Nobody has asked for it here.
            subject = Subject(f"unknown-{number}-{place}", "1.0", f"unknown_{number}_{place}-1.0.tar.gz")
        written += _written(subject, texts, since + len(written))
        if len(written) >= rows:
            break
    return Page(f"{rows:,} rows", since, before, tuple(written[:rows]))


async def removed_releases(conn: "Raw", *, count: int, number: int) -> Page:
    """A release of each of so many projects is removed."""
    return await _removals(conn, "remove release", f"{count:,} releases", count=count, number=number)


async def removed_projects(conn: "Raw", *, count: int, number: int) -> Page:
    """So many projects are removed."""
    return await _removals(conn, "remove project", f"{count:,} projects", count=count, number=number)


async def releases_of_one(conn: "Raw", *, count: int, number: int, largest: bool = False) -> Page:
    """So many releases of one project are removed: of one that has hardly more, or of the largest there is."""
    order = "desc" if largest else "asc"
    subjects = await conn.fetch(
        f"""
        with chosen as (
            select project from files where listed group by project having count(distinct version) >= $1
            order by count(*) {order}, project offset $2 limit 1
        )
        select distinct on (version) name, version, filename
        from files join projects on projects.id = project where project = (select project from chosen) and listed
        order by version, filename limit $1
        """,  # noqa: S608 - made of constants
        count,
        number,
    )
    if not subjects:
        raise LookupError(f"no project has {count} releases")
    since, before = await _cursor(conn)
    rows = [row for place, r in enumerate(subjects) for row in _written(_subject(r), ["remove release"], since + place)]
    files = await conn.fetchval(
        "select count(*) from files join projects on projects.id = project where name = $1", subjects[0]["name"]
    )
    return Page(f"{count:,} releases of one project of {files:,} files", since, before, tuple(rows))


@asynccontextmanager
async def answering(page: Page) -> AsyncIterator[str]:
    """The URL at which a journal answers that ends with this page."""
    written = [*page.before, *page.rows]
    # Made before anything is measured: the journal is upstream's, and its time is not ours.
    ready = {since: _above(written, since) for since in (page.since - 1, page.since)}

    async def answer(request: web.Request) -> web.Response:
        arguments, _method = xmlrpc.client.loads(await request.read())
        since = int(str(arguments[0]))
        return web.Response(body=ready.get(since) or _above(written, since), content_type="text/xml")

    app = web.Application()
    app.router.add_post("/pypi", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/pypi"
    finally:
        await runner.cleanup()


def _above(written: Sequence[Wire], since: int) -> bytes:
    rows = [row for row in written if row[4] > since][:PAGE_SIZE]
    return xmlrpc.client.dumps((rows,), methodresponse=True, allow_none=True).encode()


def _acts(number: int) -> Iterator[tuple[str, ...]]:
    """The acts of day after day, each day's in an order of its own."""
    day = [texts for count, texts in _A_DAY for _ in range(count)]
    while True:
        number += 1_000
        shuffled = sorted(range(len(day)), key=lambda place: crc32(f"{number} {place}".encode()))
        yield from (day[place] for place in shuffled)


async def _removals(conn: "Raw", action: str, title: str, *, count: int, number: int) -> Page:
    subjects = await _any(conn, count, number)
    if len(subjects) < count:
        raise LookupError(f"no {count} projects have listed files")
    since, before = await _cursor(conn)
    rows = [row for place, subject in enumerate(subjects) for row in _written(subject, [action], since + place)]
    return Page(title, since, before, tuple(rows))


def _written(subject: Subject, texts: Sequence[str], last: int) -> list[Wire]:
    at = int(time())
    said = [text.format(filename=subject.filename) for text in texts]
    return [
        (subject.name, None if text.startswith(_VERSIONLESS) else subject.version, at, text, last + place)
        for place, text in enumerate(said, start=1)
    ]


async def _any(conn: "Raw", count: int, number: int) -> list[Subject]:
    """Any projects that list a file, each as likely as another."""
    records = await conn.fetch(
        """
        select name, version, filename from projects cross join lateral (
            select version, filename from files where project = projects.id and listed order by id limit 1
        ) as file
        where closed_serial is null order by hashint4(id + $2 * 7919) limit $1
        """,
        count,
        number,
    )
    return [_subject(record) for record in records]


async def _by_files(conn: "Raw", count: int, number: int) -> list[Subject]:
    """Projects by any of their files: one with many is uploaded to more often."""
    last_file = await conn.fetchval("select max(id) from files")
    records = await conn.fetch(
        """
        select name, version, filename from unnest($1::bigint[]) with ordinality as drawn (id, place)
        join files on files.id = drawn.id join projects on projects.id = project where listed order by place
        """,
        [1 + (n * 829_348_951 + number * 1_299_709) % last_file for n in range(count)],
    )
    return [_subject(record) for record in records]


def _subject(record: "asyncpg.Record") -> Subject:
    return Subject(record["name"], record["version"], record["filename"])


async def _cursor(conn: "Raw") -> tuple[int, tuple[Wire, ...]]:
    serial: int = await conn.fetchval("select serial from journal")
    at_cursor = await conn.fetch("select name, version, at, action, serial from rows where serial = $1", serial)
    return serial, tuple((r["name"], r["version"], int(r["at"].timestamp()), r["action"], serial) for r in at_cursor)
