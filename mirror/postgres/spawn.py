"""Processes that die with their parent and, when we are root, run as somebody else.

The kernel sends the parent-death signal when the *thread* that started the child ends, so everything is started from
the main thread, which lives as long as the process.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mirror.errors import StartError
from mirror.postgres.identity import Identity

POLL_SECONDS = 0.01
"""How often the end of a child is looked for; also how late it is noticed."""

_CHILD = Path(__file__).with_name("child.py")
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True)
class Finished:
    """How a program ended and everything it wrote."""

    returncode: int
    output: str

    @property
    def last_line(self) -> str:
        """The last line that says something."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else f"no output, exit status {self.returncode}"


def spawn(
    command: tuple[str, ...],
    *,
    identity: Identity,
    death_signal: signal.Signals,
    stdin: IO[bytes] | int,
    output: IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start a program as `identity`, in a session of its own, out of reach of the terminal's Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("PostgreSQL must be started from the main thread: it is signalled when its thread ends")
    dropped = (str(identity.uid), str(identity.gid), ",".join(map(str, identity.groups)))
    ids = dropped if identity.foreign else ("", "", "")
    prelude = (sys.executable, "-I", "-S", str(_CHILD), str(os.getpid()), str(int(death_signal)), *ids)
    try:
        return subprocess.Popen(  # noqa: S603  # the command is ours; nothing in it comes from outside
            (*prelude, *command),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise StartError(f"cannot start {command[0]}: {error.strerror}; free some memory and try again") from error


async def run(command: tuple[str, ...], *, identity: Identity, feed: str = "") -> Finished:
    """Run a program to its end without blocking the loop; cancelled, it takes the program with it."""
    with _memory("stdin") as stdin, _memory("output") as output:
        stdin.write(feed.encode())
        stdin.seek(0)
        process = spawn(command, identity=identity, death_signal=signal.SIGKILL, stdin=stdin, output=output)
        try:
            while process.poll() is None:  # noqa: ASYNC110  # a child's end is no asyncio event on every loop
                await asyncio.sleep(POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        output.seek(0)
        return Finished(process.returncode, output.read().decode(errors="replace"))


def _memory(name: str) -> IO[bytes]:
    """A file that needs no room on any disk, and no thread to feed a pipe."""
    return os.fdopen(os.memfd_create(name), "w+b")


def _environment() -> dict[str, str]:
    """Little: PG* variables would reconfigure the server, and everpin's own may hold secrets it has no need of."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    # Messages are compared with English sentences, and times in logs are UTC.
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
