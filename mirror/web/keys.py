"""The parts that handlers need, by typed keys."""

from aiohttp import web

from mirror.catalog.database import Catalog
from mirror.refresh import Refresher
from mirror.settings import Settings
from mirror.supply import Supply
from mirror.web.downloads import DownloadCounts
from mirror.web.pages import Pages

CATALOG = web.AppKey("catalog", Catalog)
DOWNLOADS = web.AppKey("downloads", DownloadCounts)
PAGES = web.AppKey("pages", Pages)
REFRESHER = web.AppKey("refresher", Refresher)
SETTINGS = web.AppKey("settings", Settings)
SUPPLY = web.AppKey("supply", Supply)
