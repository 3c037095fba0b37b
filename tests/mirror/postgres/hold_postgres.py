"""A program for the tests: be inside `embedded(directory)`, print the DSN, and leave when standard input ends."""

import asyncio
import sys
from pathlib import Path

import structlog

from mirror.errors import StartError
from mirror.postgres import embedded


async def main(data_dir: Path) -> None:
    """Hold the embedded PostgreSQL of a directory."""
    async with embedded(data_dir) as dsn:
        sys.stdout.write(dsn + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        asyncio.run(main(Path(sys.argv[1])))
    except StartError as error:
        sys.exit(f"StartError: {error}")
