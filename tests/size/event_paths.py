"""What readers of events ask of the catalog, from places all over them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from mirror.catalog import events
from mirror.catalog.database import Connection
from mirror.event_kinds import EventKind
from mirror.names import ProjectName


class Keys(Protocol):
    """What of the keys is used here; see `hot_paths`."""

    @property
    def told(self) -> Sequence[ProjectName]:
        """Projects of which something was told."""

    @property
    def last_event(self) -> int:
        """The number of the newest event."""


async def _events_after(conn: Connection, keys: Keys, run: int) -> None:
    await events.after(conn, keys.last_event * run // 20, limit=101, epoch=1)


async def _events_of_kind_after(conn: Connection, keys: Keys, run: int) -> None:
    await events.after(conn, keys.last_event * run // 20, limit=101, epoch=1, kinds=[EventKind.FILE_REPLACED])


async def _events_of_common_kinds_after(conn: Connection, keys: Keys, run: int) -> None:
    kinds = [EventKind.RELEASE_DELETED, EventKind.RELEASE_YANKED]
    await events.after(conn, keys.last_event * run // 20, limit=101, epoch=1, kinds=kinds)


async def _events_of_projects_after(conn: Connection, keys: Keys, run: int) -> None:
    await events.after(conn, 0, limit=101, epoch=1, projects=keys.told[run * 5 : run * 5 + 5])


async def _events_of_both_after(conn: Connection, keys: Keys, run: int) -> None:
    names = keys.told[run * 5 + 50 : run * 5 + 55]
    await events.after(conn, 0, limit=101, epoch=1, projects=names, kinds=[EventKind.RELEASE_DELETED])


async def _newest(conn: Connection, _keys: Keys, _run: int) -> None:
    await events.newest(conn, limit=50, epoch=1)


async def _newest_of_rare_kind(conn: Connection, _keys: Keys, _run: int) -> None:
    await events.newest(conn, limit=50, epoch=1, kinds=[EventKind.FILE_REPLACED])


async def _newest_of_projects(conn: Connection, keys: Keys, run: int) -> None:
    await events.newest(conn, limit=50, epoch=1, projects=keys.told[run * 5 + 100 : run * 5 + 105])


async def _newest_of_a_day(conn: Connection, _keys: Keys, _run: int) -> None:
    await events.newest(conn, limit=5000, epoch=1)


EVENT_PATHS: dict[str, Callable[[Connection, Keys, int], Awaitable[None]]] = {
    "events after": _events_after,
    "events after, of a rare kind": _events_of_kind_after,
    "events after, of two common kinds": _events_of_common_kinds_after,
    "events after, of five projects": _events_of_projects_after,
    "events after, of five projects and a kind": _events_of_both_after,
    "newest events": _newest,
    "newest events of a rare kind": _newest_of_rare_kind,
    "newest events of five projects": _newest_of_projects,
    "newest events, up to 5,000": _newest_of_a_day,
}
