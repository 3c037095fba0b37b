"""What is asked of the catalog while it serves and watches, each with a key of its own at every run."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from mirror import clock
from mirror.catalog import (
    absences,
    acts,
    advisories,
    backlog,
    bursts,
    downloads,
    events,
    files,
    journal,
    looks,
    pending,
    projects,
    rows,
    tombstones,
)
from mirror.catalog.database import Connection
from mirror.events import EventKind
from mirror.model import ProjectFacts
from mirror.names import ProjectName, Sha256
from tests.size.row_paths import ROW_PATHS

if TYPE_CHECKING:
    Raw: TypeAlias = asyncpg.Connection[asyncpg.Record]

_KEYS = 400
_TICK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class FileKeys:
    """What finds one file."""

    id: int
    path_digest: bytes
    filename: str
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys from all over the catalog. `large` are the projects with the most versions."""

    now: datetime
    names: tuple[ProjectName, ...]
    large: tuple[ProjectName, ...]
    files: tuple[FileKeys, ...]
    told: tuple[ProjectName, ...]
    last_event: int

    def name(self, run: int) -> ProjectName:
        return self.names[run % len(self.names)]


async def keys_of(conn: "Raw") -> Keys:
    """Draws keys."""
    names = await conn.fetch("select name from projects order by hashint4(id) limit $1", _KEYS)
    large = await conn.fetch("select name from projects order by cardinality(versions) desc limit 20")
    last_file = await conn.fetchval("select max(id) from files")
    drawn = [1 + (n * 7_919_993) % last_file for n in range(_KEYS)]
    found = await conn.fetch("select id, path_digest, filename, sha256 from files where id = any($1::bigint[])", drawn)
    told = await conn.fetch(
        "select project from (select distinct project from events) as told order by hashtext(project) limit $1", _KEYS
    )
    return Keys(
        clock.now(),
        tuple(ProjectName(r["name"]) for r in names),
        tuple(ProjectName(r["name"]) for r in large),
        tuple(FileKeys(r["id"], r["path_digest"], r["filename"], Sha256(r["sha256"].hex())) for r in found),
        tuple(ProjectName(r["project"]) for r in told),
        await events.last_number(conn),
    )


async def _known(conn: Connection, name: ProjectName) -> ProjectFacts:
    found = await projects.find(conn, name)
    if found is None:
        raise LookupError(name)
    return found


async def _page(conn: Connection, keys: Keys, run: int) -> None:
    await files.of_project(conn, await _known(conn, keys.name(run)))


async def _large_page(conn: Connection, keys: Keys, run: int) -> None:
    await files.of_project(conn, await _known(conn, keys.large[run % len(keys.large)]))


async def _file(conn: Connection, keys: Keys, run: int) -> None:
    file = keys.files[run % len(keys.files)]
    await files.by_path(conn, file.path_digest, file.filename)


async def _file_by_id(conn: Connection, keys: Keys, run: int) -> None:
    await files.by_id(conn, keys.files[-run - 1].id)


async def _tombstone(conn: Connection, keys: Keys, run: int) -> None:
    await tombstones.is_buried(conn, keys.files[run % len(keys.files)].sha256)


async def _orders(conn: Connection, keys: Keys, run: int) -> None:
    await acts.standing(conn, keys.name(run), [file.sha256 for file in keys.files[run : run + 5]])


async def _position(conn: Connection, _keys: Keys, _run: int) -> None:
    await journal.position(conn)


async def _revision(conn: Connection, keys: Keys, run: int) -> None:
    await projects.revision(conn, keys.name(run + 50))


async def _rows(conn: Connection, keys: Keys, run: int) -> None:
    await rows.of_project(conn, keys.name(run + 100))


async def _refreshes(conn: Connection, keys: Keys, _run: int) -> None:
    await projects.due_refreshes(conn, now=keys.now, limit=40)


async def _advisories(conn: Connection, keys: Keys, run: int) -> None:
    await advisories.of_projects(conn, [keys.name(run + 200)])
    await advisories.settling(conn, before=keys.now)


async def _longest_unseen(conn: Connection, keys: Keys, run: int) -> None:
    await looks.longest_unseen(conn, before=keys.now + timedelta(days=1))
    await looks.note_look(conn, keys.name(run + 150), now=keys.now)


async def _sweep(conn: Connection, keys: Keys, run: int) -> None:
    await looks.known_after(conn, keys.name(run + 150), limit=100)
    await looks.want_pages(conn, keys.names[run * 5 : run * 5 + 5], now=keys.now)


async def _claim(conn: Connection, keys: Keys, _run: int) -> None:
    await backlog.claim(conn, uuid.uuid4(), limit=4, now=keys.now)


async def _renew(conn: Connection, keys: Keys, _run: int) -> None:
    claimer = uuid.uuid4()
    await backlog.renew(conn, claimer, now=keys.now)
    await backlog.give_back(conn, claimer)


