"""The simple index: PEP 503 in HTML, PEP 691 in JSON."""

import asyncio

from aiohttp import web

from mirror.catalog import journal, projects
from mirror.index.negotiate import ContentType, accepts_gzip, choose, matches
from mirror.index.render import Rendered, render_list_html, render_list_json, rendered
from mirror.names import project_name
from mirror.web.keys import CATALOG, PAGES
from mirror.web.problems import Problem

_CACHE_CONTROL = "public, max-age=60"
"""What was withdrawn must not live longer than a minute in caches that we cannot reach."""


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
    page = await request.app[PAGES].get(name, content_type)
    answer = _answer(request, page.rendered, page.serial)
    if page.stale_seconds is not None:
        answer.headers["X-Everpin-Stale"] = str(page.stale_seconds)
    return answer


async def project_list(request: web.Request) -> web.StreamResponse:
    """`/simple/`: the projects that are known here."""
    if not request.path.endswith("/"):
        raise web.HTTPMovedPermanently("simple/")
    content_type = _content_type(request)
    async with request.app[CATALOG].reading() as conn:
        listing = await projects.listing(conn)
        position = await journal.position(conn)
    serial = position.serial if position else None
    render = render_list_json if content_type.is_json else render_list_html
    # However many projects there are, nobody else waits for the loop.
    page = await asyncio.to_thread(lambda: rendered(render(listing, serial), content_type.header))
    return _answer(request, page, serial)


def _content_type(request: web.Request) -> ContentType:
    content_type = choose(request.headers.get("Accept"))
    if content_type is None:
        raise Problem(406, "Not Acceptable", "pages are offered as HTML and as JSON (PEP 691)")
    return content_type


def _answer(request: web.Request, page: Rendered, serial: int | None) -> web.Response:
    gzipped = accepts_gzip(request.headers.get("Accept-Encoding"))
    etag = page.gzip_etag if gzipped else page.etag
    headers = {"ETag": etag, "Cache-Control": _CACHE_CONTROL, "Vary": "Accept, Accept-Encoding"}
    if serial is not None:
        headers["X-PyPI-Last-Serial"] = str(serial)
    if matches(request.headers.get("If-None-Match"), etag):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = page.content_type
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=page.gzipped if gzipped else page.body, headers=headers)
