"""Runs the simulator by hand: `python -m tests.pypi_sim [index port] [files port]`, with a few projects."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from tests.pypi_sim import PyPISim


async def run(index_port: int, files_port: int) -> None:
    """Serve until interrupted."""
    async with PyPISim(index_port=index_port, files_port=files_port) as sim:
        long_ago = datetime.now(UTC) - timedelta(days=400)
        sim.upload("leftpad", "1.0", uploaded_at=long_ago)
        sim.upload("leftpad", "1.1", uploaded_at=long_ago)
        sim.upload("leftpad", "1.1", kind="sdist", uploaded_at=long_ago)
        sim.upload("consumer", "2.0", requires=("leftpad>=1.0",), uploaded_at=long_ago)
        sim.yank("leftpad", "1.0", "broken")
        sys.stdout.write(f"index {sim.index_url}\nfiles {sim.files_url}\nxmlrpc {sim.xmlrpc_url}\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    if not all(argument.isdecimal() for argument in sys.argv[1:]):
        sys.exit(__doc__)
    ports = [int(argument) for argument in sys.argv[1:3]] + [0, 0]
    try:
        asyncio.run(run(ports[0], ports[1]))
    except KeyboardInterrupt:
        sys.exit(0)
