"""The data directory of an everpin that was set up and never used.

A database is made once and copied for each journey: making it takes seconds, and what is to be seen of it is seen
where the embedded database is tested.
"""

import asyncio
import atexit
import os
import subprocess
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from tests.reachable import reachable_directory


async def put_begun_data(data_dir: Path) -> None:
    """Puts a copy there, with the owners that its files have."""
    copying = await asyncio.create_subprocess_exec("cp", "--archive", "--reflink=auto", _original(), data_dir)
    assert await copying.wait() == 0


@cache
def _original() -> Path:
    kept = ExitStack()
    atexit.register(kept.close)
    data_dir = kept.enter_context(reachable_directory()) / "data"
    subprocess.run(
        [Path(sys.executable).with_name("everpin"), "migrate", "--data-dir", data_dir],
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("EVERPIN_")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return data_dir
