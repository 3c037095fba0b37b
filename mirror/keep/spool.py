"""The file in which a download grows: one writes, any number read along, and its name is gone afterwards.

Readers share the writer's descriptor and read at their own positions, so what was spooled stays readable to those who
began while it grew, also when its name is gone.
"""

import ctypes
import errno
import hashlib
import os
from pathlib import Path

from mirror.errors import StoreError
from mirror.names import Sha256
from mirror.store import scratch

# fallocate(2): the space is taken, the length stays what was written.
_KEEP_SIZE = 1
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_fallocate = ctypes.CDLL(None, use_errno=True).fallocate
_fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def clean_spool(directory: Path) -> int:
    """Makes the directory, deletes what dead processes left in it and says how much that was."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return scratch.sweep(directory)
    except OSError as e:
        raise StoreError(f"the spool directory {directory} cannot be used: {e.strerror}") from e


class Spool:
    """A file in `directory` once it was opened; that, `reserve`, `append`, `read` and `remove` block.

    `hold` and `drop` count who still needs the bytes, the writer first; the last one to drop frees them.
    """

    def __init__(self, directory: Path, label: str) -> None:
        self._directory = directory
        self._label = label
        self._path: Path | None = None
        self._descriptor = -1
        self._digest = hashlib.sha256()
        self._holders = 1
        self.size = 0

    @property
    def path(self) -> Path:
        """Where the file is, as long as it was not removed."""
        if self._path is None:
            raise RuntimeError("the spool is not open")
        return self._path

    @property
    def sha256(self) -> Sha256:
        """Of all that was appended."""
        return Sha256(self._digest.hexdigest())

    @property
    def is_readable(self) -> bool:
        return self._holders > 0

    def open(self) -> None:
        """Raises StoreError where no file can be made."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._path, self._descriptor = scratch.create(self._directory, self._label)
        except OSError as e:
            raise StoreError(f"no download can be spooled in {self._directory}: {e.strerror}") from e

    def reserve(self, size: int) -> None:
        """Raises StoreError where so many bytes do not fit; else, on most file systems, nobody can take them any more.

        Better to be told before the first byte than after most of them.
        """
        try:
            _take(self._descriptor, size)
        except OSError as e:
            raise StoreError(f"there is no room in {self._directory} for {size} bytes: {e.strerror}") from e

    def append(self, chunk: bytes) -> None:
        """Raises StoreError, for instance where the disk is full."""
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as e:
            raise StoreError(f"the download could not be spooled: {e.strerror}") from e
        self._digest.update(chunk)
        self.size += len(chunk)

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

    def hold(self) -> None:
        self._holders += 1

    def drop(self) -> None:
        self._holders -= 1
        if self._holders == 0 and self._descriptor >= 0:
            os.close(self._descriptor)


def _take(descriptor: int, size: int) -> None:
    """Takes the space; where a file system cannot, the writing itself will show whether there is room."""
    state = os.fstatvfs(descriptor)
    # Asked first: some file systems hand out all that is left before they notice that it is not enough, and others need
    # some, a database for instance. One that counts no blocks cannot say.
    if state.f_blocks and state.f_bavail * state.f_frsize < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if size and _fallocate(descriptor, _KEEP_SIZE, 0, size) != 0 and (number := ctypes.get_errno()) in _NO_ROOM:
        raise OSError(number, os.strerror(number))
