"""Until a house has heard of what was done: notices come after the commit, in the order of the commits."""

import itertools

from mirror.catalog import notices
from mirror.catalog.notices import PagesChanged
from mirror.names import ProjectName
from tests.watcher.houses import House, eventually

_numbers = itertools.count(1)


async def has_heard(house: House) -> None:
    """Waits until every notice has arrived that was sent before."""
    marker = ProjectName(f"a-marker-{next(_numbers)}")

    async def is_heard() -> bool:
        # Sent again each time: a house that was just opened may not have listened yet.
        async with house.catalog.writing() as conn:
            await notices.pages_changed(conn, [marker])
        return any(isinstance(one, PagesChanged) and marker in one.projects for one in house.heard)

    await eventually(is_heard)