async def _events_after(conn: Connection, keys: Keys, run: int) -> None:
    await events.after(conn, keys.last_event * run // 20, limit=101, epoch=1)


async def _events_of_kind_after(conn: Connection, keys: Keys, run: int) -> None:
    await events.after(conn, keys.last_event * run // 20, limit=101, epoch=1, kinds=[EventKind.FILE_REPLACED])


async def _events_of_common_kinds_after(conn: Connection, keys: Keys, run: int) -> None:
    kinds = [EventKind.RELEASE_DELETED, EventKind.RELEASE_YANKED]
    await events.after(conn, keys.last_event * run // 20, limit=101, epoch=1, kinds=kinds)


async def _events_of_projects_after(conn: Connection, keys: Keys, run: int) -> None:
    await events.after(conn, 0, limit=101, epoch=1, projects=keys.told[run * 5 : run * 5 + 5])


async def _events_of_both_after(conn: Connection, keys: Keys, run: int) -> None:
    names = keys.told[run * 5 + 50 : run * 5 + 55]
    await events.after(conn, 0, limit=101, epoch=1, projects=names, kinds=[EventKind.RELEASE_DELETED])


async def _newest(conn: Connection, _keys: Keys, _run: int) -> None:
    await events.newest(conn, limit=50, epoch=1)


async def _newest_of_rare_kind(conn: Connection, _keys: Keys, _run: int) -> None:
    await events.newest(conn, limit=50, epoch=1, kinds=[EventKind.FILE_REPLACED])


async def _newest_of_projects(conn: Connection, keys: Keys, run: int) -> None:
    await events.newest(conn, limit=50, epoch=1, projects=keys.told[run * 5 + 100 : run * 5 + 105])


async def _newest_of_a_day(conn: Connection, _keys: Keys, _run: int) -> None:
    await events.newest(conn, limit=5000, epoch=1)


async def _clock(conn: Connection, keys: Keys, _run: int) -> None:
    await pending.due(conn, now=keys.now + timedelta(minutes=5))
    await projects.with_passing_states(conn, now=keys.now)
    await absences.picture(conn, 0.02, since=keys.now)
    await absences.take_looks(conn, interval=_TICK, again=_TICK, until=keys.now, now=keys.now, limit=20)


async def _figures(conn: Connection, _keys: Keys, _run: int) -> None:
    await projects.count(conn)
    await events.counts(conn)


async def _length_of_backlog(conn: Connection, _keys: Keys, _run: int) -> None:
    await backlog.count(conn)


async def _waiting(conn: Connection, keys: Keys, run: int) -> None:
    await pending.of_projects(conn, [keys.name(run + 150)])


async def _bursts(conn: Connection, keys: Keys, run: int) -> None:
    names = keys.told[run * 5 + 200 : run * 5 + 205]
    await bursts.remember(conn, dict.fromkeys(names, bursts.Burst("1-release.deleted", keys.now)))
    await bursts.of_projects(conn, names)


async def _count_downloads(conn: Connection, keys: Keys, run: int) -> None:
    ids = [file.id for file in keys.files[run * 20 : run * 20 + 20]]
    await downloads.add(conn, {(file, keys.now.date()): 1 for file in ids})


async def _sum_downloads(conn: Connection, keys: Keys, run: int) -> None:
    await downloads.of_groups(conn, [[file.id] for file in keys.files[run : run + 20]], today=keys.now.date())


async def _forget(conn: Connection, keys: Keys, _run: int) -> None:
    await rows.forget_passing(conn, keys.now - timedelta(days=29.9))


async def _judged_by_rules(conn: Connection, _keys: Keys, run: int) -> None:
    if run == 0:
        await projects.judged_by_rules(conn)


async def _listing(conn: Connection, _keys: Keys, run: int) -> None:
    if run == 0:
        await projects.listing(conn)


async def _want_all(conn: Connection, keys: Keys, run: int) -> None:
    if run == 0:
        await projects.want_all(conn, now=keys.now)


READING_ALL = frozenset(
    {
        "metrics: the length of the backlog",
        "projects to judge again, after a change of rules",
        "the list of all projects",
        "all pages wanted, once when watching begins",
    }
)
"""What asks for all there is of something; everything else must not take longer in a larger catalog."""

READING_A_PROJECT = frozenset({"the page of a large project"})
"""What asks for all there is of one project: among more projects, the largest are larger."""

HOT_PATHS: dict[str, Callable[[Connection, Keys, int], Awaitable[None]]] = {
    "a project's page": _page,
    "the page of a large project": _large_page,
    **ROW_PATHS,
    "whether a page changed": _revision,
    "a file by its path": _file,
    "a file by its id": _file_by_id,
    "may these bytes be stored": _tombstone,
    "orders that stand for what is new": _orders,
    "readiness": _position,
    "rows of a project, at first sight": _rows,
    "advisories of a project, and who waits for them": _advisories,
    "pages to refresh": _refreshes,
    "the page not looked at for longest": _longest_unseen,
    "a sweep, a part of the known projects": _sweep,
    "backlog: claim": _claim,
    "backlog: renew and give back": _renew,
    "events after": _events_after,
    "events after, of a rare kind": _events_of_kind_after,
    "events after, of two common kinds": _events_of_common_kinds_after,
    "events after, of five projects": _events_of_projects_after,
    "events after, of five projects and a kind": _events_of_both_after,
    "newest events": _newest,
    "newest events of a rare kind": _newest_of_rare_kind,
    "newest events of five projects": _newest_of_projects,
    "newest events, up to 5,000": _newest_of_a_day,
    "what the clock decides": _clock,
    "yanks of a project that wait": _waiting,
    "bursts of five projects": _bursts,
    "downloads: count twenty files": _count_downloads,
    "downloads: sums of twenty files": _sum_downloads,
    "metrics": _figures,
    "metrics: the length of the backlog": _length_of_backlog,
    "rows to forget, hourly": _forget,
    "projects to judge again, after a change of rules": _judged_by_rules,
    "the list of all projects": _listing,
    "all pages wanted, once when watching begins": _want_all,
}
