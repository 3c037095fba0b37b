"""An upstream of large files in a process of its own: `python -m tests.bench.big_files PORT FILES`.

`/simple/big/` lists `big-1.N.tar.gz`; `/throttle?rate=N` has each body go out at N bytes a second (0: as fast as it
goes); `/asked?filename=F` says how often that was asked for since the last time.
"""

import asyncio
import hashlib
import json
import random
import sys
from collections import Counter

from aiohttp import web

SIZE = 50_000_000
_BLOCK = 2**20
_PIECE = 256 * 2**10
_SLOW_PIECE = 64 * 2**10
_JSON = "application/vnd.pypi.simple.v1+json"


class BigFiles:
    """The files, and what was asked for."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        filler = random.Random(1).randbytes(_BLOCK - 4)  # noqa: S311 - filler that must repeat, not a secret
        self._bodies = {
            f"big-1.{number}.tar.gz": b"".join(
                (number * 1000 + block).to_bytes(4) + filler for block in range(SIZE // _BLOCK + 1)
            )[:SIZE]
            for number in range(count)
        }
        self._rate = 0
        self._asked: Counter[str] = Counter()
        self._page = self._listing()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/simple/big/", self._project)
        app.router.add_get("/packages/aa/bb/cc/{filename}", self._file)
        app.router.add_get("/throttle", self._throttle)
        app.router.add_get("/asked", self._count)
        return app

    def _listing(self) -> bytes:
        files = [
            {
                "filename": name,
                "url": f"http://127.0.0.1:{self._port}/packages/aa/bb/cc/{name}",
                "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
                "size": len(body),
                "upload-time": "2024-01-01T00:00:00Z",
            }
            for name, body in self._bodies.items()
        ]
        page = {"meta": {"api-version": "1.1", "_last-serial": 1}, "name": "big", "versions": [], "files": files}
        return json.dumps(page).encode()

    async def _project(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._page, content_type=_JSON, headers={"X-PyPI-Last-Serial": "1"})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["filename"]
        self._asked[name] += 1
        body = memoryview(self._bodies[name])
        answer = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        answer.content_length = len(body)
        await answer.prepare(request)
        step = _SLOW_PIECE if self._rate else _PIECE
        loop = asyncio.get_running_loop()
        began = loop.time()
        for at in range(0, len(body), step):
            await answer.write(body[at : at + step])
            if self._rate and (early := began + at / self._rate - loop.time()) > 0.001:
                await asyncio.sleep(early)
        await answer.write_eof()
        return answer

    async def _throttle(self, request: web.Request) -> web.Response:
        self._rate = int(request.query["rate"])
        return web.Response()

    async def _count(self, request: web.Request) -> web.Response:
        return web.json_response(self._asked.pop(request.query["filename"], 0))


if __name__ == "__main__":
    port, count = int(sys.argv[1]), int(sys.argv[2])
    web.run_app(BigFiles(port, count).app(), host="127.0.0.1", port=port, print=None, access_log=None)
