"""What is asked of the catalog while it serves and watches, each with a key of its own at every run."""

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
    bursts,
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
from mirror.model import ProjectFacts
from mirror.names import ProjectName, Sha256
from tests.size.event_paths import EVENT_PATHS
from tests.size.keep_paths import KEEP_PATHS, KEEP_PATHS_READING_ALL
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


async def _clock(conn: Connection, keys: Keys, _run: int) -> None:
    await pending.due(conn, now=keys.now + timedelta(minutes=5))
    await projects.with_passing_states(conn, now=keys.now)
    await absences.picture(conn, 0.02, since=keys.now)
    await absences.take_looks(conn, interval=_TICK, again=_TICK, until=keys.now, now=keys.now, limit=20)


async def _figures(conn: Connection, _keys: Keys, _run: int) -> None:
    await projects.count(conn)
    await events.counts(conn)


async def _waiting(conn: Connection, keys: Keys, run: int) -> None:
    await pending.of_projects(conn, [keys.name(run + 150)])


async def _bursts(conn: Connection, keys: Keys, run: int) -> None:
    names = keys.told[run * 5 + 200 : run * 5 + 205]
    await bursts.remember(conn, dict.fromkeys(names, bursts.Burst("1-release.deleted", keys.now)))
    await bursts.of_projects(conn, names)


async def _forget(conn: Connection, keys: Keys, _run: int) -> None:
    await rows.forget_passing(conn, keys.now - timedelta(days=29.9))


async def _judged_by_rules(conn: Connection, _keys: Keys, run: int) -> None:
    if run == 0:
        await projects.judged_by_rules(conn)


async def _listing(conn: Connection, keys: Keys, run: int) -> None:
    await projects.listed_after(conn, keys.names[run], limit=200)


async def _want_all(conn: Connection, keys: Keys, run: int) -> None:
    if run == 0:
        await projects.want_all(conn, now=keys.now)


READING_ALL = frozenset(
    {
        *KEEP_PATHS_READING_ALL,
        "projects to judge again, after a change of rules",
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
    **EVENT_PATHS,
    **KEEP_PATHS,
    "what the clock decides": _clock,
    "yanks of a project that wait": _waiting,
    "bursts of five projects": _bursts,
    "metrics": _figures,
    "rows to forget, hourly": _forget,
    "projects to judge again, after a change of rules": _judged_by_rules,
    "a part of the list of all projects": _listing,
    "all pages wanted, once when watching begins": _want_all,
}
