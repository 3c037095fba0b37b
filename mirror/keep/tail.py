"""The spool of another process of this host, read while it grows.

Whose it is, and whether it will ever be whole, is not known: who reads along must find out by other means whether these
are the right bytes, before anybody gets the last of them.
"""

import hashlib
import os
from pathlib import Path
from typing import Self

from mirror.errors import StoreError
from mirror.names import Sha256
from mirror.store import scratch
from mirror.store.interface import CHUNK


class Tail:
    """An open spool of somebody else. `size` is as large as `grow` or `freeze` has seen or left it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._is_frozen = False
        self.size = 0

    @classmethod
    def find(cls, directory: Path, label: str) -> Self | None:
        """The spool of that label on which somebody works, if there is one. Blocks."""
        try:
            found = scratch.worked_on(directory, label)
        except OSError as e:
            raise StoreError(f"the spool directory {directory} cannot be read: {e.strerror}") from e
        return cls(*found) if found is not None else None

    @property
    def is_there(self) -> bool:
        """Whether it still has its name: whoever worked on it takes that away in the end."""
        try:
            named = self._path.stat()
        except OSError:
            return False
        return named.st_ino == os.fstat(self._descriptor).st_ino

    def grow(self) -> int:
        """How large it is by now."""
        if not self._is_frozen:
            self.size = os.fstat(self._descriptor).st_size
        return self.size

    def freeze(self, size: int) -> None:
        """Whatever comes behind that is no longer part of it."""
        self._is_frozen = True
        self.size = size

    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on. Blocks."""
        try:
            return os.pread(self._descriptor, length, start)
        except OSError as e:
            raise StoreError(f"the spool of another process could not be read: {e.strerror}") from e

    def is_same(self, path: Path) -> bool:
        """Whether that is another name of this very file. Blocks."""
        try:
            named = path.stat()
        except OSError:
            return False
        mine = os.fstat(self._descriptor)
        return (named.st_ino, named.st_dev) == (mine.st_ino, mine.st_dev)

    def sha256(self) -> Sha256:
        """Of all that is there. Blocks, and for long where it is large."""
        digest = hashlib.sha256()
        position = 0
        while chunk := self.read(position, 4 * CHUNK):
            digest.update(chunk)
            position += len(chunk)
        return Sha256(digest.hexdigest())

    def close(self) -> None:
        os.close(self._descriptor)
