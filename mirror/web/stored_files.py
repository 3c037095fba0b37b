"""Answers with what the store has: whole or a part, from memory, by the kernel, in chunks, or from elsewhere.

`X-Everpin-Cache` tells what happened to the bytes: `hit`, they were here; `miss`, this request had them fetched;
`follow`, they were being fetched already.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

from aiohttp import hdrs, web

from mirror.errors import NotThereError, StoreError
from mirror.index.negotiate import matches
from mirror.index.paths import Kind
from mirror.index.siblings import PROVENANCE_TYPE
from mirror.model import State
from mirror.store.checked import checked, read_whole, require_digest
from mirror.store.interface import Store
from mirror.store.keys import StoreKey
from mirror.web.downloads import DownloadCounts
from mirror.web.file_memory import Servable
from mirror.web.prebuilt import Prebuilt, PrebuiltAnswer, put_together
from mirror.web.ranges import Span, UnsatisfiableError, asked_span, if_match_holds, if_range_holds
from mirror.web.sending import begun_with, send_chunks, send_file

CACHE_CONTROL = "public, max-age=600"
"""The bytes never change, so a cache might keep them for ever. But a takedown must reach caches that we cannot reach:
they ask again after ten minutes, for a 304, which is also why this must not say `immutable`."""
HIT, MISS, FOLLOW = "hit", "miss", "follow"


class SentWhole(PrebuiltAnswer):
    """A prebuilt answer that calls `served` once its body was sent."""

    def __init__(self, prebuilt: Prebuilt, *, unchanged: bool, served: Callable[[], None]) -> None:
        super().__init__(prebuilt, unchanged=unchanged)
        self._served = served

    async def write_eof(self, data: bytes = b"") -> None:
        """As of `PrebuiltAnswer`."""
        await super().write_eof(data)
        if self.body_length:
            self._served()


class _SentPart(web.Response):
    """As much of a small body as was asked for; calls `served`, if there is one, once it was sent."""

    def __init__(self, body: bytes, *, status: int, headers: dict[str, str], served: Callable[[], None] | None) -> None:
        super().__init__(body=body, status=status, headers=headers)
        self._served = served

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        served, self._served = self._served, None
        if served is not None:
            served()


def counting(counts: DownloadCounts, file_id: int | None, kind: Kind) -> Callable[[], None]:
    """What is to be done once a body was sent whole."""
    return lambda: None if kind is not Kind.FILE or file_id is None else counts.count(file_id)


def validators(etag: str | None, state: State, cache: str) -> dict[str, str]:
    """The headers that a file has in common with the 304 that stands for it."""
    headers = {"Cache-Control": CACHE_CONTROL, "X-Everpin-State": state.value, "X-Everpin-Cache": cache}
    return headers if etag is None else headers | {"ETag": etag}


def contents(kind: Kind) -> dict[str, str]:
    """The headers that say what a body is: data to be stored, whatever a browser would make of it."""
    return {
        "Content-Type": PROVENANCE_TYPE if kind is Kind.PROVENANCE else "application/octet-stream",
        "Content-Disposition": "attachment",
        "Accept-Ranges": "bytes",
    }


def unneeded(request: web.BaseRequest, etag: str, state: State, cache: str) -> web.Response | None:
    """The answer to one who needs no body, in the order of RFC 9110 section 13.2.2; None where one is to be sent."""
    headers = validators(etag, state, cache)
    if not if_match_holds(request.headers.get(hdrs.IF_MATCH), etag):
        return web.Response(status=412, headers=headers)
    if matches(request.headers.get(hdrs.IF_NONE_MATCH), etag):
        return web.Response(status=304, headers=headers)
    return None


def span_of(request: web.BaseRequest, etag: str, size: int) -> Span | None:
    """The part that the request asks for, None for the whole. Raises UnsatisfiableError."""
    wanted = request.headers.get(hdrs.RANGE)
    if wanted is None or request.method != "GET":
        # RFC 9110 section 14.2: for other methods the header means nothing.
        return None
    if not if_range_holds(request.headers.get(hdrs.IF_RANGE), etag):
        return None
    return asked_span(wanted, size)


async def answer(
    request: web.Request, file: Servable, store: Store, counts: DownloadCounts, cache: str = HIT
) -> web.StreamResponse | None:
    """The answer with these bytes, sent already where they are large. None where the store turns out to lack them."""
    if (spared := unneeded(request, file.etag, file.state, cache)) is not None:
        return spared
    headers = validators(file.etag, file.state, cache) | contents(file.kind)
    if request.method == "HEAD":
        return web.Response(headers=headers | {"Content-Length": str(file.size)})
    if file.whole is None and file.kind is Kind.FILE and (address := await store.address(file.key)) is not None:
        return _elsewhere(request, file, address, counts, cache)
    try:
        span = span_of(request, file.etag, file.size)
    except UnsatisfiableError:
        told = validators(file.etag, file.state, cache) | {"Content-Range": f"bytes */{file.size}"}
        return web.Response(status=416, headers=told)
    if span is not None:
        headers["Content-Range"] = span.content_range(file.size)
    status = 200 if span is None else 206
    part = span or Span(0, file.size)
    headers["Content-Length"] = str(part.stop - part.start)
    is_whole = part.stop - part.start == file.size
    served = counting(counts, file.file_id, file.kind) if is_whole else None
    if file.is_small:
        body = await _held_body(store, file)
        if body is None:
            return None
        return _SentPart(body[part.start : part.stop], status=status, headers=headers, served=served)
    sent = web.StreamResponse(status=status, headers=headers)
    took_all = await _send(request, sent, file, store, part)
    if took_all is None:
        return None
    if took_all and served is not None:
        served()
    return sent


async def _send(
    request: web.Request, sent: web.StreamResponse, file: Servable, store: Store, part: Span
) -> bool | None:
    """Whether the client took all; None where there is nothing to send."""
    if store.local_path(file.key) is None:
        return await _send_from_afar(request, sent, file, store, part)
    descriptor = await _opened(store, file)
    if descriptor is None:
        return None
    try:
        return await send_file(request, sent, descriptor, part.start, part.stop)
    finally:
        os.close(descriptor)


async def _send_from_afar(
    request: web.Request, sent: web.StreamResponse, file: Servable, store: Store, part: Span
) -> bool | None:
    async with aclosing(store.read(file.key, start=part.start, stop=part.stop)) as chunks:
        try:
            begun = await begun_with(chunks)
        except NotThereError:
            return None
        if part.stop - part.start < file.size:
            # Nobody knows the digest of a part.
            return await send_chunks(request, sent, _exactly(begun, part.stop - part.start))
        async with aclosing(checked(file.key, file.size, begun)) as right:
            return await send_chunks(request, sent, right)


async def _exactly(chunks: AsyncIterator[bytes], length: int) -> AsyncIterator[bytes]:
    """The chunks, or StoreError where they are not as many bytes as were announced."""
    async for chunk in chunks:
        yield chunk
        length -= len(chunk)
    if length:
        raise StoreError("an object is not as long as its store said")


def _elsewhere(
    request: web.Request, file: Servable, address: str, counts: DownloadCounts, cache: str
) -> web.StreamResponse:
    """Sends the client to where the bytes are. Such addresses pass, so nobody may remember this answer."""
    if hdrs.RANGE not in request.headers:
        # Nobody will tell whether all of it arrived there.
        counting(counts, file.file_id, file.kind)()
    headers = validators(None, file.state, cache) | {"Location": address, "Cache-Control": "no-store"}
    return web.Response(status=302, headers=headers)


async def _held_body(store: Store, file: Servable) -> bytes | None:
    """The small file's body, read once; None where the store lacks it."""
    if file.whole is not None:
        return file.whole.body
    body = await _read(store, file.key, file.size)
    if body is not None:
        shared = validators(file.etag, file.state, HIT)
        file.whole = put_together(file.etag, body, shared=shared, of_body=contents(file.kind))
    return body


