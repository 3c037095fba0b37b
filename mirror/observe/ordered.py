"""What is seen for the first time, put under the orders that stand: before any page shows it."""

from collections.abc import Sequence
from dataclasses import replace

from mirror.catalog import acts
from mirror.catalog.database import Connection
from mirror.changes import Step
from mirror.changes.orders import under_orders
from mirror.model import Memory
from mirror.observe.judging import Court


async def ordered(conn: Connection, before: Memory, steps: Sequence[Step], court: Court) -> Sequence[Step]:
    """The steps with what is first seen in them under orders: files, and digests of files that had none.

    Asks only where there is something new. Whoever brings that must have called `acts.keep_in_view`.
    """
    known = {file.id: file.sha256 for file in before.files}
    name = steps[-1].memory.project.name
    new = [file.sha256 for file in steps[-1].memory.files if file.id is None or file.sha256 != known.get(file.id)]
    if not new:
        return steps
    standing = await acts.standing(conn, name, new)
    return [replace(step, memory=under_orders(step.memory, standing, court.now)) for step in steps]
