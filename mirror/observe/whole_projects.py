"""What was observed of whole projects: pages, absences, the passing of time."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.catalog import acts, advisories, journal, pending, projects, rows, wanted
from mirror.catalog.database import Connection
from mirror.changes import by_absence, by_clock, by_page, first_sight
from mirror.model import Memory, ProjectFacts, ProjectPage
from mirror.names import ProjectName
from mirror.observe.judging import convened
from mirror.observe.recalling import memory_of
from mirror.observe.storing import store, store_first
from mirror.observe.telling import tell
from mirror.states import Rules


async def page(conn: Connection, seen: ProjectPage, *, rules: Rules, now: datetime) -> bool:
    """Applies a project page, also the first one. False where it is older than one believed before."""
    await acts.keep_in_view(conn)
    court = await convened(conn, rules, now)
    known = await _lock_known(conn, seen.project)
    if known is None:
        # Before any lock on a project: ticks take the journal first, too.
        await journal.hold(conn)
        await advisories.hold(conn)
        remembered = await rows.of_project(conn, seen.project)
        written = await store_first(conn, first_sight(seen, remembered, now), court)
        if written is not None:
            await wanted.drop(conn, seen.project)
            await tell(conn, [written])
            return True
        known = (await projects.lock(conn, [seen.project]))[seen.project]
    before = await memory_of(conn, known)
    remembered = await rows.of_project(conn, seen.project)
    written = await store(conn, before, [by_page(before, seen, remembered, now)], court)
    await tell(conn, [written])
    return not written.stale


async def absence(conn: Connection, project: ProjectName, *, rules: Rules, now: datetime) -> None:
    """Applies the answer that upstream has no such page. Of an unknown project there is nothing to note."""
    known = await _lock_known(conn, project)
    if known is None:
        return
    before = await memory_of(conn, known)
    court = await convened(conn, rules, now)
    await tell(conn, [await store(conn, before, [by_absence(before, now)], court)])


async def clock(conn: Connection, names: Iterable[ProjectName], *, rules: Rules, now: datetime) -> None:
    """Applies what only the time or other rules decide: yanks that are due, states that have passed."""
    names = sorted(set(names))
    locked = await projects.lock(conn, names)
    waiting = await pending.of_projects(conn, names)
    court = await convened(conn, rules, now)
    written = []
    for name in names:
        before = await memory_of(conn, locked[name]) if name in locked else _unknown(name, now)
        before = replace(before, pending=waiting.get(name, ()))
        written.append(await store(conn, before, [by_clock(before, now)], court))
    await tell(conn, written)


async def _lock_known(conn: Connection, name: ProjectName) -> ProjectFacts | None:
    return (await projects.lock(conn, [name])).get(name)


def _unknown(name: ProjectName, now: datetime) -> Memory:
    return Memory(ProjectFacts(None, name, name, now), known=False)
