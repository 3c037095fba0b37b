"""Asks the source of advisories over HTTP; nobody else does.

Promises: redirects are not followed, no body is endless, and whatever goes wrong is an `UpstreamUnavailableError` of
one sentence, or a `NotThereError` where the source says that it has no such thing. What was read before under the same
tag (`ETag`) is not sent again.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import aiohttp

from mirror.advisories import LARGEST_RECORD
from mirror.errors import NotThereError, StoreError, UpstreamUnavailableError
from mirror.events import presentable
from watcher.advisories.changes import BadLineError, Change, Changes

LARGEST_ARCHIVE: Final = 2 * 2**30
"""A larger archive is refused; that of PyPI has some ten MiB."""
LARGEST_LIST: Final = 64 * 2**20
"""No more of the list of changes is read; of PyPI's, all is a few MiB."""

_PIECE: Final = 2**20
_LONGEST_TAG: Final = 200
# An answer that trickles satisfies the wait for the next byte for ever.
_WHOLE_ANSWER_SECONDS: Final = 1_800.0
_FAILURES = (aiohttp.ClientError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Modified:
    """What was modified: the changes, newest first, the time of the newest of all records, and the list's tag."""

    changes: tuple[Change, ...]
    newest: datetime | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class Archived:
    """That the archive came, and under which tag."""

    etag: str | None


class AdvisoryClient:
    """Asks one source. `timeout` is the longest wait, in seconds, for a connection and for each next byte."""

    def __init__(self, session: aiohttp.ClientSession, url: str, *, timeout: float) -> None:
        self._session = session
        self.url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=_WHOLE_ANSWER_SECONDS, sock_connect=timeout, sock_read=timeout)

    async def archive(self, into: io.FileIO, *, etag: str | None) -> Archived | None:
        """Writes the archive of all records into the file; None where it is the one of that tag."""
        async with self._get("all.zip", etag=etag) as response:
            if response.status == 304:
                return None
            size = 0
            async for piece in response.content.iter_chunked(_PIECE):
                size += len(piece)
                if size > LARGEST_ARCHIVE:
                    raise UpstreamUnavailableError(f"the archive of advisories is larger than {LARGEST_ARCHIVE} bytes")
                await asyncio.to_thread(_write, into, piece)
            return Archived(_tag(response))

    async def modified_since(self, since: datetime, *, etag: str | None) -> Modified | None:
        """The changes from that time on; None where the list is the one of that tag."""
        found = Changes(since)
        async with self._get("modified_id.csv", etag=etag) as response:
            if response.status == 304:
                return None
            size = 0
            try:
                async for piece in response.content.iter_chunked(2**16):
                    size += len(piece)
                    if size > LARGEST_LIST:
                        raise UpstreamUnavailableError("the list of changed advisories has no end")
                    found.feed(piece)
                    if found.is_complete:
                        break
                else:
                    found.end()
            except BadLineError as e:
                raise UpstreamUnavailableError(str(e)) from e
            return Modified(found.malware, found.newest, _tag(response))

    async def record(self, id_: str) -> bytes:
        """One record. Raises NotThereError where the source has none of that id."""
        async with self._get(f"{id_}.json", etag=None) as response:
            body = bytearray()
            async for piece in response.content.iter_chunked(2**16):
                body += piece
                if len(body) > LARGEST_RECORD:
                    break  # who reads it refuses it
            return bytes(body)

    @asynccontextmanager
    async def _get(self, name: str, *, etag: str | None) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"If-None-Match": etag} if etag else {}
        try:
            async with self._session.get(
                f"{self.url}/{name}", headers=headers, allow_redirects=False, timeout=self._timeout
            ) as response:
                _refuse_unless_usable(response, name, may_be_same=bool(etag))
                try:
                    yield response
                finally:
                    # Of the list of changes only the beginning is read.
                    response.close()
        except TimeoutError as e:
            raise UpstreamUnavailableError("the source of advisories did not answer in time") from e
        except _FAILURES as e:
            reason = presentable(str(e)) or type(e).__name__
            raise UpstreamUnavailableError(f"the source of advisories cannot be read: {reason}") from e


def _refuse_unless_usable(response: aiohttp.ClientResponse, name: str, *, may_be_same: bool) -> None:
    status = response.status
    if status == 200 or (status == 304 and may_be_same):
        return
    if status in (404, 410):
        raise NotThereError(f"the source of advisories has no {name}")
    if 300 <= status < 400 and status != 304:
        raise UpstreamUnavailableError("the source of advisories redirects, which is not followed")
    raise UpstreamUnavailableError(f"the source of advisories answered HTTP {status} to {name}")


def _tag(response: aiohttp.ClientResponse) -> str | None:
    tag = response.headers.get("ETag", "")
    return tag if 0 < len(tag) <= _LONGEST_TAG and tag.isascii() and tag.isprintable() else None


def _write(into: io.FileIO, piece: bytes) -> None:
    view = memoryview(piece)
    try:
        while view:
            view = view[into.write(view) :]
    except OSError as e:
        raise StoreError(f"the advisories cannot be spooled: {e.strerror}") from e
