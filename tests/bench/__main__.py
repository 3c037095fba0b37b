"""Runs groups of measurements: `python -m tests.bench [GROUP...] [--rounds N] [--seconds S]`; without a group, all.

Each group is a module of this package with `async def run(effort: Effort) -> list[Row]`, or one that returns what it
has to say as text.
"""

import argparse
import asyncio
import importlib
import pkgutil
import sys
from collections.abc import Awaitable, Callable

import tests.bench
from tests.bench.rows import Effort, Row, table

_Group = Callable[[Effort], Awaitable[list[Row] | str]]


def groups() -> dict[str, _Group]:
    """The groups there are, by name."""
    found: dict[str, _Group] = {}
    for entry in pkgutil.iter_modules(tests.bench.__path__):
        module = importlib.import_module(f"tests.bench.{entry.name}") if entry.name not in _NO_GROUPS else None
        if (run := getattr(module, "run", None)) is not None:
            found[entry.name] = run
    return found


_NO_GROUPS = frozenset({"__main__", "test_bench_runs"})


async def main(names: list[str], effort: Effort) -> None:
    """Runs the groups, one after the other, and shows what each measured."""
    known = groups()
    if unknown := set(names) - known.keys():
        sys.exit(f"there is no group {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    for name in names or sorted(known):
        measured = await known[name](effort)
        sys.stdout.write(f"{name}\n{measured if isinstance(measured, str) else table(measured)}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--rounds", type=int, default=3, help="how often each case is measured; the median is shown")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each measurement takes")
    parser.add_argument("--subscribers", type=int, default=1_000, help="how many follow the stream of events")
    given = parser.parse_args()
    effort = Effort(rounds=given.rounds, seconds=given.seconds, subscribers=given.subscribers)
    asyncio.run(main(given.groups, effort))
