"""Advisories of malware that were read, applied to the files of every project that they name."""

from collections.abc import Iterable
from datetime import datetime

from mirror.advisories import Advisory
from mirror.catalog import advisories as known_advisories
from mirror.catalog import projects
from mirror.catalog.database import Connection
from mirror.changes.advisories import by_advisories
from mirror.observe.judging import convened
from mirror.observe.recalling import memory_of
from mirror.observe.storing import store
from mirror.observe.telling import tell
from mirror.states import Rules


async def advisories(conn: Connection, read: Iterable[Advisory], *, rules: Rules, now: datetime) -> int:
    """Applies advisories, whether or not they were read before, and returns how many said something new.

    They are remembered for projects that nobody asked for yet, too.
    """
    await known_advisories.hold_alone(conn)
    newest: dict[str, Advisory] = {}
    for advisory in sorted(read, key=lambda advisory: advisory.modified):
        newest[advisory.id] = advisory
    before = await known_advisories.modified(conn, newest)
    changed = [one for one in newest.values() if one.id not in before or before[one.id] < one.modified]
    if not changed:
        return 0
    named = await known_advisories.store(conn, changed)
    locked = await projects.lock(conn, named)
    court = await convened(conn, rules, now)
    written = []
    for name in sorted(locked):
        memory = await memory_of(conn, locked[name])
        written.append(await store(conn, memory, [by_advisories(memory, changed)], court))
    await tell(conn, written)
    return len(changed)