async def _read(store: Store, key: StoreKey, size: int) -> bytes | None:
    path = store.local_path(key)
    try:
        if path is not None:
            # In one go: each step of `Store.read` would be a turn in a thread of its own.
            body, digest = await asyncio.to_thread(_hashed, path)
            if len(body) == size:
                require_digest(key, digest)
        else:
            body = await read_whole(store, key)
    except (FileNotFoundError, NotThereError):
        return None
    except OSError as e:
        raise StoreError(f"the store could not read {key}: {e.strerror}") from e
    return body if len(body) == size else None


def _hashed(path: Path) -> tuple[bytes, str]:
    body = path.read_bytes()
    return body, hashlib.sha256(body).hexdigest()


async def _opened(store: Store, file: Servable) -> int | None:
    """A descriptor of the local file, which is the caller's to close; None where the store lacks it."""
    path = store.local_path(file.key)
    if path is None:
        return None
    opening = asyncio.get_running_loop().run_in_executor(None, os.open, path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        descriptor = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(lambda done: os.close(done.result()) if done.exception() is None else None)
        raise
    except FileNotFoundError:
        return None
    except OSError as e:
        raise StoreError(f"the store could not open {file.key}: {e.strerror}") from e
    if os.fstat(descriptor).st_size != file.size:
        os.close(descriptor)
        return None
    return descriptor
