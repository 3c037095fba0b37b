"""What is remembered of known projects, read under their locks."""

from mirror.catalog import files, pending
from mirror.catalog.database import Connection
from mirror.model import Memory, ProjectFacts


async def memory_of(conn: Connection, project: ProjectFacts) -> Memory:
    """All that is remembered of the project, which must be locked."""
    waiting = await pending.of_projects(conn, [project.name])
    return Memory(project, await files.of_project(conn, project), waiting.get(project.name, ()))
