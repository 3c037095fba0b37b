"""A store in a directory of this host.

Objects appear by link or rename and are never written to afterwards, so a reader sees all of one or nothing, also after
a power cut: a file is flushed before it gets its name, and the directory after that.
"""

import asyncio
import errno
import os
import shutil
import stat
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mirror.errors import NotThereError, StartError, StoreError
from mirror.seams import reached
from mirror.store import scratch
from mirror.store.interface import CHUNK
from mirror.store.keys import Blob, StoreKey

_INCOMING = "incoming"
_MODE = 0o644

# The kernel's ways to say that these two places cannot share one file.
_CANNOT_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES})


class DirectoryStore:
    """Objects below `root`, in the layout of their keys. Any number of processes may use it at the same time."""

    def __init__(self, root: Path) -> None:
        self._root = root

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
        with _storing(key):
            await asyncio.to_thread(self._put, spool, self._path(key))

    async def size(self, key: StoreKey) -> int | None:
        """See `Store.size`."""
        with _reading(key):
            return await asyncio.to_thread(self._size, self._path(key))

    async def adopt(self, key: StoreKey) -> int | None:
        """See `Store.adopt`."""
        with _storing(key):
            return await asyncio.to_thread(self._adopt, self._path(key))

    async def read(self, key: StoreKey, *, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Store.read`."""
        with _reading(key):
            file = await asyncio.to_thread(_open, self._path(key))
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
        with _storing(key):
            await asyncio.to_thread(_delete, self._path(key))

    def local_path(self, key: StoreKey) -> Path | None:
        """See `Store.local_path`."""
        return self._path(key)

    def _path(self, key: StoreKey) -> Path:
        return self._root / str(key)

    def _size(self, path: Path) -> int | None:
        size = _size(path)
        if size is None and not (self._root / _INCOMING).is_dir():
            # As when a disk is not mounted: then nothing can be said about what is there.
            raise OSError(errno.ENOENT, "the directory of the store is gone")
        return size

    def _make_ready(self) -> None:
        incoming = self._root / _INCOMING
        _make_directory(incoming)
        scratch.sweep(incoming)
        with self._temporary() as (_, probe):
            os.fsync(probe)

    def _put(self, spool: Path, target: Path) -> None:
        _make_directory(target.parent)
        expected = spool.stat().st_size
        if _size(target) != expected and not _link(spool, target) and _size(target) != expected:
            self._copy(spool, target)
        reached("store.named")
        # Also where the object was there: another process may have named it and not have come to this yet.
        self._flush_name(target)

    def _adopt(self, path: Path) -> int | None:
        size = self._size(path)
        if size is not None:
            self._flush_name(path)
        return size

    def _flush_name(self, path: Path) -> None:
        for directory in (path.parent, *path.parent.parents):
            _flush_directory(directory)
            if directory == self._root:
                break

    def _copy(self, spool: Path, target: Path) -> None:
        with self._temporary() as (temporary, descriptor), spool.open("rb") as source:
            with open(descriptor, "wb", closefd=False) as copy:
                shutil.copyfileobj(source, copy, CHUNK)
            os.fchmod(descriptor, _MODE)
            os.fsync(descriptor)
            reached("store.copied")
            temporary.rename(target)

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
def _storing(key: StoreKey) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise StoreError(f"the store could not change {key}: {e.strerror}") from e


@contextmanager
def _reading(key: StoreKey) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise StoreError(f"the store could not read {key}: {e.strerror}") from e


def _size(path: Path) -> int | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return found.st_size


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError:
        return None


def _link(spool: Path, target: Path) -> bool:
    """Gives the spool's file a second name, or says that this cannot be done here."""
    descriptor = os.open(spool, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, _MODE)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        target.hardlink_to(spool)
    except FileExistsError:
        # Not the size it should have: a copy takes its place.
        return False
    except OSError as e:
        if e.errno in _CANNOT_LINK:
            return False
        raise
    return True


def _delete(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
        _flush_directory(path.parent)


def _make_directory(path: Path) -> None:
    if path.is_dir():
        return
    _make_directory(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
    _flush_directory(path.parent)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
