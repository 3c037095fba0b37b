"""What was observed of many projects at once: rows of the journal.

After days away there are tens of thousands of them. So whatever can be asked or said of many projects in one statement
is, however many they are; and no more is held in memory than one project's files, and what is to be stored and told.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from mirror.catalog import files, page_queue, pending, projects, rows
from mirror.catalog.database import Connection, still_here
from mirror.changes import by_rows, changes_owners
from mirror.changes.rows import page_wanted
from mirror.events import EventDraft
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
from mirror.model import Memory, ProjectFacts
from mirror.names import ProjectName
from mirror.observe.judging import Court, convened, with_advisories
from mirror.observe.storing import Change, store_all
from mirror.observe.telling import Written, draft, tell
from mirror.states import Rules

_RowsOf: TypeAlias = dict[ProjectName, list[JournalRow]]

_PROJECTS_AT_A_TIME = 200
_FILES_AT_A_TIME = 1_000
"""When so many changed files wait to be stored, they are."""
_ROWS_IN_SILENCE = 20


async def journal_rows(conn: Connection, new: Sequence[JournalRow], *, rules: Rules, now: datetime) -> None:
    """Applies rows of any projects, in the order of their serials, and tells them, those of unknown projects too."""
    by_project: _RowsOf = {}
    for row in new:
        if not isinstance(row.action, RoleChanged) or changes_owners(row.action):
            by_project.setdefault(row.project, []).append(row)
    places = await page_queue.lock(conn, by_project)
    additions = {name: of_project for name, of_project in by_project.items() if all(map(_only_adds, of_project))}
    written = await _want_pages(conn, places, additions, now)
    rest = {name: by_project[name] for name in sorted(by_project) if name not in additions}
    court = await with_advisories(conn, await convened(conn, rules, now), rest)
    for names in _parts(list(rest)):
        written += await _apply(conn, {name: rest[name] for name in names}, court)
    await tell(conn, sorted(written, key=lambda one: one.project))


async def _want_pages(
    conn: Connection, places: Mapping[ProjectName, page_queue.Place], additions: _RowsOf, now: datetime
) -> list[Written]:
    """What rows do that only add something: they ask for a newer page."""
    wanted = {
        name: serial
        for name, of_project in additions.items()
        if name in places
        and (serial := page_wanted(of_project, places[name].opened_serial, _held(places[name]))) is not None
    }
    if wanted:
        await page_queue.want(conn, wanted, now=now)
    return [Written(name, (), changed=True) for name in wanted if places[name].wanted_serial is None]


def _held(place: page_queue.Place) -> int:
    return max(place.page_serial or 0, place.wanted_serial or 0)


async def _apply(conn: Connection, by_project: _RowsOf, court: Court) -> list[Written]:
    """Applies the rows of some projects, each of which is locked, and stores what they change."""
    # Of a project that nobody asked for, too: when it was created says what policies say of its removal.
    removed = [name for name, of_project in by_project.items() if any(map(_removes, of_project))]
    remembered = await rows.of_projects(conn, removed) if removed else {}
    written: list[Written] = []
    changes: list[Change] = []
    async for before in _memories(conn, by_project, court.now):
        name = before.project.name
        after, drafts = await _row_by_row(conn, before, by_project[name], remembered.get(name, ()), court)
        change = Change.between(before, court.judged(after))
        written.append(Written(name, drafts, change.page))
        changes.append(change)
        if sum(len(waiting.marked) + len(waiting.updated) for waiting in changes) >= _FILES_AT_A_TIME:
            await store_all(conn, changes, court)
            changes = []
    await store_all(conn, changes, court)
    return written


async def _memories(conn: Connection, by_project: _RowsOf, now: datetime) -> AsyncIterator[Memory]:
    """What is known of each of these projects, with its files where the rows can change any."""
    known = await projects.lock(conn, by_project)
    waiting = await pending.of_projects(conn, by_project)
    touched = []
    for name, of_project in by_project.items():
        if name not in known:
            unknown = Memory(ProjectFacts(None, name, name, now), known=False)
            yield replace(unknown, pending=waiting.get(name, ()))
        elif all(_leaves_files(row, known[name]) for row in of_project):
            yield Memory(known[name], pending=waiting.get(name, ()))
        else:
            touched.append(known[name])
    if touched:
        async for project, found in files.of_projects(conn, touched):
            yield Memory(project, found, waiting.get(project.name, ()))


async def _row_by_row(
    conn: Connection, before: Memory, of_project: Iterable[JournalRow], remembered: Sequence[JournalRow], court: Court
) -> tuple[Memory, tuple[EventDraft, ...]]:
    """The memory after the rows, and what is told of each, which shows the files as they were at that moment."""
    memory, drafts = before, []
    for number, row in enumerate(of_project, start=1):
        step = by_rows(memory, [row], court.now, remembered=remembered)
        drafts += [draft(told, step.memory, court) for told in step.tellings]
        memory = step.memory
        # There may be a thousand of them, about tens of thousands of files; pages are served meanwhile.
        await asyncio.sleep(0)
        if before.files and number % _ROWS_IN_SILENCE == 0:
            # Hundreds of such rows would pass for the silence of a process that is paused.
            await still_here(conn)
    return memory, tuple(drafts)


def _only_adds(row: JournalRow) -> bool:
    return isinstance(row.action, FileAdded | ReleaseCreated | Other)


def _removes(row: JournalRow) -> bool:
    return isinstance(row.action, FileRemoved | ReleaseRemoved | ProjectRemoved)


def _leaves_files(row: JournalRow, known: ProjectFacts) -> bool:
    """Whether the row changes no file: such rows are many, and must not have every file read."""
    if isinstance(row.action, RoleChanged):
        return known.incarnation == 1  # in a later life the state of files depends on who owns the name
    return _only_adds(row)


def _parts(names: Sequence[ProjectName]) -> Iterable[Sequence[ProjectName]]:
    return (names[start : start + _PROJECTS_AT_A_TIME] for start in range(0, len(names), _PROJECTS_AT_A_TIME))
