"""What readers of events ask of the catalog, from places all over them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from mirror.catalog import event_ranges, events, redactions, retention
from mirror.catalog.database import Connection
from mirror.event_kinds import BOOKKEEPING, EventKind
from mirror.names import ProjectName

_OF_THE_FEED = [kind for kind in EventKind if kind not in BOOKKEEPING]


class Keys(Protocol):
    """What of the keys is used here; see `hot_paths`."""

    @property
    def told(self) -> Sequence[ProjectName]:
        """Projects of which something was told."""

    @property
    def last_event(self) -> int:
        """The number of the newest event."""

    @property
    def now(self) -> datetime:
        """When the catalog was filled."""


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


async def _newest(conn: Connection, keys: Keys, _run: int) -> None:
    await event_ranges.before(conn, keys.last_event + 1, limit=100, epoch=1, kinds=_OF_THE_FEED)


async def _newest_of_rare_kind(conn: Connection, keys: Keys, _run: int) -> None:
    await event_ranges.before(conn, keys.last_event + 1, limit=100, epoch=1, kinds=[EventKind.FILE_REPLACED])


async def _newest_of_project(conn: Connection, keys: Keys, run: int) -> None:
    await events.newest(conn, keys.told[run + 100], limit=50, epoch=1)


async def _archive(conn: Connection, keys: Keys, run: int) -> None:
    await event_ranges.before(conn, keys.last_event * (run + 1) // 21, limit=1000, epoch=1, kinds=_OF_THE_FEED)


async def _archive_of_projects(conn: Connection, keys: Keys, run: int) -> None:
    names = keys.told[run * 5 + 150 : run * 5 + 155]
    number = keys.last_event * (run + 1) // 21
    await event_ranges.before(conn, number, limit=100, epoch=1, projects=names, kinds=_OF_THE_FEED)


async def _told(conn: Connection, _keys: Keys, _run: int) -> None:
    await event_ranges.told(conn)


async def _withdrawn(conn: Connection, keys: Keys, _run: int) -> None:
    await event_ranges.redacted_since(conn, keys.now - timedelta(days=30), limit=1000, epoch=1, kinds=_OF_THE_FEED)


async def _held(conn: Connection, _keys: Keys, _run: int) -> None:
    await events.held(conn)


async def _many_after(conn: Connection, keys: Keys, run: int) -> None:
    await events.after(conn, keys.last_event * run // 20, limit=1000, epoch=1)


async def _of_id(conn: Connection, _keys: Keys, run: int) -> None:
    await events.of_id(conn, f"{run}-release.deleted", epoch=1)


async def _told_again(conn: Connection, _keys: Keys, run: int) -> None:
    await retention.forgotten_of(conn, [f"{run}-release.deleted", f"{run}-release.yanked"])


async def _forget(conn: Connection, keys: Keys, _run: int) -> None:
    await retention.forget(conn, before=keys.now, limit=500)


async def _redact(conn: Connection, keys: Keys, run: int) -> None:
    await redactions.of(conn, [keys.last_event * run // 20, keys.last_event])


EVENT_PATHS: dict[str, Callable[[Connection, Keys, int], Awaitable[None]]] = {
    "events after": _events_after,
    "events after, of a rare kind": _events_of_kind_after,
    "events after, of two common kinds": _events_of_common_kinds_after,
    "events after, of five projects": _events_of_projects_after,
    "events after, of five projects and a kind": _events_of_both_after,
    "which events are held": _held,
    "events after, as many as a filter looks at": _many_after,
    "an event by its id": _of_id,
    "ids that were forgotten": _told_again,
    "events to forget, hourly": _forget,
    "redactions": _redact,
    "newest events": _newest,
    "newest events of a rare kind": _newest_of_rare_kind,
    "newest events of a project": _newest_of_project,
    "events of an archive, 1,000": _archive,
    "events of an archive, of five projects": _archive_of_projects,
    "what has been told so far": _told,
    "events that were redacted lately": _withdrawn,
}
