"""Feed documents over HTTP: `document` answers with the events that a filter admits, as one of the forms."""

import asyncio
from collections.abc import Callable, Mapping
from email.utils import formatdate

from aiohttp import hdrs, web

from mirror.catalog import event_ranges
from mirror.catalog.event_ranges import Told
from mirror.index.negotiate import accepts_gzip, matches
from mirror.index.render import Rendered, rendered
from mirror.web.keys import ORIGINS
from mirror.web.problems import Problem
from mirror.web.simple import header
from watcher.feed import Archive, Channel, Document, Form, atom, contents, jsonfeed, rss, titles
from watcher.feed.contents import Contents
from watcher.feed.filters import Filter
from watcher.feed.parts import FEED, FeedParts
from watcher.feed.ready import Asked, Ready, ReadyDocuments

_RENDERERS: Mapping[Form, tuple[Callable[[Document], bytes], str]] = {
    Form.ATOM: (atom.render, atom.MEDIA_TYPE),
    Form.RSS: (rss.render, rss.MEDIA_TYPE),
    Form.JSON: (jsonfeed.render, jsonfeed.MEDIA_TYPE),
}
_ENTRIES_RENDERED_IN_THE_LOOP = 50
# What else stands in a query makes no other feed of it.
_FILTERS = frozenset({"project", "kind", "stable_only", "min_age", "verdict"})
# Documents share the memory that `mirror.memory` gives with pages and what else is kept ready.
_PART_OF_MEMORY = 8
_CURRENT = "public, max-age=30"
# An archive changes only when something is taken away from it: within a day no cache has that any more.
_ARCHIVED = "public, max-age=86400"
_PRIVATE = "private, no-store"

DOCUMENTS = web.AppKey("feed_documents", ReadyDocuments)


def documents_of(parts: FeedParts) -> ReadyDocuments:
    """The documents that are kept ready in this process."""

    async def look() -> Told:
        async with parts.catalog.reading() as conn:
            return await event_ranges.told(conn)

    async def make(asked: Asked, wanted: Filter, told: Told) -> Rendered:
        return await _made(parts, asked, wanted, told)

    most_bytes = parts.settings.mirror.memory // _PART_OF_MEMORY
    return ReadyDocuments(look=look, make=make, now=parts.now, most_bytes=most_bytes)


def channel_at(request: web.Request, path: str, *, title: str) -> Channel:
    """The channel whose document is at that path below the mirror's own address, with the filters of the request.

    The path is not that of the request, which may or may not have the prefix below which a proxy shows the mirror.
    """
    query = request.rel_url.with_query([pair for pair in request.query.items() if pair[0] in _FILTERS]).raw_query_string
    return Channel(title, request.app[ORIGINS].of(request), f"{path}?{query}" if query else path)


async def document(
    request: web.Request, *, wanted: Filter, form: Form, channel: Channel, private: bool = False
) -> web.Response:
    """The current document of the channel, or with `?archive=` one of its archives.

    Of one channel and form, `wanted` must be the same from one request to the next, or nothing can be kept ready: equal
    or the same object. What is `private` is for the client alone, and no cache is to keep it.

    Raises Problem: 404 for an archive that is not complete yet, 410 for one of which nothing is held any more.
    """
    asked = Asked(form, channel, _archive(request))
    ready = await request.app[DOCUMENTS].get(asked, wanted)
    now = int(request.app[FEED].now().timestamp())
    return await _answer(request, ready, media_type=_RENDERERS[form][1], cached=_cached(asked, private), now=now)


async def _answer(request: web.Request, ready: Ready, *, media_type: str, cached: str, now: int) -> web.Response:
    gzipped = accepts_gzip(header(request.headers, hdrs.ACCEPT_ENCODING))
    etag = ready.gzip_etag if gzipped else ready.etag
    headers = {
        "ETag": etag,
        "Last-Modified": formatdate(min(ready.modified, now), usegmt=True),
        "Cache-Control": cached,
        "Vary": "Accept-Encoding",
    }
    if _has_it(request, etag, ready.modified, now=now):
        return web.Response(status=304, headers=headers)
    headers |= {"Content-Type": media_type} | ({"Content-Encoding": "gzip"} if gzipped else {})
    return web.Response(body=ready.gzipped if gzipped else await ready.unpacked(), headers=headers)


def _has_it(request: web.Request, etag: str, modified: int, *, now: int) -> bool:
    """Whether the client has the document. RFC 9110, 13.1.3: with an ETag nothing is asked of the time.

    Nor of one that is still to come: it is from before the clock was set back, and so may be what the client has.
    """
    if_none_match = header(request.headers, hdrs.IF_NONE_MATCH)
    if if_none_match is not None:
        return matches(if_none_match, etag)
    since = request.if_modified_since
    return since is not None and modified <= since.timestamp() <= now


def _cached(asked: Asked, private: bool) -> str:
    if private:
        return _PRIVATE
    return _CURRENT if asked.archive is None else _ARCHIVED


def _archive(request: web.Request) -> Archive | None:
    given = request.query.getall("archive", [])
    if not given:
        return None
    archive = Archive.parse(given[0]) if len(given) == 1 else None
    if archive is None:
        raise Problem(400, "Bad Request", "archive is the number of an archive, as a document links to it")
    return archive


async def _made(parts: FeedParts, asked: Asked, wanted: Filter, told: Told) -> Rendered:
    contents_read = await _read(parts, asked.archive, wanted, told)
    document_made = _document(parts, asked, told, contents_read)
    render, media_type = _RENDERERS[asked.form]

    def work() -> Rendered:
        return rendered(render(document_made), media_type)

    is_small = len(document_made.events) <= _ENTRIES_RENDERED_IN_THE_LOOP
    return work() if is_small else await asyncio.to_thread(work)


async def _read(parts: FeedParts, archive: Archive | None, wanted: Filter, told: Told) -> Contents:
    size = parts.block_size
    async with parts.catalog.reading() as conn:
        if archive is None:
            page_size = parts.settings.feed.page_size
            return await contents.current(conn, told, wanted, page_size=page_size, block_size=size, now=parts.now())
        if archive.epoch < told.epoch or contents.is_forgotten(told, archive.block, block_size=size):
            raise Problem(410, "Gone", "the events of this archive are not held any more")
        if archive.epoch > told.epoch or archive.block >= contents.complete_blocks(told, block_size=size):
            raise Problem(
                404, "Not Found", "there is no such archive yet; the current document has what would be in it"
            )
        return await contents.archived(conn, told, wanted, archive.block, block_size=size)


def _document(parts: FeedParts, asked: Asked, told: Told, read: Contents) -> Document:
    times = [event.redacted_at or event.time for event in read.events]
    feed = parts.settings.feed
    if asked.archive is None:
        since = told.observed_since
        subtitle = titles.current_subtitle(observed_since=since, retention=feed.retention, is_cut=read.is_cut)
    else:
        first = asked.archive.block * parts.block_size
        last = first + parts.block_size - 1
        subtitle = titles.archive_subtitle(first=max(first, 1), last=last, created_at=told.created_at)
    return Document(
        channel=asked.channel,
        instance=told.uuid,
        source=parts.settings.mirror.base_url or told.uuid.urn,
        subtitle=subtitle,
        updated=max(times, default=told.created_at),
        events=read.events,
        archive=asked.archive,
        earlier=None if read.earlier is None else Archive(told.epoch, read.earlier),
    )
