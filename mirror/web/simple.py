"""The simple index: PEP 503 in HTML, PEP 691 in JSON."""

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy

from mirror.index.negotiate import ContentType, accepts_gzip, choose, matches
from mirror.names import project_name
from mirror.web.keys import ORIGINS, PAGES, PROJECT_LISTS
from mirror.web.prebuilt import contents, validators
from mirror.web.problems import Problem

LIST_ROUTE = "/simple/"
PAGE_ROUTE = "/simple/{project}/"


async def project_page(request: web.Request) -> web.StreamResponse:
    """`/simple/{project}/`."""
    asked = request.match_info["project"]
    name = project_name(asked)
    if name is None:
        raise Problem(404, "Not Found", "no project can have that name")
    if asked != name or not request.path.endswith("/"):
        # Relative, so that it holds under any prefix.
        location = f"../{name}/" if request.path.endswith("/") else f"{name}/"
        raise web.HTTPMovedPermanently(location)
    content_type = _content_type(request)
    page = await request.app[PAGES].get(name, content_type, request.app[ORIGINS].of(request))
    gzipped = _takes_gzip(request)
    etag = page.rendered.gzip_etag if gzipped else page.rendered.etag
    headers = validators(etag, page.serial)
    if page.stale_seconds is not None:
        headers["X-Everpin-Stale"] = str(page.stale_seconds)
    if _has_it(request, etag):
        return web.Response(status=304, headers=headers)
    headers |= contents(page.rendered.content_type, gzipped=gzipped)
    return web.Response(body=page.rendered.gzipped if gzipped else page.rendered.body, headers=headers)


async def project_list(request: web.Request) -> web.StreamResponse:
    """`/simple/`: the projects that are known here."""
    if not request.path.endswith("/"):
        raise web.HTTPMovedPermanently("simple/")
    content_type = _content_type(request)
    listed = await request.app[PROJECT_LISTS].get(as_json=content_type.is_json)
    gzipped = _takes_gzip(request)
    etag = listed.gzip_etag if gzipped else listed.etag
    headers = validators(etag, listed.serial)
    if _has_it(request, etag):
        return web.Response(status=304, headers=headers)
    headers |= contents(content_type.header, gzipped=gzipped)
    headers["Content-Length"] = str(len(listed.gzipped) if gzipped else listed.size)
    return web.Response(body=listed.gzipped if gzipped else listed.unpacked(), headers=headers)


def header(headers: CIMultiDictProxy[str], name: str) -> str | None:
    """The value of a header that is a list. RFC 9110: several lines of one name are one list."""
    lines = headers.getall(name, None)
    return None if lines is None else lines[0] if len(lines) == 1 else ", ".join(lines)


def _content_type(request: web.Request) -> ContentType:
    content_type = choose(header(request.headers, hdrs.ACCEPT))
    if content_type is None:
        raise Problem(406, "Not Acceptable", "pages are offered as HTML and as JSON (PEP 691)")
    return content_type


def _takes_gzip(request: web.Request) -> bool:
    return accepts_gzip(header(request.headers, hdrs.ACCEPT_ENCODING))


def _has_it(request: web.Request, etag: str) -> bool:
    return matches(header(request.headers, hdrs.IF_NONE_MATCH), etag)
