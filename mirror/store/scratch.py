"""Files that live only while a process works on them, recognisable as leftovers when it died.

Whoever works on one holds a `flock` on it, which the kernel lets go however the process ends. A file that can be locked
by somebody else is therefore nobody's. (An age would mistake a slow download for a leftover; a process id is given
again, and means nothing beyond one container.)
"""

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".part"


def create(directory: Path, label: str) -> tuple[Path, int]:
    """A new, empty, locked file and its descriptor, readable and writable. Closing the descriptor unlocks it."""
    while True:
        path = directory / f"{label}.{os.getpid()}.{secrets.token_hex(4)}{_SUFFIX}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Between the two calls somebody who sweeps may have taken it for a leftover.
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)


def sweep(directory: Path) -> int:
    """Deletes what dead processes left in `directory` and says how much that was."""
    return sum(_delete_if_left(path) for path in directory.glob(f"*{_SUFFIX}"))


def _delete_if_left(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        with suppress(FileNotFoundError):
            path.unlink()
        return True
    finally:
        os.close(descriptor)


def worked_on(directory: Path, label: str) -> tuple[Path, int] | None:
    """A file of that label on which somebody works, and a descriptor to read it. It may be nobody's the next moment."""
    for path in directory.glob(f"{label}.*{_SUFFIX}"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return path, descriptor
        os.close(descriptor)
    return None
