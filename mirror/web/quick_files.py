"""The short way to a small file that is in memory, as `quick` has one for pages: no router, no middleware, no waiting.

Whatever is unusual about a request, such as a part that is asked for, goes the long way.
"""

import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, hdrs, web

from mirror import metrics
from mirror.index.negotiate import matches
from mirror.web.downloads import DownloadCounts
from mirror.web.file_memory import Address, FileMemory
from mirror.web.files import FILE_ROUTE
from mirror.web.stored_files import SentWhole, counting

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_START = "/packages/"
_METHODS = frozenset({"GET", "HEAD"})


class QuickFiles:
    """Handles requests of a server, and hands on to `rest` what it cannot answer at once."""

    def __init__(self, memory: FileMemory, counts: DownloadCounts, rest: _Handler, *, base_url: str = "") -> None:
        self._memory = memory
        self._counts = counts
        self._rest = rest
        # Some proxies leave the prefix of the address in the path.
        self._prefix = urlsplit(base_url).path.rstrip("/")
        self._seconds = metrics.http_seconds.labels(FILE_ROUTE)
        self._found = metrics.http_requests.labels(FILE_ROUTE, "200")
        self._unchanged = metrics.http_requests.labels(FILE_ROUTE, "304")

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer, which the server then sends."""
        started = time.perf_counter()
        answer = self.at_once(request)
        if answer is None:
            return await self._rest(request)
        (self._found if answer.status == 200 else self._unchanged).inc()
        self._seconds.observe(time.perf_counter() - started)
        return answer

    def at_once(self, request: web.BaseRequest) -> SentWhole | None:
        """The answer with the whole of a file that is in memory; else None."""
        path, headers = request.raw_path, request.headers
        if self._prefix:
            path = path.removeprefix(self._prefix)
        if not path.startswith(_START) or request.method not in _METHODS or request.version != HttpVersion11:
            return None
        if hdrs.RANGE in headers or hdrs.IF_MATCH in headers or hdrs.EXPECT in headers:
            return None
        file = self._memory.find(Address(path))
        if file is None or file.whole is None:
            return None
        unchanged = matches(headers.get(hdrs.IF_NONE_MATCH), file.etag)
        served = counting(self._counts, file.file_id, file.kind)
        return SentWhole(file.whole, unchanged=unchanged, served=served)
