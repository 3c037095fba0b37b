"""A store in a directory of this host.

Objects appear by link or rename and are never written to afterwards, so a reader sees all of one or nothing, also after
a power cut: a file is flushed before it gets its name, and the directory after that. A sealed object is the same file
under a name below `sealed`.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncGenerator, Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mirror.errors import NotThereError, StartError
from mirror.names import Sha256
from mirror.seams import reached
from mirror.store import scratch, walk
from mirror.store.durable import (
    MODE,
    delete_file,
    flush_directory,
    flush_file,
    link,
    make_directory,
    open_file,
    size_of,
)
from mirror.store.failures import failure
from mirror.store.interface import CHUNK, LONGEST_ACT, StoredObject
from mirror.store.keys import ACTS, Blob, StoreKey, act_path

_INCOMING = "incoming"
_LOCK = "lock"
_HASHED_AT_ONCE = 4 * 2**20


class DirectoryStore:
    """Objects below `root`, in the layout of their keys. Any number of processes may use it at the same time."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def warnings(self) -> tuple[str, ...]:
        """See `Store.warnings`."""
        return ()

    async def check(self) -> None:
        """See `Store.check`."""
        try:
            await asyncio.to_thread(self._make_ready)
        except OSError as e:
            raise StartError(
                f"the store directory {self._root} cannot be used ({e.strerror}): make it writable for this user, or"
                " set store.url to another directory"
            ) from e

    async def put(self, spool: Path, key: StoreKey, *, blob: Blob | None = None) -> None:  # noqa: ARG002 - files have no metadata
        """See `Store.put`. Where the spool is on the same file system, object and spool become one file."""
        with _changing(key):
            await asyncio.to_thread(self._put, spool, key)

    async def size(self, key: StoreKey) -> int | None:
        """See `Store.size`."""
        with _reading(key):
            return await asyncio.to_thread(self._size, self._visible(key))

    async def adopt(self, key: StoreKey) -> int | None:
        """See `Store.adopt`."""
        with _changing(key):
            return await asyncio.to_thread(self._adopt, self._visible(key))

    async def read(self, key: StoreKey, *, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Store.read`."""
        with _reading(key):
            file = await asyncio.to_thread(open_file, self._visible(key))
            if file is None:
                raise NotThereError(f"the store has no object {key}")
            with file:
                position = start
                while stop is None or position < stop:
                    wanted = CHUNK if stop is None else min(CHUNK, stop - position)
                    chunk = await asyncio.to_thread(os.pread, file.fileno(), wanted, position)
                    if not chunk:
                        return
                    position += len(chunk)
                    yield chunk

    async def delete(self, key: StoreKey) -> None:
        """See `Store.delete`."""
        with _changing(key):
            await asyncio.to_thread(self._delete, key)

    def local_path(self, key: StoreKey) -> Path | None:
        """See `Store.local_path`."""
        return self._visible(key)

    async def address(self, key: StoreKey) -> str | None:  # noqa: ARG002 - none of them has one
        """See `Store.address`."""
        return None

    async def seal(self, key: StoreKey) -> None:
        """See `Store.seal`."""
        with _changing(key):
            await asyncio.to_thread(self._move, self._visible(key), self._sealed(key))

    async def unseal(self, key: StoreKey) -> None:
        """See `Store.unseal`."""
        with _changing(key):
            await asyncio.to_thread(self._move, self._sealed(key), self._visible(key))

    async def lend(self, key: StoreKey) -> None:
        """See `Store.lend`. All who move an object here take turns."""
        await self.unseal(key)

    async def objects(self, *, with_blobs: bool = False) -> AsyncGenerator[StoredObject, None]:  # noqa: ARG002 - see put
        """See `Store.objects`. It has in memory what one directory of the lowest level holds."""
        with _listing("objects"):
            await asyncio.to_thread(self._require_root)
            directories = walk.leaves(self._root)
            while (leaf := await asyncio.to_thread(next, directories, None)) is not None:
                for stored in await asyncio.to_thread(walk.objects_in, self._root, leaf):
                    yield stored

    async def digest(self, key: StoreKey) -> Sha256 | None:
        """See `Store.digest`: always read."""
        with _reading(key):
            file = await asyncio.to_thread(open_file, self._visible(key))
            file = file or await asyncio.to_thread(open_file, self._sealed(key))
            if file is None:
                return None
            digest = hashlib.sha256()
            with file:
                while chunk := await asyncio.to_thread(file.read, _HASHED_AT_ONCE):
                    await asyncio.to_thread(digest.update, chunk)
            return Sha256(digest.hexdigest())

    async def write_act(self, name: str, body: bytes) -> None:
        """See `Store.write_act`."""
        path = self._root / act_path(name)
        try:
            await asyncio.to_thread(self._write, body, path)
        except OSError as e:
            raise failure(f"the store could not note the act {name}", e) from e

    async def acts(self, *, without: Container[str] = ()) -> AsyncGenerator[tuple[str, bytes], None]:
        """See `Store.acts`."""
        with _listing("acts"):
            await asyncio.to_thread(self._require_root)
            for name in await asyncio.to_thread(walk.acts_in, self._root, without):
                yield name, await asyncio.to_thread(walk.beginning_of, self._root / ACTS / name, LONGEST_ACT)

    def _visible(self, key: StoreKey) -> Path:
        return self._root / str(key)

    def _sealed(self, key: StoreKey) -> Path:
        return self._root / key.sealed

    def _size(self, path: Path) -> int | None:
        size = size_of(path)
        if size is None:
            self._require_root()
        return size

    def _require_root(self) -> None:
        if not (self._root / _INCOMING).is_dir():
            # As when a disk is not mounted: then nothing can be said about what is there.
            raise OSError(errno.ENOENT, "the directory of the store is gone")

    def _make_ready(self) -> None:
        incoming = self._root / _INCOMING
        make_directory(incoming)
        scratch.sweep(incoming)
        with self._temporary() as (_, probe):
            os.fsync(probe)

    def _put(self, spool: Path, key: StoreKey) -> None:
        self._require_root()
        make_directory(self._visible(key).parent)
        expected = spool.stat().st_size
        if not self._name(spool, key, expected):
            self._copy(spool, key)
        reached("store.named")
        # Also where the object was there: another process may have named it and not have come to this yet.
        self._flush_name(self._place(key))

    def _name(self, spool: Path, key: StoreKey, expected: int) -> bool:
        """Whether the object is in its place now, by linking it there where it was not."""
        if size_of(self._place(key)) == expected:
            return True
        flush_file(spool)
        with self._settled():
            place = self._place(key)
            return link(spool, place) or size_of(place) == expected

    def _copy(self, spool: Path, key: StoreKey) -> None:
        with self._temporary() as (temporary, descriptor), spool.open("rb") as source:
            with open(descriptor, "wb", closefd=False) as copy:
                shutil.copyfileobj(source, copy, CHUNK)
            os.fchmod(descriptor, MODE)
            os.fsync(descriptor)
            reached("store.copied")
            with self._settled():
                temporary.rename(self._place(key))

    def _place(self, key: StoreKey) -> Path:
        """Where the object belongs: what is sealed stays so."""
        sealed = self._sealed(key)
        return sealed if size_of(sealed) is not None else self._visible(key)

    def _adopt(self, path: Path) -> int | None:
        size = self._size(path)
        if size is not None:
            self._flush_name(path)
        return size

    def _move(self, source: Path, target: Path) -> None:
        self._require_root()
        if size_of(source) is None:
            # Another process may have moved it and not have come to flushing yet.
            if size_of(target) is not None:
                self._flush_name(target)
            return
        make_directory(target.parent)
        with self._settled(), suppress(FileNotFoundError):
            source.rename(target)
        flush_directory(target.parent)
        flush_directory(source.parent)

    def _delete(self, key: StoreKey) -> None:
        self._require_root()
        with self._settled():
            delete_file(self._visible(key))
            delete_file(self._sealed(key))

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """No object is named, moved or deleted by anybody else meanwhile."""
        descriptor = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _flush_name(self, path: Path) -> None:
        for directory in (path.parent, *path.parent.parents):
            flush_directory(directory)
            if directory == self._root:
                break

    def _write(self, body: bytes, path: Path) -> None:
        self._require_root()
        make_directory(path.parent)
        with self._temporary() as (temporary, descriptor):
            with open(descriptor, "wb", closefd=False) as file:
                file.write(body)
            os.fchmod(descriptor, MODE)
            os.fsync(descriptor)
            temporary.rename(path)
        flush_directory(path.parent)

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, int]]:
        """A file on the store's own file system, gone afterwards unless it was renamed."""
        path, descriptor = scratch.create(self._root / _INCOMING, "put")
        try:
            yield path, descriptor
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)


@contextmanager
def _changing(key: StoreKey) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise failure(f"the store could not change {key}", e) from e


@contextmanager
def _reading(key: StoreKey) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise failure(f"the store could not read {key}", e) from e


@contextmanager
def _listing(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise failure(f"the store could not list its {what}", e) from e
