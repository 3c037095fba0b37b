"""The parts that handlers need, by typed keys."""

from weakref import WeakSet

from aiohttp import web

from mirror.catalog.database import Catalog
from mirror.keep import Download
from mirror.refresh import Refresher
from mirror.settings import Settings
from mirror.supply import Supply
from mirror.web.downloads import DownloadCounts
from mirror.web.file_memory import FileMemory
from mirror.web.json_documents import JsonDocuments
from mirror.web.origin import Origins
from mirror.web.pages import Pages
from mirror.web.project_list import ProjectLists

CATALOG = web.AppKey("catalog", Catalog)
DOWNLOADS = web.AppKey("downloads", DownloadCounts)
FETCHES = web.AppKey("fetches", WeakSet[Download])
FILES = web.AppKey("files", FileMemory)
JSON_DOCUMENTS = web.AppKey("json_documents", JsonDocuments)
ORIGINS = web.AppKey("origins", Origins)
PAGES = web.AppKey("pages", Pages)
PROJECT_LISTS = web.AppKey("project_lists", ProjectLists)
REFRESHER = web.AppKey("refresher", Refresher)
SETTINGS = web.AppKey("settings", Settings)
SUPPLY = web.AppKey("supply", Supply)
