"""The short way to a warm page, taken before anything else looks at the request.

Most requests are for pages that are in memory and fresh. They need no router, no middleware and nobody to wait for;
all others, and whatever is unusual about a request, go the long way, which gives the same answers. Both ways count.
"""

from functools import lru_cache, partial
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, hdrs, web

from mirror.index.negotiate import ContentType, accepts_gzip, choose, matches
from mirror.web.keys import DOWNLOADS, FILES, ORIGINS, PAGES, SETTINGS
from mirror.web.origin import Origins
from mirror.web.pages import Pages
from mirror.web.prebuilt import PrebuiltAnswer
from mirror.web.quick_files import QuickFiles
from mirror.web.short_way import METHODS, Handler, ShortWay
from mirror.web.simple import LIST_ROUTE, PAGE_ROUTE, header

# Installers differ in little but these two headers, and say them the same way each time.
_MOST_WISHES = 256
# Longer ones are understood as well, but not remembered.
_LONGEST_WISHES = 512


def answer_first(server: web.Server | None, app: web.Application) -> None:
    """Has the server of an application that has pages answer at once what can be.

    To be called when the server was made and before it listens: who connected before goes the long way.
    """
    if server is not None and PAGES in app:
        base_url = app[SETTINGS].mirror.base_url
        files = QuickFiles(app[FILES], app[DOWNLOADS], server.request_handler, base_url=base_url)
        server.request_handler = Quick(app[PAGES], app[ORIGINS], files, base_url=base_url)


class Quick(ShortWay):
    """The short way to pages."""

    def __init__(self, pages: Pages, origins: Origins, rest: Handler, *, base_url: str = "") -> None:
        super().__init__(PAGE_ROUTE, rest)
        self._pages = pages
        self._origins = origins
        # Some proxies leave the prefix of the address in the path.
        self._starts = {LIST_ROUTE, urlsplit(base_url).path.rstrip("/") + LIST_ROUTE}

    def at_once(self, request: web.BaseRequest) -> PrebuiltAnswer | None:
        """The answer with a page that is in memory, rendered as asked for and fresh; else None."""
        path, headers = request.raw_path, request.headers
        cut = path.rfind("/", 0, -1) + 1
        if path[:cut] not in self._starts or path[-1] != "/" or request.method not in METHODS:
            return None
        if request.version != HttpVersion11 or hdrs.EXPECT in headers:
            return None
        accept, encodings = header(headers, hdrs.ACCEPT), header(headers, hdrs.ACCEPT_ENCODING)
        if len(accept or "") + len(encodings or "") > _LONGEST_WISHES:
            return None
        content_type, gzipped = _wished(accept, encodings)
        if content_type is None:
            return None
        page = self._pages.ready(path[cut:-1], content_type, partial(self._origins.of, request))
        if page is None:
            return None
        form = page.gzipped if gzipped else page.plain
        return PrebuiltAnswer(form, unchanged=matches(header(headers, hdrs.IF_NONE_MATCH), form.etag))


@lru_cache(maxsize=_MOST_WISHES)
def _wished(accept: str | None, encodings: str | None) -> tuple[ContentType | None, bool]:
    return choose(accept), accepts_gzip(encodings)
