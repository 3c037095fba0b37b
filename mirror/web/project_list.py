"""The list of all projects, made once and kept until it may have changed.

There can be 750,000 projects: the list is made in pieces, packed in a thread, held only packed, and made once however
many ask for it. Where making it takes long, it is made again only after a multiple of that time, so that a busy index
does not keep the mirror busy with its list; a list may be up to a minute old in caches anyway.
"""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable, Container
from dataclasses import dataclass
from hashlib import blake2b

from mirror.catalog import journal, projects
from mirror.catalog.database import Catalog
from mirror.catalog.notices import BacklogGrew, JournalRead, Notice, NoticesLost, PagesChanged
from mirror.index.listing import HtmlList, JsonList, ListForm, Listing
from mirror.names import Serial

_BATCH = 2_000
_GZIP_LEVEL = 6
_GZIP_WINDOW = 31  # of zlib: the largest, with a header and a checksum as gzip has them
_PIECE_BYTES = 262_144
# What was made in less is made anew whenever something changed.
_QUICK_SECONDS = 0.25
# Of the time at most one part in so many goes into making lists.
_PARTS = 20
_LONGEST_REST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ProjectList:
    """The list in one form: packed, with what answers must say of it."""

    gzipped: bytes
    gzip_etag: str
    etag: str
    size: int
    """Bytes of the list when unpacked."""
    serial: Serial | None

    async def unpacked(self) -> AsyncIterator[bytes]:
        """The list itself, in pieces."""
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        packed = self.gzipped
        while packed:
            yield unpacker.decompress(packed, _PIECE_BYTES)
            packed = unpacker.unconsumed_tail
        yield unpacker.flush()


@dataclass(frozen=True, slots=True)
class _Made:
    listed: ProjectList
    changes: int
    """How many changes were known of when it was begun."""
    at: float
    seconds: float


class ProjectLists:
    """The lists of one process. `heard` must be given every notice; `leave_room` is told what they take in memory.

    The names in `without` are left out.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        is_hearing: Callable[[], bool],
        leave_room: Callable[[int], None] = lambda _: None,
        without: Container[str] = frozenset(),
    ) -> None:
        self._catalog = catalog
        self._without = without
        self._is_hearing = is_hearing
        self._leave_room = leave_room
        self._made: dict[bool, _Made] = {}
        self._making: dict[bool, asyncio.Task[_Made]] = {}
        self._changes = 0
        self._serial: int | None = None

    def heard(self, notice: Notice) -> None:
        """Takes notice of what other processes, or this one, did."""
        match notice:
            case JournalRead(serial) if serial == self._serial:
                pass
            case JournalRead(serial):
                self._serial = serial
                self._changes += 1
            case PagesChanged() | NoticesLost():
                self._changes += 1
            case BacklogGrew():
                pass

    async def get(self, *, as_json: bool) -> ProjectList:
        """The list. Raises CatalogUnavailableError."""
        made = self._made.get(as_json)
        if made is not None and self._is_good(made):
            return made.listed
        task = self._making.get(as_json)
        if task is None:
            task = asyncio.create_task(self._make(as_json=as_json), name="make the list of projects")
            self._making[as_json] = task
            task.add_done_callback(lambda done: self._ended(done, as_json=as_json))
        return (await asyncio.shield(task)).listed

    async def close(self) -> None:
        """Ends what is being made."""
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)

    def _is_good(self, made: _Made) -> bool:
        if self._is_hearing() and made.changes == self._changes:
            return True
        if made.seconds < _QUICK_SECONDS:
            return False
        return time.monotonic() - made.at < min(_PARTS * made.seconds, _LONGEST_REST_SECONDS)

    def _ended(self, task: "asyncio.Task[_Made]", *, as_json: bool) -> None:
        del self._making[as_json]
        # Looked at in any case: when all who waited have gone, the loop would tell of a failure that nobody handled.
        if task.cancelled() or task.exception() is not None:
            return
        self._made[as_json] = task.result()
        self._leave_room(sum(len(made.listed.gzipped) for made in self._made.values()))

    async def _make(self, *, as_json: bool) -> _Made:
        begun, changes = time.monotonic(), self._changes
        async with self._catalog.reading() as conn:
            position = await journal.position(conn)
        serial = position.serial if position else None
        packing = _Packing(JsonList(serial) if as_json else HtmlList(serial))
        last, batch = "", await self._batch("")
        while batch:
            await asyncio.to_thread(packing.add, [listed for listed in batch if listed[0] not in self._without])
            last = batch[-1][0]
            batch = await self._batch(last) if len(batch) == _BATCH else []
        listed = await asyncio.to_thread(packing.finish, serial)
        now = time.monotonic()
        return _Made(listed, changes, now, now - begun)

    async def _batch(self, after: str) -> Listing:
        async with self._catalog.reading() as conn:
            return await projects.listed_after(conn, after, limit=_BATCH)


class _Packing:
    """A list on its way into its packed form. Not for several threads at once."""

    def __init__(self, form: ListForm) -> None:
        self._form = form
        # Without a time in its header, so that the same list is the same bytes in every process.
        self._packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        self._packed: list[bytes] = []
        self._digest = blake2b(digest_size=16)
        self._size = 0
        self._take(form.begin())

    def add(self, batch: Listing) -> None:
        """Adds some more projects."""
        self._take(self._form.rows(batch))

    def finish(self, serial: Serial | None) -> ProjectList:
        """The whole list."""
        self._take(self._form.end())
        self._packed.append(self._packer.flush())
        gzipped = b"".join(self._packed)
        gzip_digest = blake2b(gzipped, digest_size=16)
        return ProjectList(gzipped, f'"{gzip_digest.hexdigest()}"', f'"{self._digest.hexdigest()}"', self._size, serial)

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        self._digest.update(piece)
        self._packed.append(self._packer.compress(piece))
