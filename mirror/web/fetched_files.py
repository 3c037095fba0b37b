"""Answers with bytes that are not here yet: passed on while they arrive, but never completed before they are verified.

What can be answered without the bytes is, as far as the page promised what they are. Who would wait for longer than
installers do is told to ask again, while the fetch goes on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from weakref import WeakSet

from aiohttp import hdrs, web

from mirror.catalog.files import FoundFile
from mirror.errors import NotThereError, StoreError
from mirror.index.paths import Kind
from mirror.keep import Download
from mirror.model import State
from mirror.store.keys import StoreKey
from mirror.web.file_memory import Servable
from mirror.web.keys import DOWNLOADS, FETCHES, SUPPLY
from mirror.web.problems import Problem
from mirror.web.ranges import UnsatisfiableError
from mirror.web.sending import begun_with, send_chunks
from mirror.web.stored_files import FOLLOW, MISS, answer, contents, counting, span_of, unneeded, validators

_LONGEST_WAIT_SECONDS = 12.0
"""Installers give up after 15 s without a byte, and ask again when they are told to."""


async def fetched(request: web.Request, found: FoundFile, kind: Kind) -> web.StreamResponse:
    """The answer to a request for what the store lacks."""
    # A rescued file that gets here is kept by the time its last byte goes out.
    state = State.KEPT if found.facts.state is State.HELD else found.facts.state
    etag = _promised_etag(found, kind)
    is_sure = found.facts.state is not State.HELD
    if etag is not None and is_sure and (spared := unneeded(request, etag, state, MISS)) is not None:
        if request.method == "GET" and spared.status == 304:
            # Somebody uses it, though it had it from us, or elsewhere, before: it is worth keeping all the same.
            request.app[SUPPLY].fetch(found, kind)
        return spared
    size = found.facts.listed_file.size
    if request.method == "HEAD" and size is not None and kind is Kind.FILE:
        # The page told the length already; a question about a file is no reason to fetch it.
        return web.Response(headers=validators(etag, state, MISS) | contents(kind) | {"Content-Length": str(size)})
    try:
        return await _fetched(request, found, kind, state, etag)
    except NotThereError as e:
        raise Problem(404, f"{found.facts.filename} is not there upstream any more", str(e)) from e


async def _fetched(
    request: web.Request, found: FoundFile, kind: Kind, state: State, etag: str | None
) -> web.StreamResponse:
    supply, counts = request.app[SUPPLY], request.app[DOWNLOADS]
    until = asyncio.get_running_loop().time() + min(supply.patience_seconds, _LONGEST_WAIT_SECONDS)
    download = supply.fetch(found, kind)
    cache = FOLLOW if _is_followed(request.app[FETCHES], download) else MISS
    size = await download.opened()
    if request.method == "HEAD" or size is None or _wants_part(request, etag, size):
        # Parts are cut, and lengths told, only from what was verified as a whole.
        async with _in_time(until):
            kept = await download.finished()
        file = Servable(state, StoreKey(kept.sha256), kept.size, kind, found.facts.id)
        sent = await answer(request, file, supply.store, counts, cache)
        if sent is None:
            raise StoreError("an object that was just stored is not there")
        return sent
    headers = validators(etag, state, cache) | contents(kind) | {"Content-Length": str(size)}
    sent = web.StreamResponse(headers=headers)
    async with aclosing(download.chunks()) as chunks:
        # What fails before the first bytes is told in words: all that can, of a file of one chunk or one whose digest
        # nobody promised.
        async with _in_time(until):
            begun = await begun_with(chunks)
        if await send_chunks(request, sent, begun):
            counting(counts, found.facts.id, kind)()
    return sent


@asynccontextmanager
async def _in_time(until: float) -> AsyncIterator[None]:
    """Raises Problem where it takes so long that the client would give up."""
    try:
        async with asyncio.timeout_at(until) as waiting:
            yield
    except TimeoutError as e:
        if not waiting.expired():
            raise
        raise Problem(503, "Being Fetched, Ask Again In A Moment", "this file is still on its way from upstream") from e


def _is_followed(fetches: "WeakSet[Download]", download: Download) -> bool:
    """Whether another request waits for this fetch, or did."""
    if download in fetches:
        return True
    fetches.add(download)
    return False


def _wants_part(request: web.Request, etag: str | None, size: int) -> bool:
    if etag is None:
        # Whether `If-Range` holds is not known yet.
        return hdrs.RANGE in request.headers
    try:
        return span_of(request, etag, size) is not None
    except UnsatisfiableError:
        return True


def _promised_etag(found: FoundFile, kind: Kind) -> str | None:
    """The ETag that the bytes will have, where the page said what they are."""
    listed = found.facts.listed_file
    promised = {Kind.FILE: listed.sha256, Kind.METADATA: listed.core_metadata}.get(kind)
    return f'"{promised}"' if isinstance(promised, str) else None
