"""`/api/v1/locks`: a lock file gets a feed of its own, which tells only what touches that lock.

Anybody can have one. Its address is a secret that is told once, to whoever made it; what is kept of the file are names,
versions and digests of what the mirrored index, or PyPI, can have delivered. Events are pushed only to where somebody
with an admin token says.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog
from aiohttp import web

from mirror.catalog import journal, lock_feeds
from mirror.catalog.database import Catalog
from mirror.settings import Settings
from mirror.web.keys import ORIGINS, SETTINGS
from mirror.web.problems import Problem
from watcher.api import lock_webhooks
from watcher.api.lock_bodies import LockBodies, own_pins_of
from watcher.feed.held_locks import HeldLocks, digest_of
from watcher.locks import LeftOut, Pin
from watcher.locks.packed import packed

log = structlog.get_logger()

LOCK_ROUTE = "/api/v1/locks/{token}"

_TOKEN_BYTES = 32
_EXPIRES_AFTER = f"{lock_feeds.KEPT.days}d"
# Each read of a feed looks for events of every project of the lock. The largest locks have a few thousand.
_MOST_PROJECTS = 5_000
_MOST_PINS = 50_000
_MOST_LEFT_OUT = 500
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class LockParts:
    """What the handlers of lock feeds need. `bodies` is also that of others who take lock files."""

    catalog: Catalog
    now: Callable[[], datetime]
    held: HeldLocks
    bodies: LockBodies


LOCKS = web.AppKey("locks", LockParts)


def lock_parts(catalog: Catalog, settings: Settings, now: Callable[[], datetime]) -> LockParts:
    """The parts of one process."""
    return LockParts(catalog, now, HeldLocks(catalog, now), LockBodies(most_bytes=settings.locks.max_body))


class LeftOutPin(msgspec.Struct, frozen=True):
    """What of the lock file is not watched, and why not; `source` is where it stands."""

    source: str
    name: str
    why: str


class LockFeed(msgspec.Struct, frozen=True):
    """A lock's feed: its addresses, which are secrets. `pins`: how many files and releases it is about.

    `expires_after`: for how long nobody may read it before it is gone.
    """

    atom: str
    rss: str
    json: str
    events: str
    stream: str
    delete: str
    pins: int
    expires_after: str


class MadeLockFeed(LockFeed, frozen=True):
    """A feed that was just made. Of what was left out at most some are named, `more_left_out` counts the others.

    What happened before `observed_since` may not have been noticed here; null where no journal is read. `webhook` is
    there where one was asked for.
    """

    left_out: tuple[LeftOutPin, ...] | msgspec.UnsetType = msgspec.UNSET
    more_left_out: int | msgspec.UnsetType = msgspec.UNSET
    observed_since: datetime | msgspec.UnsetType | None = msgspec.UNSET
    webhook: lock_webhooks.LockWebhook | msgspec.UnsetType = msgspec.UNSET


def add_routes(app: web.Application, parts: LockParts) -> None:
    """Adds the URLs at which feeds of locks are made and removed. Where the settings want none, they answer 404."""
    app[LOCKS] = parts
    app.router.add_post("/api/v1/locks", make)
    app.router.add_get(LOCK_ROUTE, tell)
    app.router.add_delete(LOCK_ROUTE, remove)


def require_enabled(request: web.Request) -> LockParts:
    """What the handlers need. Raises Problem (404) where the settings want no feeds of locks."""
    if not request.app[SETTINGS].locks.enabled:
        raise Problem(404, "Not Found", "lock files get no feeds here: locks.enabled is false")
    return request.app[LOCKS]


def unknown() -> Problem:
    """What is answered of a feed that is not there, whether it ever was or not."""
    return Problem(404, "Not Found", f"there is no such feed; one that is not read for {_EXPIRES_AFTER} is removed")


async def make(request: web.Request) -> web.Response:
    """POST `/api/v1/locks?filename=&webhook=`: a feed for the lock file that is the body. 507 where there is no room.

    A webhook takes an admin token, which is looked at before anything else.
    """
    parts, url = require_enabled(request), lock_webhooks.url_of(request)
    lock = await parts.bodies.lock_of(request)
    pins, left_out = await asyncio.to_thread(own_pins_of, request, lock.pins)
    _require_watchable(pins, left_out := (*lock.left_out, *left_out))
    stored = await asyncio.to_thread(packed, pins)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    most = request.app[SETTINGS].locks.max_count
    async with parts.catalog.writing() as conn:
        feed = await lock_feeds.add(
            conn, token_sha256=digest_of(token), pins=stored, pinned=len(pins), most=most, now=parts.now()
        )
        if feed is None:
            raise Problem(507, "No Room For Another Lock", f"{most} lock files have feeds here, and no more may")
        webhook = await lock_webhooks.add(conn, feed, url) if url is not None else msgspec.UNSET
        position = await journal.position(conn)
    log.info("lock_feed.made", feed=feed, pins=len(pins), left_out=len(left_out), webhook=url is not None)
    made = MadeLockFeed(
        *_addresses(request, token),
        len(pins),
        _EXPIRES_AFTER,
        tuple(LeftOutPin(each.source, each.name, each.why) for each in left_out[:_MOST_LEFT_OUT]),
        max(0, len(left_out) - _MOST_LEFT_OUT),
        position.observed_since if position is not None else None,
        webhook,
    )
    return _answer(made, status=201, headers=_NO_STORE | {"Location": made.delete})


async def tell(request: web.Request) -> web.Response:
    """GET `/api/v1/locks/{token}`: the feed's addresses. That somebody looks at them does not count as reading it."""
    parts, token = require_enabled(request), request.match_info["token"]
    async with parts.catalog.reading() as conn:
        feed = await lock_feeds.find(conn, digest_of(token), now=parts.now())
    if feed is None:
        raise unknown()
    return _answer(LockFeed(*_addresses(request, token), feed.pinned, _EXPIRES_AFTER))


async def remove(request: web.Request) -> web.Response:
    """DELETE `/api/v1/locks/{token}`: the feed is gone, with its webhooks and all that was kept of the lock file."""
    parts = require_enabled(request)
    async with parts.catalog.writing() as conn:
        feed = await lock_feeds.remove(conn, digest_of(request.match_info["token"]), now=parts.now())
    if feed is None:
        raise unknown()
    parts.held.forget(feed)
    log.info("lock_feed.removed", feed=feed)
    return web.Response(status=204)


def _require_watchable(pins: tuple[Pin, ...], left_out: tuple[LeftOut, ...]) -> None:
    if not pins:
        why = f": {left_out[0].name} {left_out[0].why}" if left_out else ""
        raise Problem(422, "Unprocessable Content", f"nothing in it is pinned that could be watched here{why}")
    if len(pins) > _MOST_PINS or len({pin.project for pin in pins}) > _MOST_PROJECTS:
        sentence = f"at most {_MOST_PINS} files and releases of {_MOST_PROJECTS} projects can be watched"
        raise Problem(422, "Unprocessable Content", sentence)


def _addresses(request: web.Request, token: str) -> tuple[str, str, str, str, str, str]:
    origin = request.app[ORIGINS].of(request)
    feed = f"{origin}/feed/locks/{token}"
    own = f"{origin}{LOCK_ROUTE.format(token=token)}"
    return f"{feed}.atom", f"{feed}.rss", f"{feed}.json", f"{feed}/events", f"{feed}/stream", own


def _answer(body: LockFeed, *, status: int = 200, headers: dict[str, str] = _NO_STORE) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json", headers=headers)
