"""Directories for what runs as another user than the tests do."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """A temporary directory that every user can enter, gone afterwards.

    Run by root, PostgreSQL becomes somebody else, and pytest's own directories are private.
    """
    path = Path(tempfile.mkdtemp(prefix="everpin-test-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
