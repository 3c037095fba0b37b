"""The house stays readable: no file is longer than one sitting."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_LINES = 300


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    """Whatever outgrows that is split by subject."""
    paths = [path for tree in ("mirror", "watcher", "tests") for path in (ROOT / tree).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in paths}

    too_long = {name: lines for name, lines in sorted(lengths.items()) if lines > MOST_LINES}

    assert lengths
    assert not too_long, f"longer than {MOST_LINES} lines: {too_long}"
