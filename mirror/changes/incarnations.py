"""The lives of a name: one ends with `remove project`, the next begins with `create` or with a page that is back."""

from dataclasses import replace

from mirror.changes.step import Step, Telling, current, keys_of
from mirror.events import EventKind, Evidence
from mirror.journal_rows import JournalRow
from mirror.model import Memory, Serial


def project_created(memory: Memory, row: JournalRow) -> Step:
    if not memory.known or memory.project.closed_serial is None:
        return Step(memory)
    opened = open_incarnation(memory, row.serial)
    return Step(opened, (reregistered(opened, Evidence.JOURNAL, row),))


def open_incarnation(memory: Memory, serial: Serial | None) -> Memory:
    """The memory of a name that begins another life; only pages from then on count."""
    project = memory.project
    opened = replace(
        project,
        incarnation=project.incarnation + 1,
        opened_serial=serial,
        closed_serial=None,
        closed_at=None,
        versions=(),
        etag=None,
        extra=b"{}",
        page_serial=Serial(max(project.page_serial or 0, serial or 0)),
    )
    return replace(memory, project=opened)


def reregistered(memory: Memory, evidence: Evidence, row: JournalRow | None) -> Telling:
    """The telling of a name that came back."""
    return Telling(
        EventKind.PROJECT_REREGISTERED,
        evidence,
        keys_of(current(memory)),
        serial=row.serial if row else None,
        upstream_time=row.time if row else None,
    )
