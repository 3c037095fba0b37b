"""The documents of the feed over HTTP, as feed readers take them."""

from aiohttp import web

from watcher.feed import Form, titles
from watcher.feed.asking import deletions_of
from watcher.feed.documents import DOCUMENTS, channel_at, document, documents_of
from watcher.feed.parts import FEED as FEED
from watcher.feed.parts import FeedParts as FeedParts
from watcher.feed.parts import source_of as source_of


def add_routes(app: web.Application, parts: FeedParts) -> None:
    """Adds the URLs of the feed's documents, and the parts for all others of the feed."""
    app[FEED] = parts
    app[DOCUMENTS] = documents_of(parts)
    app.router.add_get("/feed/deletions.atom", atom_feed)
    app.router.add_get("/feed/deletions.rss", rss_feed)
    app.router.add_get("/feed/deletions.json", json_feed)


async def atom_feed(request: web.Request) -> web.Response:
    """`/feed/deletions.atom`."""
    return await _feed(request, Form.ATOM)


async def rss_feed(request: web.Request) -> web.Response:
    """`/feed/deletions.rss`."""
    return await _feed(request, Form.RSS)


async def json_feed(request: web.Request) -> web.Response:
    """`/feed/deletions.json`."""
    return await _feed(request, Form.JSON)


async def _feed(request: web.Request, form: Form) -> web.Response:
    """The events that the query wishes for; `?archive=` asks for an archive of them."""
    wanted = deletions_of(request.query)
    title = titles.title(request.app[FEED].settings.feed.title, wanted)
    channel = channel_at(request, f"/feed/deletions.{form}", title=title)
    return await document(request, wanted=wanted, form=form, channel=channel)
