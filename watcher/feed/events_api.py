"""The events by cursor: what machines follow, and the truth that all other forms of the feed are made from."""

from urllib.parse import urlencode

import msgspec
from aiohttp import web

from mirror.catalog import events, instance, journal
from mirror.catalog.instance import Instance
from mirror.events import Cursor
from mirror.web.problems import Problem
from watcher.feed import cloudevents, event_schema
from watcher.feed.asking import Resync, filter_of, start_after
from watcher.feed.filters import Filter
from watcher.feed.parts import FEED, FeedParts, source_of
from watcher.feed.reading import Page, page_after

LINES_TYPE = "application/x-ndjson"
_DEFAULT_LIMIT = 100
_LARGEST_LIMIT = 1_000
_FORMATS = ("json", "ndjson")
# Many proxies take 4 KB of headers at most, and answer with 502 where there are more.
_LONGEST_LINK = 2_000
_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept"}
# Changes with the version of everpin alone.
_SCHEMA_HEADERS = {"Cache-Control": "public, max-age=3600"}


def add_routes(app: web.Application) -> None:
    """Adds the URLs of events by cursor, and of what one looks like. The feed's parts are there already."""
    app.router.add_get("/api/v1/events", events_after)
    app.router.add_get(event_schema.PATH, schema)


async def events_after(request: web.Request) -> web.Response:
    """`/api/v1/events?since=&limit=` and the wishes of `filter_of`: the oldest events after a cursor.

    Who follows `next` as long as there is `more` gets every event once. A cursor that nobody can go on from is answered
    with 410 and the oldest place to resume from: who got it must read anew.
    """
    return await answered(request, wanted=filter_of(request.query))


async def answered(request: web.Request, *, wanted: Filter) -> web.Response:
    """The events that the filter admits, after the cursor and in the form that the request asks for."""
    parts = request.app[FEED]
    limit, as_lines = _limit(request), _wants_lines(request)
    async with parts.catalog.reading() as conn:
        me, position, held = await instance.read(conn), await journal.position(conn), await events.held(conn)
        try:
            number = start_after(request.query.get("since"), held=held)
            page = await page_after(conn, number, epoch=held.epoch, wanted=wanted, limit=limit)
        except Resync as e:
            return _resync(e.oldest)
    next_cursor = Cursor(held.epoch, page.end)
    if as_lines:
        return _lines(request, parts, me, page, next_cursor)
    body = cloudevents.page(
        page.events,
        source=source_of(me, parts.settings),
        next=next_cursor,
        more=page.more,
        observed_since=position.observed_since if position is not None else None,
        held_after=cloudevents.Start(str(Cursor(held.epoch, held.forgotten)), held.chain),
    )
    headers = _HEADERS | _link(request, page, next_cursor)
    return web.Response(body=body, content_type="application/json", headers=headers)


async def schema(_request: web.Request) -> web.Response:
    """`/api/v1/schema/event.json`: what an event looks like, as JSON Schema."""
    return web.Response(body=event_schema.document(), content_type="application/schema+json", headers=_SCHEMA_HEADERS)


def _lines(request: web.Request, parts: FeedParts, me: Instance, page: Page, next_cursor: Cursor) -> web.Response:
    headers = {"X-Everpin-Next": str(next_cursor), "X-Everpin-More": "true" if page.more else "false"}
    return web.Response(
        body=cloudevents.lines(page.events, source=source_of(me, parts.settings)),
        content_type=LINES_TYPE,
        headers=_HEADERS | headers | _link(request, page, next_cursor),
    )


def _link(request: web.Request, page: Page, next_cursor: Cursor) -> dict[str, str]:
    """Where the next page is (RFC 8288): a reference that holds under whatever address the request came in.

    Not where so much was wished for that the reference would be too long for a header.
    """
    if not page.more:
        return {}
    query = [(key, value) for key, value in request.query.items() if key != "since"]
    link = f'<?{urlencode([*query, ("since", str(next_cursor))])}>; rel="next"'
    return {"Link": link} if len(link) <= _LONGEST_LINK else {}


def _resync(oldest: Cursor) -> web.Response:
    body = msgspec.json.encode({"resync": True, "oldest": str(oldest)})
    return web.Response(status=410, body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(_DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 6 and int(text) >= 1):
        raise Problem(400, "Bad Request", f"limit is a number from 1 to {_LARGEST_LIMIT}")
    return min(int(text), _LARGEST_LIMIT)


def _wants_lines(request: web.Request) -> bool:
    form = request.query.get("format")
    if form is None:
        members = request.headers.get("Accept", "").split(",")
        return any(member.partition(";")[0].strip().lower() == LINES_TYPE for member in members)
    if form not in _FORMATS:
        raise Problem(400, "Bad Request", f"format is one of {', '.join(_FORMATS)}")
    return form == "ndjson"
