"""What is seen for the first time, marked by the advisories that name it, before anybody judges it."""

from collections.abc import Sequence
from dataclasses import replace

from mirror.advisories import Advisory
from mirror.catalog import advisories
from mirror.catalog.database import Connection
from mirror.changes import Step
from mirror.changes.advisories import first_judged, is_fresh, newcomers_judged
from mirror.model import Memory
from mirror.names import ProjectName


async def first_advised(conn: Connection, first: Step) -> Step:
    """A project's first page, marked. The reading of advisories must be held."""
    known = await _known(conn, first.memory.project.name)
    return replace(first, memory=first_judged(first.memory, known))


async def advised(conn: Connection, before: Memory, steps: Sequence[Step]) -> Sequence[Step]:
    """The steps of a known project that is locked, with the files they add marked. Nothing is read where none are."""
    seen = {file.id: file.version for file in before.files}
    if not any(is_fresh(file, seen) for file in steps[-1].memory.files):
        return steps
    return newcomers_judged(before, steps, await _known(conn, before.project.name))


async def _known(conn: Connection, name: ProjectName) -> tuple[Advisory, ...]:
    return (await advisories.of_projects(conn, [name])).get(name, ())
