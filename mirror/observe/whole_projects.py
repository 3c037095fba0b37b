"""What was observed of whole projects: pages, absences, rows of the journal, the passing of time."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from mirror.catalog import acts, advisories, files, journal, pending, projects, rows, wanted
from mirror.catalog.database import Connection, still_here
from mirror.changes import Step, by_absence, by_clock, by_page, by_rows, changes_owners, first_sight
from mirror.journal_rows import (
    FileAdded,
    FileRemoved,
    JournalRow,
    Other,
    ProjectRemoved,
    ReleaseCreated,
    ReleaseRemoved,
    RoleChanged,
)
from mirror.model import Memory, ProjectFacts, ProjectPage
from mirror.names import ProjectName
from mirror.observe.judging import convened, with_advisories
from mirror.observe.recalling import memory_of
from mirror.observe.storing import store, store_first
from mirror.observe.telling import tell
from mirror.states import Rules

_REMOVALS = (FileRemoved, ReleaseRemoved, ProjectRemoved)


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


async def journal_rows(conn: Connection, new: Sequence[JournalRow], *, rules: Rules, now: datetime) -> None:
    """Applies rows of any projects, in the order of their serials, and tells them, those of unknown projects too."""
    by_project: dict[ProjectName, list[JournalRow]] = {}
    for row in new:
        if not isinstance(row.action, RoleChanged) or changes_owners(row.action):
            by_project.setdefault(row.project, []).append(row)
    locked = await projects.lock(conn, by_project)
    waiting = await pending.of_projects(conn, by_project)
    court = await with_advisories(conn, await convened(conn, rules, now), by_project)
    written = []
    for name in sorted(by_project):
        of_project = by_project[name]
        before = await _memory_for_rows(conn, name, locked.get(name), of_project, now)
        before = replace(before, pending=waiting.get(name, ()))
        # Of a project that nobody asked for, too: when it was created says what policies say of its removal.
        removed = any(isinstance(row.action, _REMOVALS) for row in of_project)
        remembered = await rows.of_project(conn, name) if removed else ()
        steps = await _row_by_row(conn, before, of_project, remembered, now=now)
        written.append(await store(conn, before, steps, court))
    await tell(conn, written)


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


async def _memory_for_rows(
    conn: Connection, name: ProjectName, known: ProjectFacts | None, of_project: Sequence[JournalRow], now: datetime
) -> Memory:
    if known is None:
        return _unknown(name, now)
    if all(_leaves_files(row, known) for row in of_project):
        return Memory(known)
    return Memory(known, await files.of_project(conn, known))


def _leaves_files(row: JournalRow, known: ProjectFacts) -> bool:
    """Whether the row changes no file: such rows are many, and must not have every file read."""
    if isinstance(row.action, RoleChanged):
        return known.incarnation == 1  # in a later life the state of files depends on who owns the name
    return isinstance(row.action, FileAdded | ReleaseCreated | Other)  # additions only ask for a newer page


async def _row_by_row(
    conn: Connection,
    before: Memory,
    of_project: Iterable[JournalRow],
    remembered: Sequence[JournalRow],
    *,
    now: datetime,
) -> list[Step]:
    """Each row's own step, so that what is told of it shows the files as they were at that moment."""
    steps = [Step(before)]
    for row in of_project:
        steps.append(by_rows(steps[-1].memory, [row], now, remembered=remembered))
        # Of a project with tens of thousands of files one row takes a tenth of a second; pages are served meanwhile.
        await asyncio.sleep(0)
        if before.files:
            # And hundreds of such rows would pass for the silence of a process that is paused.
            await still_here(conn)
    return steps


def _unknown(name: ProjectName, now: datetime) -> Memory:
    return Memory(ProjectFacts(None, name, name, now), known=False)
