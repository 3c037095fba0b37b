"""The lives of a name: one ends with `remove project`, the next begins with `create` or with a page that is back."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.owners import handed_on, registered, role_changed, with_same_owner
from mirror.changes.step import Step, Telling, current, keys_of
from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.journal_rows import JournalRow, ProjectCreated, ProjectRemoved, RoleChanged
from mirror.model import Life, Memory, ProjectFacts, ProjectPage
from mirror.names import Serial


def project_created(memory: Memory, row: JournalRow, *, written_at: datetime) -> Step:
    """The name was registered: another life of it begins, unless a page showed that before."""
    if not memory.known:
        return Step(memory)
    if has_ended_unseen(memory) and row.serial > (memory.project.page_serial or 0):
        memory = ended_unseen(memory)
        opened = open_incarnation(replace(memory, project=registered(memory.project, written_at)), row.serial)
        return Step(opened, (reregistered(opened, Evidence.JOURNAL, row),))
    memory = replace(memory, project=registered(memory.project, written_at))
    if memory.project.closed_serial is None:
        return Step(memory)  # a page said so first
    opened = open_incarnation(memory, row.serial)
    return Step(opened, (reregistered(opened, Evidence.JOURNAL, row),))


def open_incarnation(memory: Memory, serial: Serial | None) -> Memory:
    """The memory of a name that begins another life; only pages from then on count."""
    project = memory.project
    if project.closed_at is None:
        raise ValueError("only a name whose life has ended begins another")
    life = Life(project.incarnation + 1, project.closed_at, earlier_known=bool(memory.files))
    newcomers_of = {file.newcomer_in for file in memory.files}
    opened = replace(
        project,
        incarnation=life.number,
        # Somebody can register and remove a name as often as they like: lives without a trace are forgotten.
        lives=(*(earlier for earlier in project.lives if earlier.number in newcomers_of), life),
        opened_serial=serial,
        closed_serial=None,
        closed_at=None,
        absent_since=None,
        versions=(),
        etag=None,
        extra=b"{}",
        page_serial=Serial(max(project.page_serial or 0, serial or 0)),
    )
    # What pages showed of yanks was about the life that is over.
    pending = tuple(waiting for waiting in memory.pending if waiting.serial is not None)
    return replace(memory, project=with_same_owner(opened, life.freed_at), pending=pending)


def has_ended_unseen(memory: Memory) -> bool:
    """Whether it is believed that upstream has no such project, though no row says that it was removed."""
    files = current(memory)
    if memory.project.absent_since is None or any(file.listed for file in files):
        return False
    return any(file.disappeared_at is not None for file in files)


def ended_unseen(memory: Memory) -> Memory:
    """The memory of such a project at the end of its life: now it is known that somebody could take the name."""
    project = memory.project
    return replace(memory, project=replace(handed_on(project), closed_at=project.absent_since))


def is_other_life(memory: Memory, page: ProjectPage) -> bool:
    """Whether the page is that of another project under the name, though no row says that the one we knew is gone.

    Upstream had no such project for long enough that this was believed, and the page, a newer one, lists no file that
    was ever seen here.
    """
    project = memory.project
    if not has_ended_unseen(memory) or not page.files:
        return False
    if page.serial is not None and project.page_serial is not None and page.serial <= project.page_serial:
        return False
    known = {(file.filename, file.sha256) for file in memory.files}
    names = {file.filename for file in memory.files}
    return not any((f.filename, f.sha256) in known or (f.sha256 is None and f.filename in names) for f in page.files)


def lived_through(project: ProjectFacts, rows: Iterable[JournalRow]) -> ProjectFacts:
    """The project, of which nothing else is known yet, in the life and with the owners that these rows leave it."""
    for row in rows:
        match row.action:
            case ProjectCreated():
                project = registered(project, row.time)
            case RoleChanged():
                project = role_changed(project, row.action, row.time)
            case ProjectRemoved():
                life = Life(project.incarnation + 1, freed_at=row.time)
                project = replace(handed_on(project), incarnation=life.number, lives=(life,))
            case _:
                pass
    return project


def reregistered(memory: Memory, evidence: Evidence, row: JournalRow | None) -> Telling:
    """The telling of a name that came back."""
    return Telling(
        EventKind.PROJECT_REREGISTERED,
        evidence,
        keys_of(current(memory)),
        serial=row.serial if row else None,
        upstream_time=row.time if row else None,
    )
