"""`/feed/locks/{token}`: what touches a lock, in all the forms of the feed, for whoever knows its address.

A feed that is not there, or is there no more, is answered in one way. No answer may be kept by a cache that others use,
found by a search engine, or tell the next site where its reader came from.
"""

import asyncio
from functools import partial

import structlog
from aiohttp import hdrs, web

from mirror.errors import EverpinError
from mirror.meanwhile import meanwhile
from mirror.web.keys import ORIGINS, SETTINGS
from watcher.api.lock_feeds import require_enabled, unknown
from watcher.feed import Channel, Form, events_api
from watcher.feed.documents import document
from watcher.feed.held_locks import HeldLock, LentFilter
from watcher.feed.stream import streamed

log = structlog.get_logger()

# So long a stream can outlive its feed.
_LOOK_SECONDS = 60.0
_HEADERS = (("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex"))


def add_routes(app: web.Application) -> None:
    """Adds the URLs at which feeds of locks are read. The parts of `lock_feeds` are there already."""
    app.on_response_prepare.append(_keep_private)
    for form in Form:
        app.router.add_get(f"/feed/locks/{{token}}.{form}", partial(feed_document, form=form))
    app.router.add_get("/feed/locks/{token}/events", events)
    app.router.add_get("/feed/locks/{token}/stream", stream)


async def feed_document(request: web.Request, *, form: Form) -> web.Response:
    """What `/feed/deletions` tells in that form, and of that what touches the lock; with all that happened before."""
    held = await _held(request)
    channel = Channel(
        f"{request.app[SETTINGS].feed.title}: a lock file",
        request.app[ORIGINS].of(request),
        f"/feed/locks/{request.match_info['token']}.{form}",
    )
    return await document(request, wanted=LentFilter.of(held), form=form, channel=channel, private=True)


async def events(request: web.Request) -> web.Response:
    """What `/api/v1/events` tells, with cursors, and of that what touches the lock."""
    held = await _held(request)
    return await events_api.answered(request, wanted=held.wanted)


async def stream(request: web.Request) -> web.StreamResponse:
    """What `/api/v1/events/stream` tells as it comes, and of that what touches the lock; until the feed is removed."""
    held = await _held(request)
    watch = meanwhile(_until_removed(request), name="look whether the lock's feed is still there")
    with require_enabled(request).held.following(held):
        async with watch:
            return await streamed(request, wanted=held.wanted)


async def _held(request: web.Request) -> HeldLock:
    held = await require_enabled(request).held.read(request.match_info["token"])
    if held is None:
        raise unknown()
    return held


async def _until_removed(request: web.Request) -> None:
    """Ends the connection once the feed is not there any more. Until then, following the stream is reading it."""
    locks, token = require_enabled(request).held, request.match_info["token"]
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            is_there = await locks.read(token) is not None
        except EverpinError as e:
            log.debug("lock_feed.not_looked_up", error=str(e))
            continue
        if not is_there:
            if request.transport is not None:
                request.transport.close()
            return


async def _keep_private(request: web.Request, answer: web.StreamResponse) -> None:
    """Of all answers to addresses that hold a token, also of refusals."""
    if "token" not in request.match_info:
        return
    for name, value in _HEADERS:
        answer.headers[name] = value
    how = answer.headers.get(hdrs.CACHE_CONTROL, "no-cache")
    if "private" not in how:
        answer.headers[hdrs.CACHE_CONTROL] = f"private, {how}"
