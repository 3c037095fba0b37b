"""The lock that makes one process the owner of the embedded PostgreSQL.

A `flock` ends with the process that holds it, however that ends, and leaves nothing to clean up.
"""

import fcntl
import os
from pathlib import Path

from mirror.errors import StartError
from mirror.postgres.identity import Identity
from mirror.postgres.places import open_private


class OwnerLock:
    """Held by at most one process on a data directory; never inherited by the children of its holder."""

    def __init__(self, path: Path, identity: Identity) -> None:
        self._path = path
        self._identity = identity
        self._descriptor: int | None = None
        self._held = False

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._held

    def acquire(self) -> bool:
        """Take the lock if it is free, without waiting; True when it is held afterwards."""
        if self._held:
            return True
        try:
            if self._descriptor is None:
                self._descriptor = open_private(self._path, os.O_RDWR, self._identity)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise StartError(
                f"cannot lock {self._path}: {error.strerror}; choose another directory with --data-dir"
            ) from error
        self._held = True
        return True

    def release(self) -> None:
        """Let somebody else be the owner."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None
        self._held = False
