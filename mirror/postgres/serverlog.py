"""The server's log: bounded in size, and asked for the one line that explains a failure."""

import os
from contextlib import suppress
from pathlib import Path

from mirror.postgres.identity import Identity
from mirror.postgres.places import open_private

SIZE_MAX = 8 * 1024 * 1024
"""The log is set aside as `server.log.1`, replacing the one before, when it is longer than this many bytes."""

_TAIL_BYTES = 64 * 1024
_DEADLY = ("PANIC:", "FATAL:")
_REFUSAL = "FATAL:  the database system is "  # starting up, shutting down: fatal to a client, not to the server


def bound(log: Path, identity: Identity) -> None:
    """Set a log aside that has grown too long; the running server goes on writing into the emptied file.

    Copied and truncated instead of renamed because PostgreSQL keeps its descriptor, opened for appending.
    """
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return
    if size <= SIZE_MAX:
        return
    source = open_private(log, os.O_RDWR, identity)
    target = open_private(log.with_name(log.name + ".1"), os.O_WRONLY | os.O_TRUNC, identity)
    with os.fdopen(source, "rb+") as old, os.fdopen(target, "wb", buffering=0) as new:
        old.seek(-SIZE_MAX, os.SEEK_END)
        # A full disk makes a server say a lot; then what was said is not worth the room that it needs.
        with suppress(OSError):
            new.write(old.read(SIZE_MAX))
        old.truncate(0)


def since(log: Path, offset: int) -> str:
    """What was written after `offset`, the end of it if that is long."""
    with log.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(offset if offset <= end else 0, end - _TAIL_BYTES))
        return file.read().decode(errors="replace")


def telling_line(text: str) -> str:
    """The line of a server's output that says why it ended: the last fatal one, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    deadly = [line for line in lines if any(word in line for word in _DEADLY) and _REFUSAL not in line]
    if deadly:
        return deadly[-1]
    return lines[-1] if lines else "it wrote nothing"
