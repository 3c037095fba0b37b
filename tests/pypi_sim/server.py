"""Runs the simulated index: two loopback ports, one state, in the event loop of the test."""

import asyncio
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tests.pypi_sim import accidents
from tests.pypi_sim.cdn import Cdn
from tests.pypi_sim.clock import Clock
from tests.pypi_sim.faults import Faults
from tests.pypi_sim.files_host import FilesHost
from tests.pypi_sim.index_host import IndexHost
from tests.pypi_sim.model import File, Row, Seen
from tests.pypi_sim.ratelimit import RateLimit
from tests.pypi_sim.warehouse import Warehouse

_HOST = "127.0.0.1"
_GOODBYE_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0


class PyPISim(Warehouse):
    """A PyPI of one's own: an async context manager that listens on loopback while it is entered.

    The acts are the methods of `Warehouse`; they work before, during and after listening.
    """

    def __init__(self, *, index_port: int = 0, files_port: int = 0) -> None:
        super().__init__(Clock())
        self.faults = Faults()
        self.cdn = Cdn(self.clock)
        self.requests: list[Seen] = []
        self._arrival = asyncio.Event()
        self.purge_listeners.append(self.cdn.purge)
        self.deletion_listeners.append(self.faults.on_deletion)
        self._index = IndexHost(self, self.faults, self.cdn)
        self._files = FilesHost(self, self.faults)
        self._ports = (index_port, files_port)
        self._runners: list[web.AppRunner] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on both ports; a second start after a stop takes the same ports again."""
        self._index.closing.clear()
        self._files.closing.clear()
        index_port = await self._listen("index", self._index.routes(), self._ports[0])
        files_port = await self._listen("files", self._files.routes(), self._ports[1])
        self._ports = (index_port, files_port)
        self._index.origin = f"http://{_HOST}:{index_port}"
        self._index.files_url = f"http://{_HOST}:{files_port}"

    async def stop(self) -> None:
        """Stop listening; connections that hang are cut."""
        self._index.closing.set()
        self._files.closing.set()
        while self._runners:
            await self._runners.pop().cleanup()

    def restore_file(self, project: str, file: File) -> tuple[Row, ...]:
        """As `Warehouse.restore_file`; the files host has the bytes again too."""
        self.faults.remember_file(file.filename)
        return super().restore_file(project, file)

    # Where it is

    @property
    def origin(self) -> str:
        """Scheme, host and port of the index host."""
        return self._index.origin

    @property
    def index_url(self) -> str:
        """The simple index, as pip's `--index-url`."""
        return f"{self._index.origin}/simple/"

    @property
    def files_url(self) -> str:
        """Scheme, host and port of the files host."""
        return self._index.files_url

    @property
    def xmlrpc_url(self) -> str:
        """The XML-RPC endpoint."""
        return f"{self._index.origin}/pypi"

    def file_url(self, file: File) -> str:
        """Where a file is, listed or not."""
        return self.files_url + file.path

    # How it behaves

    @property
    def journal_page_size(self) -> int:
        """How many rows a call of `changelog_since_serial` returns at most."""
        return self.journal.page_size

    @journal_page_size.setter
    def journal_page_size(self, rows: int) -> None:
        self.journal.page_size = rows

    @property
    def rate_limit(self) -> RateLimit:
        """The limit on XML-RPC calls; tests lower its `calls` or its `window`."""
        return self._index.rate_limit

    @property
    def plain_index(self) -> bool:
        """Whether it poses as an index without journal: no serials, no XML-RPC, no JSON API."""
        return self._index.plain

    @plain_index.setter
    def plain_index(self, plain: bool) -> None:
        self._index.plain = plain

    @property
    def html_only(self) -> bool:
        """Whether simple pages come as HTML whatever is asked for."""
        return self._index.html_only

    @html_only.setter
    def html_only(self, html_only: bool) -> None:
        self._index.html_only = html_only

    def now(self) -> datetime:
        """The simulated time."""
        return self.clock.now()

    def advance(self, span: timedelta) -> None:
        """Let simulated time pass at once."""
        self.clock.advance(span)

    # What it saw and holds

    @property
    def last_serial(self) -> int:
        """The serial of the journal's last row."""
        return self.journal.last_serial

    def rows_since(self, serial: int) -> tuple[Row, ...]:
        """The journal's rows above a serial."""
        return self.journal.since(serial)

    @property
    def xmlrpc_calls(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Methods and arguments of the readable XML-RPC calls, oldest first."""
        return self._index.calls

    def count(self, *, kind: str | None = None, path: str | None = None) -> int:
        """How many requests of a kind and with a part of the path were seen."""
        return sum(
            (kind is None or seen.kind == kind) and (path is None or path in seen.path) for seen in self.requests
        )

    def fetches(self, filename: str) -> int:
        """How often the bytes of a file were asked for."""
        return sum(
            seen.kind == "file" and seen.method == "GET" and seen.path.endswith(f"/{filename}")
            for seen in self.requests
        )

    async def until(self, count: int = 1, *, kind: str | None = None, path: str | None = None) -> None:
        """Wait until that many such requests have arrived; it gives up loudly in the end."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self.count(kind=kind, path=path) < count:
                self._arrival.clear()
                await self._arrival.wait()

    # Inside

    async def _listen(self, host: Literal["index", "files"], routes: list[web.RouteDef], port: int) -> int:
        app = web.Application(middlewares=[self._gate(host)])
        app.add_routes(routes)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_SECONDS)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, _HOST, port, reuse_address=True).start()
        chosen: int = runner.addresses[0][1]
        return chosen

    def _gate(self, host: Literal["index", "files"]) -> Middleware:
        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.requests.append(
                Seen(
                    host=host,
                    method=request.method,
                    path=request.path_qs,
                    headers=dict(request.headers),
                    kind=kind_of(host, request.path),
                )
            )
            self._arrival.set()
            fault = self.faults.index_down if host == "index" else self.faults.files_down
            if fault is None:
                return await handler(request)
            closing = self._index.closing if host == "index" else self._files.closing
            return await accidents.happen(fault, request, closing)

        return gate


def kind_of(host: Literal["index", "files"], path: str) -> str:
    """What a request is for: list, page, json, rss, provenance, xmlrpc, file, metadata or other."""
    if host == "files":
        return "metadata" if path.endswith(".metadata") else "file"
    if path in ("/simple", "/simple/"):
        return "list"
    if path in ("/pypi", "/pypi/", "/RPC2"):
        return "xmlrpc"
    prefixes = {"/simple/": "page", "/pypi/": "json", "/rss/": "rss", "/integrity/": "provenance"}
    return next((kind for prefix, kind in prefixes.items() if path.startswith(prefix)), "other")
