"""The application of a mirror: the parts are made here, in the order in which they need each other."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from weakref import WeakSet

from aiohttp import web

from mirror.catalog import notices
from mirror.catalog.database import Catalog
from mirror.catalog.notices import Notice
from mirror.refresh import Refresher
from mirror.settings import Settings
from mirror.store.interface import Store
from mirror.supply import Supply
from mirror.web import files, health, json_api, problems, simple
from mirror.web.downloads import DownloadCounts
from mirror.web.file_memory import FileMemory, share_of
from mirror.web.json_documents import JsonDocuments
from mirror.web.keys import (
    CATALOG,
    DOWNLOADS,
    FETCHES,
    FILES,
    JSON_DOCUMENTS,
    ORIGINS,
    PAGES,
    PROJECT_LISTS,
    REFRESHER,
    SETTINGS,
    SUPPLY,
)
from mirror.web.origin import Origins
from mirror.web.pages import Pages
from mirror.web.project_list import ProjectLists


@asynccontextmanager
async def application(
    *,
    catalog: Catalog,
    store: Store,
    supply: Supply,
    refresher: Refresher,
    settings: Settings,
    now: Callable[[], datetime],
    heard: Callable[[Notice], None] | None = None,
) -> AsyncIterator[web.Application]:
    """The application, listening to notices until the end. `heard` is told of every notice, too."""
    pages = Pages(catalog=catalog, refresher=refresher, settings=settings, now=now)
    lists = ProjectLists(
        catalog, is_hearing=lambda: pages.is_hearing, leave_room=pages.leave_room, without=refresher.index.private
    )
    app = web.Application(middlewares=[problems.middleware])
    counts = DownloadCounts(catalog, now)
    file_memory = FileMemory(budget=share_of(settings.mirror.memory), now=now)
    app[CATALOG] = catalog
    app[DOWNLOADS] = counts
    app[FETCHES] = WeakSet()
    app[FILES] = file_memory
    app[JSON_DOCUMENTS] = JsonDocuments(
        catalog=catalog, supply=supply, pages=pages, most_bytes=settings.mirror.memory // 8
    )
    app[ORIGINS] = Origins(base_url=settings.mirror.base_url, trusted_proxies=settings.mirror.trusted_proxies)
    app[PAGES] = pages
    app[PROJECT_LISTS] = lists
    app[REFRESHER] = refresher
    app[SETTINGS] = settings
    app[SUPPLY] = supply
    app.on_response_prepare.append(problems.add_headers)
    add_routes(app)
    reads_advisories = bool(settings.osv_url)
    health.add_routes(
        app,
        health.Health(catalog, store, settings.watcher.patience, now, lambda: _degraded(pages), reads_advisories),
    )

    def hear(notice: Notice) -> None:
        pages.heard(notice)
        file_memory.heard(notice)
        lists.heard(notice)
        if heard is not None:
            heard(notice)

    async with AsyncExitStack() as stack:
        stack.push_async_callback(lists.close)
        await stack.enter_async_context(counts.written())
        await stack.enter_async_context(notices.listening(catalog.url, hear))
        yield app


def add_routes(app: web.Application) -> None:
    """The routes that installers use."""
    app.router.add_get("/simple", simple.project_list)
    app.router.add_get(simple.LIST_ROUTE, simple.project_list)
    app.router.add_get("/simple/{project}", simple.project_page)
    app.router.add_get(simple.PAGE_ROUTE, simple.project_page)
    app.router.add_get(files.FILE_ROUTE, files.file)
    json_api.add_routes(app)


def _degraded(pages: Pages) -> list[str]:
    return [] if pages.is_hearing else ["notices"]
