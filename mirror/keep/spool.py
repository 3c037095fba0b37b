"""The file in which a download grows: one writes, any number read along, and its name is gone afterwards.

Readers share the writer's descriptor and read at their own positions, so what was spooled stays readable to those who
began while it grew, also when its name is gone. Other processes of this host find it by its label.
"""

import ctypes
import errno
import os
from collections.abc import Iterable
from pathlib import Path

from mirror.errors import NoRoomError, StoreError
from mirror.store import scratch

# fallocate(2): the space is taken, the length stays what was written.
_KEEP_SIZE = 1
# sync_file_range(2): writing to the disk begins, and nobody waits for it.
_BEGIN_TO_WRITE = 2
_FLUSHED_BY = 2 * 2**20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_libc = ctypes.CDLL(None, use_errno=True)
_fallocate = _libc.fallocate
_fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_sync_file_range = _libc.sync_file_range
_sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def clean_spool(directory: Path) -> int:
    """Makes the directory, deletes what dead processes left in it and says how much that was."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return scratch.sweep(directory)
    except OSError as e:
        raise StoreError(f"the spool directory {directory} cannot be used: {e.strerror}") from e


class Spool:
    """A file in `directory` once it was opened. All that it does blocks.

    What goes wrong is a StoreError, and a NoRoomError where the disk is full. `size` is that of what was written whole.
    """

    def __init__(self, directory: Path, label: str) -> None:
        self._directory = directory
        self._label = label
        self._path: Path | None = None
        self._descriptor = -1
        self._flushed = 0
        self.size = 0

    @property
    def path(self) -> Path:
        """Where the file is, as long as it was not removed."""
        if self._path is None:
            raise RuntimeError("the spool is not open")
        return self._path

    def open(self, reserved: int | None = None) -> None:
        """Makes the file, with room for so many bytes where that is known."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._path, self._descriptor = scratch.create(self._directory, self._label)
        except OSError as e:
            raise _error(e, f"no download can be spooled in {self._directory}") from e
        if reserved is not None:
            self.reserve(reserved)

    def reserve(self, size: int) -> None:
        """Takes the room for so many bytes; on most file systems nobody else can take it any more.

        Better to be told before the first byte than after most of them.
        """
        try:
            _take(self._descriptor, size)
        except OSError as e:
            raise _error(e, f"there is no room in {self._directory} for {size} bytes") from e

    def append(self, chunks: Iterable[bytes]) -> None:
        """Writes them at the end."""
        try:
            for chunk in chunks:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
                self.size += len(chunk)
        except OSError as e:
            raise _error(e, "the download could not be spooled") from e
        if self.size - self._flushed >= _FLUSHED_BY:
            # Whoever stores the file waits until all of it is on the disk: the more of it is by then, the better. It is
            # no harm where a file system cannot do it.
            _sync_file_range(self._descriptor, self._flushed, self.size - self._flushed, _BEGIN_TO_WRITE)
            self._flushed = self.size

    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on."""
        try:
            return os.pread(self._descriptor, length, start)
        except OSError as e:
            raise StoreError(f"the spooled download could not be read: {e.strerror}") from e

    def remove(self) -> None:
        """Takes the name away, if there is one."""
        try:
            if self._path is not None:
                self._path.unlink(missing_ok=True)
        except OSError as e:
            raise StoreError(f"the spooled download could not be removed: {e.strerror}") from e

    def close(self) -> None:
        """Frees the bytes, unless they have another name."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _error(error: OSError, what: str) -> StoreError:
    kind = NoRoomError if error.errno in _NO_ROOM else StoreError
    return kind(f"{what}: {error.strerror}")


def _take(descriptor: int, size: int) -> None:
    """Takes the space; where a file system cannot, the writing itself will show whether there is room."""
    state = os.fstatvfs(descriptor)
    # Asked first: some file systems hand out all that is left before they notice that it is not enough, and others need
    # some, a database for instance. One that counts no blocks cannot say.
    if state.f_blocks and state.f_bavail * state.f_frsize < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if size and _fallocate(descriptor, _KEEP_SIZE, 0, size) != 0 and (number := ctypes.get_errno()) in _NO_ROOM:
        raise OSError(number, os.strerror(number))
