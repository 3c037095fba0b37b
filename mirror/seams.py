"""Named places at which a test lets this process die, to prove what a crash at exactly that moment leaves behind.

This is a test seam and nothing else: without `_EVERPIN_KILL_AT` in the environment it does nothing. With it, the
process sends itself SIGKILL at the place of that name, so that no handler, `finally` or buffer gets a say, as in a
power cut or when the kernel's out-of-memory killer strikes.
"""

import os
import signal

VARIABLE = "_EVERPIN_KILL_AT"
"""The leading underscore keeps it apart from settings."""


def reached(name: str) -> None:
    """Kills the process if a test asked for its death at this place."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
