"""The house has floors and doors: who may import what is written in `pyproject.toml` and holds."""

import subprocess
import sys
from pathlib import Path

import mirror
import watcher

ROOT = Path(__file__).parents[1]


def test_every_import_goes_where_it_may() -> None:
    """`lint-imports` finds each contract kept."""
    linted = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert " 0 broken." in linted.stdout


def test_the_maps_show_every_room() -> None:
    """Each module and package of the two stands in the map of its package's docstring, and nothing else does."""
    for package in (mirror, watcher):
        root = ROOT / package.__name__
        rooms = {path.stem for path in root.glob("*.py") if path.stem != "__init__"}
        rooms |= {f"{path.parent.name}/" for path in root.glob("*/__init__.py")}

        lines = [line.strip() for line in (package.__doc__ or "").splitlines() if line.startswith("    ")]

        assert {room for line in lines for room in line.split("  ")[0].split(", ")} == rooms
