"""Dying where a test asked for it, and nowhere else."""

import signal
import subprocess
import sys

import pytest

from mirror import seams
from tests.journeys.processes import plain_environment

_PASSING = """
from mirror.seams import reached
for name in ("one", "two") * 3:
    print(name, flush=True)
    reached(name)
"""


@pytest.mark.parametrize(
    ("asked", "passed"),
    [("one", 1), ("two", 2), ("one:1", 1), ("two:2", 4), ("one:3", 5), ("two:4", None), ("three", None), ("", None)],
)
def test_the_process_dies_the_nth_time_it_comes_to_the_place(asked: str, passed: int | None) -> None:
    """Without a handler or anything else having a say; who is asked for a place it never comes to lives on."""
    environment = plain_environment() | {seams.VARIABLE: asked}
    done = subprocess.run([sys.executable, "-c", _PASSING], env=environment, capture_output=True, check=False)

    assert done.returncode == (0 if passed is None else -signal.SIGKILL)
    assert len(done.stdout.splitlines()) == (passed or 6)
