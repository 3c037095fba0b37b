"""Lock and requirements files of the one who types, with all that they name by -r and -c."""

from pathlib import Path

from mirror.errors import StartError
from watcher.locks.reading import LARGEST, Lock, read_lock


def lock_of(file: Path, *, shown: str | None = None) -> Lock:
    """What the file demands. `shown` is what it is called in the sources of its pins, by default its name."""
    try:
        content = content_of(file)
    except (OSError, ValueError) as e:
        said = e.strerror if isinstance(e, OSError) else "there are no such names"
        raise StartError(f"{file} cannot be read: {said}") from e
    return read_lock(file.name if shown is None else shown, content, beside=lambda path: content_of(file.parent / path))


def content_of(file: Path) -> bytes:
    """The file's bytes, not more than what is too much: it may be a device that has no end."""
    with file.open("rb") as opened:
        return opened.read(LARGEST + 1)
