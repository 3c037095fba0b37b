"""`everpin` run by a process that has imported it already: what it would import again takes longer than most commands.

All else is as at a terminal: a process of its own with its own environment, standard streams and exit status. That the
installed program itself starts is seen wherever everpin is run to serve.
"""

import os
import sys
from pathlib import Path

STREAMS = ("in", "out", "err")
"""The files, in the directory it is given, that stand for the standard streams, in the order of their numbers."""


def become_everpin(arguments: tuple[str, ...], environment: dict[str, str], directory: Path) -> None:
    """Is `everpin` with these arguments from now on, in a process that was forked for it."""
    os.environ.clear()
    os.environ.update(environment)
    for number, name in enumerate(STREAMS):
        opened = os.open(directory / name, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 - for life
    sys.argv = ["everpin", *arguments]
    # Imported here, since whoever only starts such processes does not need it.
    from watcher.cli import main

    main()
