"""Reading advisories in a test, and what is known of them afterwards."""

from datetime import timedelta

from mirror.catalog import advisories
from mirror.catalog.advisories import Reading
from tests.watcher.houses import House, long_ago

ARCHIVE, CHANGES = "all.zip", "modified_id.csv"


async def read(house: House, **later: float) -> bool:
    """Reads the advisories, some time later."""
    assert house.advisories is not None
    house.pypi.advance(timedelta(**(later or {"minutes": 20})))
    return await house.advisories.tick()


async def known(house: House) -> set[str]:
    """The ids of the advisories that name the project demo."""
    async with house.catalog.reading() as conn:
        found = await advisories.of_projects(conn, [(await house.memory("demo")).project.name])
    return {advisory.id for of_project in found.values() for advisory in of_project}


async def reading(house: House) -> Reading:
    """How far they were read."""
    async with house.catalog.reading() as conn:
        return await advisories.reading(conn)


async def demo(house: House) -> None:
    """A known project with one file."""
    house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=200))
    await house.page("demo")
