"""The name under which a process claims files from the backlog.

A claim is a lease, so what a process had claimed when it died would have to wait until the lease ends, and bytes that
are to be rescued may be gone by then. Therefore the name stays in the data directory: who starts there and sees by the
lock that its predecessor is gone goes on under its name, and finds what it had claimed among its own claims. A data
directory that is copied to another host, and used on both, makes the two fetch each other's files once more.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mirror.errors import StartError

_LONGEST_NAME = 36


@contextmanager
def claimer(path: Path) -> Iterator[uuid.UUID]:
    """The name kept at `path`, for as long as nobody else goes by it; else a new one, known to nobody afterwards."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise _unusable(path, e) from e
    try:
        yield _name(path, descriptor)
    finally:
        # Lets go of the lock, as the kernel does when the process dies.
        os.close(descriptor)


def _name(path: Path, descriptor: int) -> uuid.UUID:
    new = uuid.uuid4()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        kept = _read(os.pread(descriptor, _LONGEST_NAME, 0))
        if kept is None:
            os.pwrite(descriptor, str(new).encode(), 0)
    except BlockingIOError:
        return new
    except OSError as e:
        raise _unusable(path, e) from e
    return kept or new


def _read(text: bytes) -> uuid.UUID | None:
    """None where nothing was written yet, or only a part before a crash."""
    try:
        return uuid.UUID(text.decode())
    except ValueError:
        return None


def _unusable(path: Path, error: OSError) -> StartError:
    return StartError(f"cannot use {path} ({error.strerror}); choose another directory with --data-dir")
