"""What an earlier postmaster may have left: itself, still ending, or a file naming a process that is not it.

No process is ever signalled because a file names its number. Who lives in a data directory is read from the kernel:
every process of PostgreSQL has the data directory as its working directory.
"""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import structlog

from mirror.errors import StartError
from mirror.postgres.places import Places

DYING_SECONDS = 6.0
"""Longer than a postmaster that was told to stop at once gives its own children (five seconds)."""

_GRACE_SECONDS = 2.0  # by then a server that was told to end has nearly always done so
_POLL_SECONDS = 0.05
_PID_FILE_BYTES_MAX = 8192
_PROC = Path("/proc")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Inhabitant:
    """A process of PostgreSQL that works in a data directory."""

    pid: int
    arguments: tuple[str, ...]

    def was_started_for(self, places: Places) -> bool:
        """Whether its command line is that of a server started by everpin for exactly these places."""
        pairs = set(zip(self.arguments, self.arguments[1:], strict=False))
        return ("-D", str(places.data)) in pairs and ("-k", str(places.run)) in pairs


def inhabitants(data: Path) -> tuple[Inhabitant, ...]:
    """Every process of PostgreSQL in a data directory, as far as we may see (a user sees its own, root all)."""
    directory = data.resolve()  # the kernel's answers contain no links
    found = (_inhabitant(entry, directory) for entry in _PROC.iterdir() if entry.name.isdigit())
    return tuple(inhabitant for inhabitant in found if inhabitant is not None)


@dataclass(frozen=True)
class PidFile:
    """What `postmaster.pid` claims; 0 for a process it does not name."""

    pid: int
    ready: bool


def read_pid_file(data: Path) -> PidFile | None:
    """The claims of `postmaster.pid`, or None without such a file."""
    try:
        with (data / "postmaster.pid").open("rb") as file:
            lines = file.read(_PID_FILE_BYTES_MAX).splitlines()
    except FileNotFoundError:
        return None
    pid = int(lines[0]) if lines and lines[0].isdigit() else 0
    # The eighth line is the state: starting, ready or stopping.
    return PidFile(pid, ready=len(lines) > 7 and lines[7].strip() == b"ready")


async def make_way(places: Places) -> None:
    """Wait for an earlier server to end, and remove a pid file that would keep the next one from starting.

    Only for the holder of the owner lock: a server of ours that does not end by itself belongs to nobody any more.
    """
    gone = await emptied(places.data, _GRACE_SECONDS)
    # To one that is already ending at once, being asked again means nothing.
    for stop in (signal.SIGINT, signal.SIGQUIT):
        if not gone and _stop_abandoned(places, stop):
            gone = await emptied(places.data, DYING_SECONDS)
    if not (gone or await emptied(places.data, DYING_SECONDS)):
        pids = ", ".join(str(inhabitant.pid) for inhabitant in inhabitants(places.data))
        raise StartError(
            f"another PostgreSQL (process {pids}) is using {places.data}: stop it, then start everpin again"
        )
    _remove_misleading_pid_file(places.data)


async def emptied(data: Path, seconds: float) -> bool:
    """Whether no process of PostgreSQL is left in a directory, waiting for it as long as `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while inhabitants(data):
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


def _inhabitant(entry: Path, directory: Path) -> Inhabitant | None:
    try:
        if (entry / "cwd").readlink() != directory:
            return None
        arguments = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:  # ended meanwhile, or somebody else's
        return None
    texts = tuple(os.fsdecode(argument) for argument in arguments)
    # A postmaster shows its command line, its children call themselves "postgres: checkpointer" and the like.
    name = texts[0].partition(":")[0].rpartition("/")[2]
    return Inhabitant(int(entry.name), texts) if name in ("postgres", "postmaster") else None


def _stop_abandoned(places: Places, stop: signal.Signals) -> bool:
    """Signal a server that everpin started here and that outlived its owner; False if there is none.

    A reused number cannot be hit: the process is pinned by a descriptor before its command line is looked at again.
    """
    signalled = False
    for candidate in inhabitants(places.data):
        try:
            descriptor = os.pidfd_open(candidate.pid)
        except OSError:  # it has just ended
            continue
        try:
            if any(now == candidate and now.was_started_for(places) for now in inhabitants(places.data)):
                log.warning("postgres.abandoned", pid=candidate.pid, signal=stop.name)
                signal.pidfd_send_signal(descriptor, stop)
                signalled = True
        except ProcessLookupError:
            continue
        finally:
            os.close(descriptor)
    return signalled


def _remove_misleading_pid_file(data: Path) -> None:
    """PostgreSQL gives way to a pid file naming a live process, and stumbles over an unreadable one.

    Nobody lives in the data directory, so such a file says nothing; one naming a dead process it clears up itself.
    """
    found = read_pid_file(data)
    if found is None or (found.pid > 0 and not (_PROC / str(found.pid)).exists()):
        return
    log.warning("postgres.stale_pid_file", pid=found.pid)
    (data / "postmaster.pid").unlink(missing_ok=True)
