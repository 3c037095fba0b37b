"""PyPI's JSON API over HTTP."""

from urllib.parse import quote

from aiohttp import hdrs, web

from mirror.index.negotiate import accepts_gzip, matches
from mirror.names import ProjectName, project_name
from mirror.web.keys import JSON_DOCUMENTS, ORIGINS
from mirror.web.problems import Problem
from mirror.web.simple import header

_CACHE_CONTROL = "public, max-age=60"
"""What was withdrawn must not live longer than a minute in caches that we cannot reach."""


def add_routes(app: web.Application) -> None:
    """`/pypi/{project}/json` and `/pypi/{project}/{version}/json`; one with a slash at the end is sent to the other."""
    for path in ("/pypi/{project}/json", "/pypi/{project}/{version}/json"):
        app.router.add_get(path, document)
        app.router.add_get(f"{path}/", document)


async def document(request: web.Request) -> web.StreamResponse:
    """What is known of a project, or of one version of it."""
    asked, version = request.match_info["project"], request.match_info.get("version")
    name = project_name(asked)
    if name is None:
        raise Problem(404, "Not Found", "no project can have that name")
    if asked != name or request.path.endswith("/"):
        raise web.HTTPMovedPermanently(_canonical(request, name, version))
    origin = request.app[ORIGINS].of(request)
    found = await request.app[JSON_DOCUMENTS].get(name, version, origin)
    gzipped = accepts_gzip(header(request.headers, hdrs.ACCEPT_ENCODING))
    etag = found.rendered.gzip_etag if gzipped else found.rendered.etag
    headers = {"ETag": etag, "Cache-Control": _CACHE_CONTROL, "Vary": "Accept-Encoding"}
    if found.serial is not None:
        headers["X-PyPI-Last-Serial"] = str(found.serial)
    if found.stale_seconds is not None:
        headers["X-Everpin-Stale"] = str(found.stale_seconds)
    if matches(header(request.headers, hdrs.IF_NONE_MATCH), etag):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = found.rendered.content_type
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=found.rendered.gzipped if gzipped else found.rendered.body, headers=headers)


def _canonical(request: web.Request, name: ProjectName, version: str | None) -> str:
    """Where the document is, relative to what was asked for, so that it holds under any prefix."""
    above = 1 + (version is not None) + request.path.endswith("/")
    below = name if version is None else f"{name}/{quote(version, safe='')}"
    return f"{'../' * above}{below}/json"
