"""The index host over HTTP: simple index, JSON API, feeds, provenance and XML-RPC."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from packaging.utils import canonicalize_name, canonicalize_version

from tests.pypi_sim import accidents, answers, json_api, lies, pages, rss, transfers, xmlrpc
from tests.pypi_sim.answers import Answer
from tests.pypi_sim.cdn import Cdn, OriginDownError
from tests.pypi_sim.faults import Faults, FileFault, PageFault
from tests.pypi_sim.model import Project, Release
from tests.pypi_sim.negotiate import SIMPLE_JSON, TEXT_HTML, media_type, wants_gzip
from tests.pypi_sim.ratelimit import RateLimit
from tests.pypi_sim.warehouse import Warehouse

_XML = "text/xml; charset=UTF-8"
_VARY = ("Vary", "Accept-Encoding")


class IndexHost:
    """Handlers over one warehouse; `origin` and `files_url` are set once the ports are known."""

    def __init__(self, warehouse: Warehouse, faults: Faults, cdn: Cdn) -> None:
        self.origin = ""
        self.files_url = ""
        self.plain = False
        self.html_only = False
        self.rate_limit = RateLimit()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.closing = asyncio.Event()
        self._warehouse = warehouse
        self._faults = faults
        self._cdn = cdn

    def routes(self) -> list[web.RouteDef]:
        """Every path of the host."""
        return [
            web.get("/simple/", self._simple_list),
            web.get("/simple", self._redirect_to_slash),
            web.get("/simple/{name}/", self._simple_page),
            web.get("/simple/{name}", self._redirect_to_slash),
            web.get("/pypi/{name}/json", self._project_json),
            web.get("/pypi/{name}/json/", self._redirect_from_slash),
            web.get("/pypi/{name}/{version}/json", self._release_json),
            web.get("/pypi/{name}/{version}/json/", self._redirect_from_slash),
            web.get("/rss/updates.xml", self._rss_updates),
            web.get("/rss/packages.xml", self._rss_packages),
            web.get("/rss/project/{name}/releases.xml", self._rss_project),
            web.get("/integrity/{name}/{version}/{filename}/provenance", self._provenance),
            web.get("/pypi", self._redirect_to_slash),
            web.post("/pypi", self._xmlrpc),
            web.post("/pypi/", self._xmlrpc),
            web.post("/RPC2", self._xmlrpc),
            web.route("*", "/{rest:.*}", self._nothing),
        ]

    # Simple index

    async def _simple_list(self, request: web.Request) -> web.StreamResponse:
        chosen = self._media_type(request)

        def render() -> Answer:
            return pages.simple_list(self._warehouse, chosen, with_serials=not self.plain)

        return await self._send(request, render, variant=chosen, fault=self._faults.listing)

    async def _simple_page(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        canonical = canonicalize_name(name)
        chosen = self._media_type(request)
        astray = self._faults.redirects.get(canonical)
        if astray is not None:
            return self._respond(request, answers.redirect(self.origin if astray.startswith("/") else "", astray))

        def render() -> Answer:
            project = self._warehouse.projects.get(canonical)
            if project is None:
                return answers.not_found_text()
            if name != canonical:
                return self._redirect_to_page(canonical)
            return pages.simple_page(
                project,
                chosen,
                files_url=self.files_url,
                origin=self.origin,
                with_serials=not self.plain,
            )

        return await self._send(request, render, variant=chosen, fault=self._faults.pages.get(canonical))

    def _redirect_to_page(self, canonical: str) -> Answer:
        extra = (*answers.CORS, ("Cache-Control", "max-age=600, public"), ("Vary", "Accept, Accept-Encoding"))
        lifetime = pages.page_lifetime(canonical)
        return answers.redirect(self.origin, f"/simple/{canonical}/", extra=extra, lifetime=lifetime)

    def _media_type(self, request: web.Request) -> str:
        chosen = media_type(request.headers.get("Accept"))
        return TEXT_HTML if self.html_only and chosen == SIMPLE_JSON else chosen

    # JSON API and provenance

    async def _project_json(self, request: web.Request) -> web.StreamResponse:
        def document(project: Project | None) -> Answer:
            return json_api.project_json(project, files_url=self.files_url, origin=self.origin)

        return await self._send_json(request, document)

    async def _release_json(self, request: web.Request) -> web.StreamResponse:
        version = request.match_info["version"]

        def document(project: Project | None) -> Answer:
            return json_api.release_json(project, version, files_url=self.files_url, origin=self.origin)

        return await self._send_json(request, document)

    async def _send_json(
        self, request: web.Request, document: Callable[[Project | None], Answer]
    ) -> web.StreamResponse:
        name = request.match_info["name"]
        canonical = canonicalize_name(name)

        def render() -> Answer:
            if self.plain:
                return answers.not_found_json()
            answer = document(self._warehouse.projects.get(canonical))
            if answer.status != 200 or name == canonical:
                return answer
            path = request.path.replace(f"/pypi/{name}/", f"/pypi/{canonical}/", 1)
            extra = (*answers.CORS, ("Cache-Control", "max-age=900, public"), _VARY)
            return answers.redirect(self.origin, path, extra=extra, lifetime=json_api.lifetime(canonical))

        return await self._send(request, render)

    async def _provenance(self, request: web.Request) -> web.StreamResponse:
        filename = request.match_info["filename"]

        def render() -> Answer:
            release = self._release(request)
            file = release.files.get(filename) if release else None
            if file is None:
                return answers.not_found_json()
            if not file.provenance:
                return answers.not_found_json(f"No provenance available for {filename}")
            return json_api.provenance(file, instead=self._faults.provenance)

        return await self._send(request, render)

    def _release(self, request: web.Request) -> Release | None:
        project = self._warehouse.projects.get(canonicalize_name(request.match_info["name"]))
        if project is None:
            return None
        return project.releases.get(canonicalize_version(request.match_info["version"]))

    # Feeds

    async def _rss_updates(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, lambda: rss.updates(self._warehouse, self.origin), fault=self._faults.updates)

    async def _rss_packages(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, lambda: rss.packages(self._warehouse, self.origin))

    async def _rss_project(self, request: web.Request) -> web.StreamResponse:
        canonical = canonicalize_name(request.match_info["name"])
        return await self._send(request, lambda: rss.releases(self._warehouse.projects.get(canonical), self.origin))

    # XML-RPC

    async def _xmlrpc(self, request: web.Request) -> web.StreamResponse:
        if self.plain:
            return self._respond(request, answers.not_found_html())
        if not request.headers.get("Content-Type", "").startswith("text/xml"):
            return await self._redirect_to_slash(request)
        fault = self._faults.xmlrpc
        if fault == "garbage":
            return self._respond(request, Answer(200, (("Content-Type", _XML),), b"<methodResponse><par"))
        if fault in ("503html", "hang"):
            return await accidents.happen(fault, request, self.closing)
        if fault == "gone":
            return web.Response(status=410, text="<html>XML-RPC is no more.</html>", content_type="text/html")
        try:
            method, arguments = xmlrpc.read_call(await request.read())
        except xmlrpc.UnreadableError:
            body = xmlrpc.fault(xmlrpc.PARSE_ERROR, "parse error; not well formed")
            return self._respond(request, Answer(200, (("Content-Type", _XML), _VARY), body))
        self.calls.append((method, arguments))
        return self._respond(request, self._called(method, arguments))

    def _called(self, method: str, arguments: tuple[Any, ...]) -> Answer:
        headers: tuple[tuple[str, str], ...] = (("Content-Type", _XML), _VARY)
        if not xmlrpc.is_known(method):
            return Answer(200, headers, xmlrpc.answer(self._warehouse, method, arguments))
        if self._faults.xmlrpc == "ratelimit":
            verdict = self.rate_limit.exhausted()
        else:
            verdict = self.rate_limit.hit(self._warehouse.clock.now())
        headers += verdict.headers
        if not verdict.allowed:
            return Answer(200, headers, xmlrpc.too_many_requests(verdict.reset_seconds))
        if self._faults.xmlrpc == "fault":
            return Answer(200, headers, xmlrpc.fault(xmlrpc.APPLICATION_ERROR, "application error"))
        return Answer(200, headers, xmlrpc.answer(self._warehouse, method, arguments))

    # The rest

    async def _redirect_to_slash(self, request: web.Request) -> web.StreamResponse:
        path = request.path if request.path.endswith("/") else f"{request.path}/"
        if path == request.path:
            return self._respond(request, answers.not_found_html())
        return self._respond(request, answers.redirect(self.origin, path, extra=(_VARY,)))

    async def _redirect_from_slash(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/")
        return self._respond(request, answers.redirect(self.origin, path, extra=(_VARY,)))

    async def _nothing(self, request: web.Request) -> web.StreamResponse:
        return self._respond(request, answers.not_found_html())

    # Sending

    async def _send(
        self,
        request: web.Request,
        render: Callable[[], Answer],
        *,
        variant: str = "",
        fault: PageFault | None = None,
    ) -> web.StreamResponse:
        if fault in ("503html", "refuse", "hang"):
            return await accidents.happen(fault, request, self.closing)
        if fault == "429":
            return accidents.too_many()
        gzipped = wants_gzip(request.headers.get("Accept-Encoding"))

        def encoded() -> Answer:
            return lies.told(render(), fault, gzipped=gzipped)

        key = (request.path, variant, gzipped)
        try:
            delivery = self._cdn.fetch(key, encoded, origin_up=not self._faults.origin_down)
        except OriginDownError:
            return accidents.unavailable()
        if fault in ("truncated", "reset", "slow", "endless"):
            return await self._broken(request, delivery.answer, fault)
        response = self._respond(request, delivery.answer)
        if self._cdn.enabled:
            response.headers["X-Cache"] = delivery.luck
            response.headers["Age"] = str(delivery.age)
        return response

    async def _broken(self, request: web.Request, answer: Answer, fault: PageFault) -> web.StreamResponse:
        """The page, whatever the client knows of it already, in a way that it does not arrive."""
        response = web.StreamResponse(status=answer.status)
        response.headers.extend(answer.headers)
        if fault == "endless":
            response.headers.popall("Content-Encoding", None)
            pieces = lies.endless_page(canonicalize_name(request.match_info.get("name", "")))
            self._faults.poured += await transfers.pour(request, response, pieces, closing=self.closing)
            return response
        half = len(answer.body) // 2
        ways = {
            "truncated": FileFault(truncated_to=half),
            "reset": FileFault(reset_after=half),
            "slow": FileFault(bytes_per_second=10),
        }
        return await transfers.stream(request, response, answer.body, fault=ways[fault], closing=self.closing)

    def _respond(self, request: web.Request, answer: Answer) -> web.Response:
        response = web.Response(status=answer.status, body=answer.body)
        response.headers.extend(answer.headers)
        expected = request.headers.get("If-None-Match")
        if answer.status == 200 and answer.etag is not None and expected is not None:
            tags = {tag.strip().removeprefix("W/") for tag in expected.split(",")}
            if answer.etag in tags or "*" in tags:
                return _not_modified(answer)
        return response


def _not_modified(answer: Answer) -> web.Response:
    response = web.Response(status=304)
    dropped = ("Content-Type", "Content-Encoding")
    response.headers.extend((name, value) for name, value in answer.headers if name not in dropped)
    return response
