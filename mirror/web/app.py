"""The application of a mirror: the parts are made here, in the order in which they need each other."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aiohttp import web

from mirror.catalog import notices
from mirror.catalog.database import Catalog
from mirror.catalog.notices import Notice
from mirror.refresh import Refresher
from mirror.settings import Settings
from mirror.store.interface import Store
from mirror.supply import Supply
from mirror.web import files, health, problems, simple
from mirror.web.downloads import DownloadCounts
from mirror.web.keys import CATALOG, DOWNLOADS, PAGES, REFRESHER, SETTINGS, SUPPLY
from mirror.web.pages import Pages


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
    app = web.Application(middlewares=[problems.middleware])
    counts = DownloadCounts(catalog, now)
    app[CATALOG] = catalog
    app[DOWNLOADS] = counts
    app[PAGES] = pages
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
        if heard is not None:
            heard(notice)

    async with counts.written(), notices.listening(catalog.url, hear):
        yield app


def add_routes(app: web.Application) -> None:
    """The routes that installers use."""
    app.router.add_get("/simple", simple.project_list)
    app.router.add_get("/simple/", simple.project_list)
    app.router.add_get("/simple/{project}", simple.project_page)
    app.router.add_get("/simple/{project}/", simple.project_page)
    app.router.add_get("/packages/{aa}/{bb}/{rest}/{filename}", files.file)


def _degraded(pages: Pages) -> list[str]:
    return [] if pages.is_hearing else ["notices"]
