"""Directories for what runs as another user than the tests do."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - only directories of random names are made there
_ENOUGH_BYTES = 4 * 2**30


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """A temporary directory that every user can enter, gone afterwards. In memory where there is enough.

    Run by root, PostgreSQL becomes somebody else, and pytest's own directories are private. Databases by the thousand
    keep a disk so busy that tests take several times as long.
    """
    path = Path(tempfile.mkdtemp(prefix="everpin-test-", dir=_IN_MEMORY if _is_usable(_IN_MEMORY) else None))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _is_usable(directory: Path) -> bool:
    """Whether there is room, and programs that are copied there can be run."""
    if not os.access(directory, os.W_OK):
        return False
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize >= _ENOUGH_BYTES and not found.f_flag & os.ST_NOEXEC
