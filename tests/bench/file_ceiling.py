"""What aiohttp does with files by itself: small ones from memory on uvloop, large ones by its own `FileResponse`.

Run as a program: `python -m tests.bench.file_ceiling PORT DIRECTORY` serves `DIRECTORY/NAME` at `/memory/NAME`, on
uvloop where it is installed, and with `--large` at `/file/NAME`, on asyncio's own loop: only there aiohttp can leave
the sending to the kernel. It knows no states, no parts, no figures.
"""

import asyncio
import sys
from pathlib import Path

from aiohttp import web

from watcher import loop

_HEADERS = {"Content-Type": "application/octet-stream"}


async def serve(port: int, directory: Path, bodies: dict[str, bytes]) -> None:
    """Serves until it is ended."""

    async def memory(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bodies[request.match_info["name"]], headers=_HEADERS)

    async def file(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(directory / request.match_info["name"], headers=_HEADERS)

    app = web.Application()
    app.router.add_get("/memory/{name}", memory)
    app.router.add_get("/file/{name}", file)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    directory = Path(sys.argv[2])
    if "--large" in sys.argv:
        asyncio.run(serve(int(sys.argv[1]), directory, {}))
    else:
        held = {path.name: path.read_bytes() for path in directory.iterdir()}
        loop.run(serve(int(sys.argv[1]), directory, held))
