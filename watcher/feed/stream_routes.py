"""The URL of the public stream of events."""

from aiohttp import web

from watcher.feed.asking import filter_of
from watcher.feed.hub import Hub
from watcher.feed.stream import HUB, streamed


def add_routes(app: web.Application, hub: Hub) -> None:
    """Adds the URL. When the application is shut down, streams end at once: they would never end by themselves."""
    app[HUB] = hub
    app.on_shutdown.append(_end_streams)
    app.router.add_get("/api/v1/events/stream", events_stream)


async def events_stream(request: web.Request) -> web.StreamResponse:
    """`/api/v1/events/stream?since=&project=&kind=`: what `/api/v1/events` tells with the same wishes, as it comes.

    Without a kind that is every kind, as there: a reader that goes over from one to the other misses nothing.
    """
    return await streamed(request, wanted=filter_of(request.query))


async def _end_streams(app: web.Application) -> None:
    app[HUB].close()
