"""A project page applied to what we know of the project.

A page says what upstream lists; it never says why something is gone. So a page that lacks a file only notes that it was
missing; a page that lists a departed file again, under the digest we remember, restores it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.clock import tell_yanks
from mirror.changes.disappearances import explained, may_be_hidden, superseded
from mirror.changes.incarnations import ended_unseen, is_other_life, lived_through, open_incarnation, reregistered
from mirror.changes.listings import list_files, new_file
from mirror.changes.newcomers import dated
from mirror.changes.past import past_of
from mirror.changes.quarantines import lain_on, unvouched
from mirror.changes.rows import by_rows, not_from_the_future
from mirror.changes.seen_yanks import notice
from mirror.changes.step import Step, Telling, current, keys_of
from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.journal_rows import JournalRow, ProjectQuarantineCleared, ProjectQuarantined
from mirror.model import FileFacts, Memory, ProjectFacts, ProjectPage, ProjectStatus, YankChange
from mirror.names import Serial


def first_sight(page: ProjectPage, rows: Iterable[JournalRow], now: datetime) -> Step:
    """What is known of a project after its first page, judged also by the rows that came before we looked.

    `rows` are all remembered rows of the project, in order. They were told when they came, so nothing is told here but
    a quarantine that only the page knows of.
    """
    rows = tuple(rows)
    # A page without a serial is of no certain age: every row may be about what it shows.
    later = [row for row in rows if page.serial is not None and row.serial > page.serial]
    covered = rows[: len(rows) - len(later)]
    past = past_of(not_from_the_future(row, now) for row in covered)
    quarantine = past.project_quarantine()
    by_page_alone = Serial(0) if page.status is ProjectStatus.QUARANTINED else None
    project = ProjectFacts(
        id=None,
        name=page.project,
        display_name=rows[-1].name if rows else page.project,
        known_since=now,
        opened_serial=past.opened_serial,
        status=page.status if quarantine.by is None else ProjectStatus.QUARANTINED,
        quarantined_by=quarantine.by if quarantine.by is not None else by_page_alone,
        quarantined_at=quarantine.at or (now if by_page_alone is not None else None),
    )
    project = lived_through(project, covered)
    files = tuple(
        replace(file, stranger=past.version_was_removed(file.version))
        for file in (new_file(listed, project, page, past, now) for listed in page.files)
    )
    seen = by_rows(dated(Memory(_project_after(project, page, now), files)), later, now, remembered=rows, replay=True)
    if seen.memory.project.quarantined_by != 0:
        return seen
    return Step(seen.memory, (_status_telling(EventKind.PROJECT_QUARANTINED, seen.memory, page),))


def by_page(memory: Memory, page: ProjectPage, rows: Iterable[JournalRow], now: datetime) -> Step:
    """Applies a page, and on top of it those rows that are of a later serial, which were told when they came.

    `rows` are all remembered rows of the project, in order. A page older than one that was believed before is refused:
    the step says so and changes nothing.
    """
    opened = _believed(memory, page)
    if opened is None:
        return Step(memory, stale=True)
    rows = tuple(rows)
    # A page without a serial is of no certain age: what is new on it counts, but every row may be the newer news.
    later = [row for row in rows if page.serial is not None and row.serial > page.serial]
    past = past_of(not_from_the_future(row, now) for row in rows[: len(rows) - len(later)])
    # What later rows say of the quarantine is known and told: then this page's status is old news.
    overruled = any(isinstance(row.action, ProjectQuarantined | ProjectQuarantineCleared) for row in later)
    believed = replace(page, status=memory.project.status) if overruled else page
    step = opened
    step = step.then(list_files(step.memory, page, past, now))
    step = step.then(_apply_status(step.memory, believed, now))
    step = step.then(_note_missing(step.memory, page, now))
    project = _project_after(step.memory.project, believed, now)
    project = replace(project, display_name=_spelling(memory.project, rows))
    step = Step(replace(step.memory, project=project), step.tellings)
    step = step.then(by_rows(step.memory, later, now, remembered=rows, replay=True))
    step = Step(notice(opened.memory, step.memory, page, rows, now), step.tellings)
    answered = [
        pending
        for pending in step.memory.pending
        if pending.change is YankChange.YANKED
        and pending.serial is not None
        and page.serial is not None
        and pending.serial <= page.serial
    ]
    return step.then(tell_yanks(step.memory, answered))


def by_absence(memory: Memory, now: datetime) -> Step:
    """Applies the answer that upstream has no page: everything it listed is noted as missing, nothing is concluded."""
    project = memory.project
    hidden = project.quarantined_by is not None
    files = tuple(
        _missing(file, project, now, hidden=hidden or file.quarantined_by is not None)
        if file.listed and file.incarnation == project.incarnation
        else file
        for file in memory.files
    )
    absent_since = None if project.closed_serial is not None else project.absent_since or now
    project = replace(project, observed_at=now, etag=None, absent_since=absent_since)
    return Step(replace(memory, files=files, project=project))


def _believed(memory: Memory, page: ProjectPage) -> Step | None:
    known = memory.project
    if page.serial is not None and known.page_serial is not None and page.serial < known.page_serial:
        return None
    if known.closed_serial is None:
        if not is_other_life(memory, page):
            return Step(memory)
        memory = ended_unseen(memory)
    elif page.serial is None or page.serial <= known.closed_serial:
        return None
    # The project was removed, and here is a page of a later serial: the name lives again, unannounced.
    opened = open_incarnation(memory, None)
    return Step(opened, (reregistered(opened, Evidence.INDEX, None),))


def _apply_status(memory: Memory, page: ProjectPage, now: datetime) -> Step:
    project = memory.project
    if page.status is ProjectStatus.QUARANTINED:
        if project.quarantined_by is not None:
            return Step(memory)
        blocked = replace(project, quarantined_by=Serial(0), quarantined_at=now)
        serial = page.serial
        files = tuple(
            replace(f, quarantined_at=now if may_be_hidden(f, now) else lain_on(f, now))
            if f.incarnation == project.incarnation
            and (f.departed is None or serial is None or serial < f.departed.serial)
            else f
            for f in memory.files
        )
        after = unvouched(replace(memory, project=blocked, files=files))
        telling = _status_telling(EventKind.PROJECT_QUARANTINED, after, page)
        told = superseded(f for f in current(memory) if may_be_hidden(f, now))
        return Step(after, (replace(telling, supersedes=told),))
    if project.quarantined_by == 0:
        # What only a page said, a page may take back; what a row said waits for the row.
        after = replace(memory, project=replace(project, quarantined_by=None))
        return Step(after, (_status_telling(EventKind.PROJECT_QUARANTINE_CLEARED, after, page),))
    if project.quarantined_by is None and page.status is not project.status:
        telling = replace(_status_telling(EventKind.PROJECT_STATUS_CHANGED, memory, page), files=())
        return Step(memory, (telling,))
    return Step(memory)


def _note_missing(memory: Memory, page: ProjectPage, now: datetime) -> Step:
    # Another file under the same name is not the file: listing one of unknown digest is taken as listing all.
    names = {listed.filename for listed in page.files if listed.sha256 is None}
    # One of another digest says where the first has gone: it was replaced, and the first goes on here.
    taken = {listed.filename for listed in page.files}
    files_listed = {(listed.filename, listed.sha256) for listed in page.files}
    hidden = page.status is ProjectStatus.QUARANTINED
    files = tuple(
        _missing(file, memory.project, now, hidden=hidden or file.quarantined_by is not None or file.filename in taken)
        if (file.listed or (hidden and file.disappeared_at is not None and may_be_hidden(file, now)))
        and file.incarnation == memory.project.incarnation
        and file.filename not in names
        and (file.filename, file.sha256) not in files_listed
        else file
        for file in memory.files
    )
    return Step(replace(memory, files=files))


def _missing(file: FileFacts, before: ProjectFacts, now: datetime, *, hidden: bool) -> FileFacts:
    """The file, which is not on the page. A quarantine explains that: then it counts only that the page lacked it."""
    if file.missing_seen is None:
        file = replace(file, listed_until=before.page_serial, listed_at=before.observed_at)
    if hidden:
        return replace(explained(file), missing_seen=file.missing_seen or now)
    return replace(file, missing_since=file.missing_since or now, missing_seen=now)


def _spelling(known: ProjectFacts, rows: Iterable[JournalRow]) -> str:
    """The project's name as upstream spells it now: any upload can change that, and only rows tell (PEP 691)."""
    # Of older rows only a few are remembered, and those have the spelling of their time.
    newer = [row.name for row in rows if row.serial > (known.page_serial or 0)]
    return newer[-1] if newer else known.display_name


def _project_after(project: ProjectFacts, page: ProjectPage, now: datetime) -> ProjectFacts:
    answered = project.wanted_serial is None or (page.serial is not None and page.serial >= project.wanted_serial)
    return replace(
        project,
        status=page.status,
        page_serial=page.serial if page.serial is not None else project.page_serial,
        etag=page.etag,
        versions=page.versions,
        extra=page.extra,
        observed_at=now,
        # A page without files may be that of somebody who has taken the name and put up nothing yet.
        absent_since=None if page.files else project.absent_since,
        wanted_serial=None if answered else project.wanted_serial,
        refresh_at=None if answered else project.refresh_at,
        attempts=0 if answered else project.attempts,
    )


def _status_telling(kind: EventKind, memory: Memory, page: ProjectPage) -> Telling:
    return Telling(kind, Evidence.INDEX, keys_of(current(memory)), status=page.status)
