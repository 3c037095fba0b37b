"""The feed over HTTP: the events by cursor, and the documents that feed readers take."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from aiohttp import web

from mirror.catalog import events, instance
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.instance import Instance
from mirror.event_kinds import EventKind
from mirror.events import Cursor, Event
from mirror.index.negotiate import matches
from mirror.names import ProjectName, project_name
from mirror.settings import Settings
from mirror.web.problems import Problem
from watcher.feed import ALWAYS_INCLUDED, Channel, atom, cloudevents, jsonfeed, select

_DEFAULT_LIMIT = 100
_LARGEST_LIMIT = 1_000
_MOST_FILTERS = 100
# Everything of the last day is in the feed; this bounds what a day can bring into one document.
_MOST_ENTRIES = 5_000
_CACHE_CONTROL = "public, max-age=30"


@dataclass(frozen=True, slots=True)
class FeedParts:
    """What the feed's handlers need."""

    catalog: Catalog
    settings: Settings
    now: Callable[[], datetime]


FEED = web.AppKey("feed", FeedParts)


def add_routes(app: web.Application, parts: FeedParts) -> None:
    """Adds the feed's URLs."""
    app[FEED] = parts
    app.router.add_get("/api/v1/events", events_after)
    app.router.add_get("/feed/deletions.atom", atom_feed)
    app.router.add_get("/feed/deletions.json", json_feed)


async def events_after(request: web.Request) -> web.Response:
    """`/api/v1/events?since=&limit=&project=&kind=`: the oldest events after a cursor.

    A cursor of another history, or of events that were never told, is answered with 410 and the oldest place to resume
    from: who got it must read anew.
    """
    parts = request.app[FEED]
    limit, since = _limit(request), request.query.get("since")
    projects, kinds = _projects(request), _kinds(request)
    async with parts.catalog.reading() as conn:
        me = await instance.read(conn)
        last = await events.last_number(conn)
        start = Cursor.parse(since) if since else Cursor(me.epoch, 0)
        if start is None or start.epoch != me.epoch or start.number > last:
            body = {"resync": True, "oldest": str(Cursor(me.epoch, 0))}
            return web.Response(status=410, body=msgspec.json.encode(body), content_type="application/json")
        found = await events.after(conn, start.number, limit=limit + 1, epoch=me.epoch, projects=projects, kinds=kinds)
    page, more = found[:limit], len(found) > limit
    # With nothing left to filter, the reader may go on from the end that was looked at. Events can have been told
    # between the two looks at the catalog: what is handed out here must not come again.
    told = page[-1].cursor.number if page else 0
    end = Cursor(me.epoch, told if more else max(last, told, start.number))
    body_bytes = cloudevents.page(page, source=source_of(me, parts.settings), next=end, more=more)
    return web.Response(body=body_bytes, content_type="application/json", headers={"Cache-Control": "no-store"})


async def atom_feed(request: web.Request) -> web.Response:
    """`/feed/deletions.atom`."""
    parts, me, chosen = await _feed(request)
    updated = chosen[0].time if chosen else me.created_at
    body = atom.render(chosen, _channel(request, parts.settings, me), updated=updated)
    return _document(request, body, atom.MEDIA_TYPE)


async def json_feed(request: web.Request) -> web.Response:
    """`/feed/deletions.json`."""
    parts, me, chosen = await _feed(request)
    body = jsonfeed.render(chosen, _channel(request, parts.settings, me), source=source_of(me, parts.settings))
    return _document(request, body, jsonfeed.MEDIA_TYPE)


def source_of(me: Instance, settings: Settings) -> str:
    """The `source` of events: where the mirror is reached, else who it is."""
    return settings.mirror.base_url or me.uuid.urn


async def _feed(request: web.Request) -> tuple[FeedParts, Instance, tuple[Event, ...]]:
    parts = request.app[FEED]
    now = parts.now()
    async with parts.catalog.reading() as conn:
        me = await instance.read(conn)
        newest = await _newest(conn, me, parts.settings.feed.page_size, _projects(request), _kinds(request), now)
    return parts, me, select(newest, page_size=parts.settings.feed.page_size, now=now)


async def _newest(
    conn: Connection,
    me: Instance,
    page_size: int,
    projects: list[ProjectName],
    kinds: list[EventKind],
    now: datetime,
) -> list[Event]:
    found = await events.newest(conn, limit=page_size, epoch=me.epoch, projects=projects, kinds=kinds)
    if len(found) == page_size and found[-1].time > now - ALWAYS_INCLUDED:
        return await events.newest(conn, limit=_MOST_ENTRIES, epoch=me.epoch, projects=projects, kinds=kinds)
    return found


def _document(request: web.Request, body: bytes, media_type: str) -> web.Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": _CACHE_CONTROL}
    if matches(request.headers.get("If-None-Match"), etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers | {"Content-Type": media_type})


def _channel(request: web.Request, settings: Settings, me: Instance) -> Channel:
    base = settings.mirror.base_url
    return Channel(
        id=me.uuid.urn,
        title=settings.feed.title,
        # Behind a proxy only the setting knows under which address, and which prefix, the feed is reached.
        url=f"{base.rstrip('/')}{request.path_qs}" if base else str(request.url),
        site_url=base or str(request.url.origin()) + "/",
    )


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(_DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 6 and int(text) >= 1):
        raise Problem(400, "Bad Request", "limit is a number from 1")
    return min(int(text), _LARGEST_LIMIT)


def _projects(request: web.Request) -> list[ProjectName]:
    names = [project_name(text) for text in _many(request, "project")]
    if None in names:
        raise Problem(400, "Bad Request", "project is not a project's name")
    return [name for name in names if name is not None]


def _kinds(request: web.Request) -> list[EventKind]:
    try:
        return [EventKind(text) for text in _many(request, "kind")]
    except ValueError as e:
        raise Problem(400, "Bad Request", f"kind is one of {', '.join(EventKind)}") from e


def _many(request: web.Request, key: str) -> list[str]:
    given = request.query.getall(key, [])
    if len(given) > _MOST_FILTERS:
        raise Problem(400, "Bad Request", f"{key} was given too often")
    return given
