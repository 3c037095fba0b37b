"""What rows of the journal ask of the catalog, ten projects or files at a time, with keys of their own at every run."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from mirror.catalog import files, marks, page_queue, projects
from mirror.catalog.database import Connection
from mirror.names import ProjectName, Serial


class HasId(Protocol):
    """A file."""

    @property
    def id(self) -> int:
        """Its id."""


class Keys(Protocol):
    """What of the keys is used here; see `hot_paths`."""

    @property
    def now(self) -> datetime:
        """The time."""

    @property
    def files(self) -> Sequence[HasId]:
        """Files from all over the catalog."""

    def name(self, run: int) -> ProjectName:
        """Some project's name."""


def _names(keys: Keys, first: int) -> list[ProjectName]:
    return [keys.name(first + n) for n in range(10)]


async def _files_of_many(conn: Connection, keys: Keys, run: int) -> None:
    locked = await projects.lock(conn, _names(keys, run * 10))
    async for _ in files.of_projects(conn, locked.values()):
        pass


async def _pages_wanted(conn: Connection, keys: Keys, run: int) -> None:
    places = await page_queue.lock(conn, _names(keys, run * 10 + 200))
    await page_queue.want(conn, dict.fromkeys(places, Serial(41_000_000)), now=keys.now)


async def _marks(conn: Connection, keys: Keys, run: int) -> None:
    found = [await files.by_id(conn, file.id) for file in keys.files[run * 10 + 100 : run * 10 + 110]]
    await marks.store(conn, [one.facts for one in found if one is not None])


ROW_PATHS: dict[str, Callable[[Connection, Keys, int], Awaitable[None]]] = {
    "rows: the files of ten projects": _files_of_many,
    "rows: pages wanted": _pages_wanted,
    "rows: marks on ten files": _marks,
}
