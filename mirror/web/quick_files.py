"""The short way to a small file that is in memory, as `quick` has one for pages: no router, no middleware, no waiting.

Whatever is unusual about a request, such as a part that is asked for, goes the long way.
"""

from urllib.parse import urlsplit

from aiohttp import HttpVersion11, hdrs, web

from mirror.index.negotiate import matches
from mirror.web.downloads import DownloadCounts
from mirror.web.file_memory import Address, FileMemory
from mirror.web.files import FILE_ROUTE
from mirror.web.short_way import METHODS, Handler, ShortWay
from mirror.web.stored_files import SentWhole, counting

_START = "/packages/"


class QuickFiles(ShortWay):
    """The short way to small files."""

    def __init__(self, memory: FileMemory, counts: DownloadCounts, rest: Handler, *, base_url: str = "") -> None:
        super().__init__(FILE_ROUTE, rest)
        self._memory = memory
        self._counts = counts
        # Some proxies leave the prefix of the address in the path.
        self._prefix = urlsplit(base_url).path.rstrip("/")

    def at_once(self, request: web.BaseRequest) -> SentWhole | None:
        """The answer with the whole of a file that is in memory; else None."""
        path, headers = request.raw_path, request.headers
        if self._prefix:
            path = path.removeprefix(self._prefix)
        if not path.startswith(_START) or request.method not in METHODS or request.version != HttpVersion11:
            return None
        if hdrs.RANGE in headers or hdrs.IF_MATCH in headers or hdrs.EXPECT in headers:
            return None
        file = self._memory.find(Address(path))
        if file is None or file.whole is None:
            return None
        unchanged = matches(headers.get(hdrs.IF_NONE_MATCH), file.etag)
        served = counting(self._counts, file.file_id, file.kind)
        return SentWhole(file.whole, unchanged=unchanged, served=served)
