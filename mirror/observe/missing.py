"""What was observed of files that are missing: they are still missing, and by now that is believed."""

from datetime import datetime

from mirror.catalog import absences, projects
from mirror.catalog.database import Connection
from mirror.changes.disappearances import Doubt, disappear
from mirror.names import ProjectName, Serial
from mirror.observe.judging import convened
from mirror.observe.recalling import memory_of
from mirror.observe.storing import store
from mirror.observe.telling import tell
from mirror.states import Rules


async def unchanged(
    conn: Connection, project: ProjectName, *, etag: str | None, serial: Serial | None, now: datetime
) -> None:
    """Applies the answer that the page is the one of that ETag: what it lacked, it lacks still."""
    known = (await projects.lock(conn, [project])).get(project)
    if known is None or known.id is None:
        return
    await projects.touch(conn, project, now=now)
    # Another page may have been believed since this one was asked for; and what is older than that proves nothing.
    is_older = serial is not None and known.page_serial is not None and serial < known.page_serial
    if known.etag == etag and not is_older:
        await absences.seen_again(conn, known.id, now=now)


async def disappearances(conn: Connection, project: ProjectName, doubt: Doubt, *, rules: Rules, now: datetime) -> bool:
    """Believes what is missing from the project's page for long enough. False where that is nothing any more."""
    known = (await projects.lock(conn, [project])).get(project)
    if known is None:
        return False
    before = await memory_of(conn, known)
    step = disappear(before, doubt, now)
    if not step.tellings:
        return False
    court = await convened(conn, rules, now)
    await tell(conn, [await store(conn, before, [step], court)])
    return True
