"""`/api/v1/openapi.json`: what describes `/api/v1`, made of the types that the answers are made of."""

from functools import lru_cache
from importlib.metadata import version

import msgspec
from aiohttp import web

from mirror.web.keys import ORIGINS
from watcher.api import admin, lock_feeds, project_document
from watcher.api.described import DESCRIPTIONS, EVENTS, LOCK_FILES, PROJECTS, SCHEMAS
from watcher.api.described_orders import ADMIN
from watcher.api.describing import REF
from watcher.checking import report
from watcher.feed import event_schema

ROUTE = "/api/v1/openapi.json"

_CACHE_CONTROL = "public, max-age=300"
_TYPES = (
    project_document.Project,
    report.Question,
    report.Report,
    lock_feeds.LockFeed,
    lock_feeds.MadeLockFeed,
    admin.Acts,
    admin.Done,
    admin.Plan,
)


def add_routes(app: web.Application) -> None:
    """Adds the URL."""
    app.router.add_get(ROUTE, described)


async def described(request: web.Request) -> web.Response:
    """The document, for the address under which it was asked for."""
    body = _document(request.app[ORIGINS].of(request))
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": _CACHE_CONTROL})


# Nearly always there is one address; whoever makes up others must not fill the memory.
@lru_cache(maxsize=8)
def _document(server: str) -> bytes:
    _, components = msgspec.json.schema_components(_TYPES, ref_template=REF)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "everpin",
                "version": version("everpin"),
                "summary": "What PyPI lost, what of it is kept here, and whether a lock file is touched by it.",
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": server}],
            "paths": {**EVENTS, **PROJECTS, **LOCK_FILES, **ADMIN, **DESCRIPTIONS},
            "components": {
                "schemas": {**components, **SCHEMAS, "Event": event_schema.event_schema()},
                "securitySchemes": {"admin": {"type": "http", "scheme": "bearer"}},
            },
        }
    )
