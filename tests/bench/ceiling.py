"""The least that a Python server can do: aiohttp with one route, on uvloop where it is installed.

Run as a program: `python -m tests.bench.ceiling PORT DIRECTORY` serves `DIRECTORY/NAME.body` at `/page/NAME`, with the
headers of `DIRECTORY/NAME.json`, and answers 304 to who has it. It knows no freshness, no states, no figures.
"""

import asyncio
import json
import sys
from pathlib import Path

from aiohttp import web

from watcher import loop


async def serve(port: int, bodies: list[Path]) -> None:
    """Serves until it is ended."""
    pages = {path.stem: (path.read_bytes(), json.loads(path.with_suffix(".json").read_text())) for path in bodies}

    async def page(request: web.Request) -> web.Response:
        body, headers = pages[request.match_info["name"]]
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers=headers)

    app = web.Application()
    app.router.add_get("/page/{name}", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    loop.run(serve(int(sys.argv[1]), list(Path(sys.argv[2]).glob("*.body"))))
