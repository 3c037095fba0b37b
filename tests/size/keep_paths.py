"""What keeping files asks of the catalog: the backlog, the scope, the room, and who asked for which file."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from mirror.catalog import backlog, downloads, evictions, file_keys, keep_scope, room, sealed, watchlist
from mirror.catalog.backlog import Priority
from mirror.catalog.database import Connection
from mirror.names import ProjectName, Sha256


class File(Protocol):
    """A file."""

    @property
    def id(self) -> int:
        """Its id."""

    @property
    def filename(self) -> str:
        """Its name."""

    @property
    def sha256(self) -> Sha256:
        """Its digest."""


class Keys(Protocol):
    """What of the keys is used here; see `hot_paths`."""

    @property
    def now(self) -> datetime:
        """The time."""

    @property
    def files(self) -> Sequence[File]:
        """Files from all over the catalog."""

    def name(self, run: int) -> ProjectName:
        """Some project's name."""


async def _claim(conn: Connection, keys: Keys, _run: int) -> None:
    await backlog.claim(conn, uuid.uuid4(), limit=4, now=keys.now)


async def _renew(conn: Connection, keys: Keys, _run: int) -> None:
    claimer = uuid.uuid4()
    await backlog.renew(conn, claimer, now=keys.now)
    await backlog.give_back(conn, claimer)


async def _want_files(conn: Connection, keys: Keys, run: int) -> None:
    ids = [file.id for file in keys.files[run * 10 + 200 : run * 10 + 210]]
    await backlog.add(conn, ids, Priority.NEW, now=keys.now)


async def _ids_of_new(conn: Connection, keys: Keys, run: int) -> None:
    known = await keep_scope.ids_of(conn, [keys.name(run + 60)])
    for project_id in known.values():
        await file_keys.ids_of(
            conn, project_id, [(1, file.filename, file.sha256) for file in keys.files[run : run + 5]]
        )


async def _in_scope(conn: Connection, keys: Keys, run: int) -> None:
    await watchlist.among(conn, [keys.name(run + n) for n in range(10)])


async def _carry_scope(conn: Connection, keys: Keys, run: int) -> None:
    found = await keep_scope.after(conn, run * 7, limit=20)
    await backlog.add_of_projects(conn, [one.id for one in found], largest=2**32, now=keys.now)
    await backlog.is_full(conn, most=100)


async def _room(conn: Connection, keys: Keys, _run: int) -> None:
    found = await room.read(conn)
    await backlog.is_neglected(conn, up_to=found.kept_up_to, since=keys.now, now=keys.now)
    await backlog.waits_beyond(conn, Priority.REQUESTED)
    await room.figures(conn)


async def _store_one(conn: Connection, keys: Keys, run: int) -> None:
    await evictions.reprieve(conn, [keys.files[run].sha256])
    await room.note_stored(conn, 1)


async def _length_of_backlog(conn: Connection, _keys: Keys, _run: int) -> None:
    await room.waiting(conn)


async def _take_away(conn: Connection, keys: Keys, run: int) -> None:
    await evictions.take_away(conn, [file.id for file in keys.files[run * 10 : run * 10 + 10]], now=keys.now)
    digests = await evictions.undeleted(conn, before=keys.now, limit=50)
    await evictions.note_deleted(conn, await evictions.hold(conn, digests), now=keys.now)


async def _seal(conn: Connection, keys: Keys, run: int) -> None:
    await sealed.to_seal(conn, limit=500)
    await sealed.to_unseal(conn, limit=500)
    await sealed.lend(conn, keys.files[run].sha256)


async def _count(conn: Connection, keys: Keys, run: int) -> None:
    if run == 0:
        await room.count(conn, now=keys.now)


async def _make_room(conn: Connection, _keys: Keys, run: int) -> None:
    if run == 0:
        await evictions.candidates(conn, ["acme-%"], limit=100)


async def _count_downloads(conn: Connection, keys: Keys, run: int) -> None:
    ids = [file.id for file in keys.files[run * 20 : run * 20 + 20]]
    await downloads.add(conn, {(file, keys.now.date()): 1 for file in ids})


async def _sum_downloads(conn: Connection, keys: Keys, run: int) -> None:
    await downloads.of_groups(conn, [[file.id] for file in keys.files[run : run + 20]], today=keys.now.date())


KEEP_PATHS: dict[str, Callable[[Connection, Keys, int], Awaitable[None]]] = {
    "backlog: claim": _claim,
    "backlog: renew and give back": _renew,
    "backlog: want ten files": _want_files,
    "backlog: ids of new files": _ids_of_new,
    "scope: are ten projects watched": _in_scope,
    "scope: carry twenty projects over": _carry_scope,
    "room: read, with each claim": _room,
    "room: a file was stored": _store_one,
    "room: take ten files away": _take_away,
    "sealing: what is due": _seal,
    "room: count, every few minutes": _count,
    "room: files to take away": _make_room,
    "metrics: the length of the backlog": _length_of_backlog,
    "downloads: count twenty files": _count_downloads,
    "downloads: sums of twenty files": _sum_downloads,
}

KEEP_PATHS_READING_ALL = frozenset(
    {
        "room: count, every few minutes",
        "room: files to take away",
        "metrics: the length of the backlog",
        "sealing: what is due",
    }
)
"""What reads all files; or all that is blocked; or up to ten thousand of the backlog, which is all of a small one."""
