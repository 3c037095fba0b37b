"""Files of this host that are still there, under their names, after a power cut.

A name is only durable once the directory that holds it was flushed, and that one's name likewise.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

MODE = 0o644
"""Of objects: a web server beside this one may serve them."""

# The kernel's ways to say that these two places cannot share one file.
_CANNOT_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES})


def size_of(path: Path) -> int | None:
    """The size of a regular file, None where there is nothing."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return found.st_size


def open_file(path: Path) -> BinaryIO | None:
    """The file, to read from without a buffer; None where there is nothing."""
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError:
        return None


def link(source: Path, target: Path) -> bool:
    """Gives a file, which is flushed, a second name, or says that this cannot be done here."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        # Not the size it should have: a copy takes its place.
        return False
    except OSError as e:
        if e.errno in _CANNOT_LINK:
            return False
        raise
    return True


def flush_file(path: Path) -> None:
    """Flushes the content and lets everybody read it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, MODE)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def delete_file(path: Path) -> None:
    """Harmless where there is none."""
    with suppress(FileNotFoundError):
        path.unlink()
        flush_directory(path.parent)


def make_directory(path: Path) -> None:
    """Makes the directory and those above it, each durable."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
    flush_directory(path.parent)


def flush_directory(path: Path) -> None:
    """Makes the names in the directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def names_in(path: Path) -> list[str]:
    """What the directory holds, in order; nothing where there is no such directory."""
    try:
        return sorted(entry.name for entry in path.iterdir())
    except FileNotFoundError:
        return []
