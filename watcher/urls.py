"""The URLs that are added to a mirror's own: feeds, events, the API, and what subscribers and operators use."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from mirror.orders import Orders
from mirror.states import Rules
from mirror.web.keys import CATALOG, SETTINGS
from mirror.web.origin import also_below
from watcher.api import admin, check, lock_feeds, openapi, private_feeds, projects
from watcher.feed import events_api, routes, stream_routes
from watcher.feed.hub import Hub


def add_urls(app: web.Application, *, hub: Hub, orders: Orders, rules: Rules, now: Callable[[], datetime]) -> None:
    """Adds all of them to a mirror's application, and then each URL of it also below the path of `mirror.base_url`."""
    catalog, settings = app[CATALOG], app[SETTINGS]
    routes.add_routes(app, routes.FeedParts(catalog, settings, now))
    events_api.add_routes(app)
    stream_routes.add_routes(app, hub)
    admin.add_routes(app, orders)
    lock_feeds.add_routes(app, lock_feeds.lock_parts(catalog, settings, now))
    private_feeds.add_routes(app)
    check.add_routes(app, check.CheckParts(rules))
    projects.add_routes(app, rules=rules, now=now)
    openapi.add_routes(app)
    also_below(app, settings.mirror.base_url)
