"""How the operating system's failures are told."""

import errno

from mirror.errors import NoRoomError, StoreError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def failure(sentence: str, cause: OSError) -> StoreError:
    """The error to raise, of the class that tells whether room is what was missing."""
    kind = NoRoomError if cause.errno in _NO_ROOM else StoreError
    return kind(f"{sentence}: {cause.strerror}")
