"""`/api/v1/projects/{project}`: what is remembered of a project today, its files' states and what was told of it."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import partial

from aiohttp import hdrs, web

from mirror.catalog import circumstances, events, files, instance, journal, projects
from mirror.index.negotiate import matches
from mirror.model import Memory
from mirror.names import project_name
from mirror.states import Rules, judged
from mirror.web.keys import CATALOG, ORIGINS, SETTINGS
from mirror.web.problems import Problem
from watcher.api import project_document
from watcher.feed.routes import source_of

PROJECT_ROUTE = "/api/v1/projects/{project}"

_EVENTS_SHOWN = 100
_FILES_RENDERED_IN_THE_LOOP = 300
_LONGEST_VERSION = 200
# What was withdrawn must not live longer than this in caches that we cannot reach.
_CACHE_CONTROL = "public, max-age=30"


def add_routes(app: web.Application, *, rules: Rules, now: Callable[[], datetime]) -> None:
    """Adds the project's URL."""
    app.router.add_get(PROJECT_ROUTE, partial(project, rules=rules, now=now))


async def project(request: web.Request, *, rules: Rules, now: Callable[[], datetime]) -> web.StreamResponse:
    """The project, in any spelling of its name; `?version=` narrows the files to one release.

    Tells only what is remembered: upstream is not asked. 404 where nothing is.
    """
    name = project_name(request.match_info["project"])
    if name is None:
        raise Problem(404, "Not Found", "no project can have that name")
    version = request.query.get("version")
    if version is not None and not 0 < len(version) <= _LONGEST_VERSION:
        raise Problem(400, "Bad Request", "version is one release of the project")
    settings = request.app[SETTINGS]
    async with request.app[CATALOG].reading() as conn:
        me = await instance.read(conn)
        position = await journal.position(conn)
        facts = await projects.find(conn, name)
        memory = Memory(facts, await files.of_project(conn, facts)) if facts is not None else None
        around = await circumstances.read(conn)
        told = await events.newest(conn, name, limit=_EVENTS_SHOWN, epoch=me.epoch)
    if memory is None and not told:
        raise Problem(404, "Not Found", f"nothing is known of {name} here")
    origin, source = request.app[ORIGINS].of(request), source_of(me, settings)

    def work() -> bytes:
        # States that the clock has ended since they were written are judged here: not everybody has a watcher.
        today = judged(memory, rules=rules, now=now(), around=around) if memory is not None else None
        return project_document.render(
            name, today, told, position=position, rules=settings.safety, source=source, origin=origin, version=version
        )

    is_large = memory is not None and len(memory.files) > _FILES_RENDERED_IN_THE_LOOP
    body = await asyncio.to_thread(work) if is_large else work()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": _CACHE_CONTROL}
    if matches(request.headers.get(hdrs.IF_NONE_MATCH), etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers, content_type="application/json")
