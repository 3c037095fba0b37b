"""The feed's documents over HTTP on a real catalog, with a clock that stands still and archives of a few numbers."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mirror.catalog import events, instance
from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, Evidence
from mirror.names import ProjectName, Serial
from mirror.setting_sections import Database, Mirror, Upstream
from mirror.setting_subscribers import Feed
from mirror.settings import Settings
from mirror.web import problems
from mirror.web.keys import ORIGINS
from mirror.web.origin import Origins, also_below
from tests.watcher.feed.made_documents import read_atom
from watcher.feed.parts import FeedParts
from watcher.feed.routes import add_routes

INDEX_URL = "http://127.0.0.1:9/simple/"
ATOM = "/feed/deletions.atom"


@dataclass
class Desk:
    """Where events are told, and their feed is asked for."""

    catalog: Catalog
    http: TestClient[web.Request, web.Application]
    _time: list[datetime] = field(default_factory=lambda: [datetime(2026, 3, 1, 12, tzinfo=UTC)])

    def now(self) -> datetime:
        """The time of the feed."""
        return self._time[0]

    def advance(self, **span: float) -> None:
        """Lets time pass."""
        self._time[0] += timedelta(**span)

    async def tell(self, serials: Iterable[int], **changes: Any) -> None:
        """Tells a deleted release for each serial; numbers follow them where nothing else is told."""
        async with self.catalog.writing() as conn:
            await events.append(conn, [self.draft(serial, **changes) for serial in serials])

    def draft(self, serial: int, **changes: Any) -> EventDraft:
        """The event of that serial."""
        values: dict[str, Any] = {
            "kind": EventKind.RELEASE_DELETED,
            "project": ProjectName("demo"),
            "version": f"1.{serial}",
            "serial": Serial(serial),
            "upstream_time": self.now(),
            "observed_at": self.now(),
            "evidence": Evidence.JOURNAL,
        }
        return EventDraft(**(values | changes))

    async def answer(self, path: str, *, method: str = "GET", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body, as they came over the wire."""
        named = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, path, headers=named) as answer:
            return answer.status, answer.headers.copy(), await answer.read()

    async def body(self, path: str, **headers: str) -> bytes:
        """The document."""
        status, _, body = await self.answer(path, **headers)
        assert status == 200, body
        return body

    async def atom(self, path: str = ATOM) -> Any:
        """The Atom document as a feed reader sees it."""
        return read_atom(await self.body(path))

    async def walk(self, path: str = ATOM) -> list[list[int]]:
        """The serials in each document, from the current one back through all archives."""
        documents: list[list[int]] = []
        while path:
            feed = await self.atom(path)
            documents.append([serial_of(entry.id) for entry in feed.entries])
            earlier = {link.rel: link.href for link in feed.feed.links}.get("prev-archive", "")
            path = earlier[earlier.index("/feed/") :] if earlier else ""
        return documents


def serial_of(entry_id: str) -> int:
    """The serial of the event that an entry is about."""
    return int(entry_id.rpartition("/")[2].partition("-")[0])


@asynccontextmanager
async def desk_of(
    catalog: Catalog, tmp_path: Path, *, block_size: int = 5, base_url: str = "", **feed: Any
) -> AsyncIterator[Desk]:
    """Opens a desk. Several may stand on one catalog, as processes would."""
    settings = Settings(
        data_dir=tmp_path,
        upstream=Upstream(index_url=INDEX_URL),
        database=Database(),
        mirror=Mirror(base_url=base_url),
        feed=Feed(**feed),
    )
    app = web.Application(middlewares=[problems.middleware])
    app[ORIGINS] = Origins(base_url=base_url, trusted_proxies=())
    app.on_response_prepare.append(problems.add_headers)
    http = TestClient(TestServer(app), auto_decompress=False)
    desk = Desk(catalog, http)
    async with catalog.writing() as conn:
        await instance.ensure(conn, INDEX_URL, now=desk.now())
    add_routes(app, FeedParts(catalog, settings, desk.now, block_size))
    also_below(app, base_url)
    async with http:
        yield desk
