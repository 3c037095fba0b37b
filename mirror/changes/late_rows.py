"""Removals that are read late: the name lives again, and until then pages alone had told that its old life was over."""

from dataclasses import replace

from mirror.changes.step import Step, current, key_of, outlived, with_files
from mirror.journal_rows import JournalRow
from mirror.model import Memory, ProjectStatus


def life_before(memory: Memory, row: JournalRow) -> Memory | None:
    """What was known of the life before the present one, where it ended unexplained and the row is about it.

    None where the row is about the present life, as nearly all are.
    """
    number = memory.project.incarnation - 1
    if number == 0 or not any(f.disappeared_at is not None and f.incarnation == number for f in memory.files):
        return None
    began = min((file.first_seen_serial or 0 for file in current(memory)), default=0)
    if row.serial > began:
        return None
    files = tuple(f for f in memory.files if f.incarnation <= number and not outlived(memory, f, row))
    if all(file.disappeared_at is None for file in files):
        return None
    # What is known of the project is about its present life; a quarantine of that one says nothing here.
    project = replace(
        memory.project,
        incarnation=number,
        opened_serial=None,
        status=ProjectStatus.ACTIVE,
        quarantined_by=None,
        quarantined_at=None,
    )
    return replace(memory, project=project, files=files)


def with_life_before(memory: Memory, earlier: Step) -> Step:
    """The memory with what became of the files of that earlier life. The present one goes on as it was."""
    after = with_files(memory, {key_of(file): file for file in earlier.memory.files})
    return replace(earlier, memory=replace(after, pending=earlier.memory.pending))
