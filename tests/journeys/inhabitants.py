"""Who still lives in a directory: what a command that died may have left running."""

import os
from pathlib import Path

from tests.journeys.processes import until


async def until_nobody_lives_in(directory: Path) -> None:
    """Waits until no process names the directory in its command line or works in it."""

    async def is_empty() -> bool:
        return not inhabitants(directory)

    await until(is_empty)


def inhabitants(directory: Path) -> list[int]:
    """The processes that name the directory in their command line or have it as working directory."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_in(entry, directory)]


def _is_in(entry: Path, directory: Path) -> bool:
    try:
        command_line = os.fsdecode((entry / "cmdline").read_bytes())
        return str(directory) in command_line or (entry / "cwd").readlink().is_relative_to(directory)
    except OSError:  # it ended meanwhile, or it is somebody else's
        return False
