"""Named places at which a test lets this process die, to prove what a crash at exactly that moment leaves behind.

This is a test seam and nothing else: without `_EVERPIN_KILL_AT` in the environment it does nothing. With it, the
process sends itself SIGKILL at the place of that name, so that no handler, `finally` or buffer gets a say, as in a
power cut or when the kernel's out-of-memory killer strikes.

    _EVERPIN_KILL_AT=keep.put      dies the first time it comes to that place
    _EVERPIN_KILL_AT=keep.put:3    passes there twice and dies the third time
"""

import itertools
import os
import signal

VARIABLE = "_EVERPIN_KILL_AT"
"""The leading underscore keeps it apart from settings."""

_times = itertools.count(1)


def reached(name: str) -> None:
    """Kills the process if a test asked for its death at this place, this time."""
    place, _, time = os.environ.get(VARIABLE, "").partition(":")
    if place == name and next(_times) == int(time or 1):
        os.kill(os.getpid(), signal.SIGKILL)
