"""Bodies on their way out of the bucket: asked for at a signed address, without threads.

A stream that breaks is taken up where it broke, of the same object or of none. One that makes no headway is given up.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import structlog

from mirror.errors import NotThereError, StoreError
from mirror.store.interface import CHUNK
from mirror.store.s3.bucket import Bucket

log = structlog.get_logger()

_SIGNED_SECONDS = 60
_FIRST_PAUSE = 0.25
_OK, _PARTIAL, _NOT_FOUND, _BEYOND = 200, 206, 404, 416
_TOO_MANY = 429


class _BrokenError(Exception):
    """The stream came to an end too early, or did not begin; another one may do better."""


class Reading:
    """Reads objects of a bucket."""

    def __init__(self, bucket: Bucket, session: aiohttp.ClientSession) -> None:
        self._bucket = bucket
        self._session = session

    async def read(self, path: str, *, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to but without `stop`, as far as there are any. Raises NotThereError."""
        if stop is not None and start >= stop:
            await self._require(path)
            return
        position, etag, failures = start, "", 0
        while True:
            begun = position
            try:
                async with self._opened(path, position, stop, etag) as answer:
                    if answer is None:
                        return
                    etag = answer.headers.get("ETag", "")
                    async for chunk in answer.content.iter_chunked(CHUNK):
                        position += len(chunk)
                        yield chunk
                    return
            except (aiohttp.ClientError, TimeoutError, OSError, _BrokenError) as e:
                failures = 1 if position > begun else failures + 1
                if failures >= self._bucket.limits.attempts:
                    raise StoreError(f"the bucket {self._bucket.name} could not be read on: {_named(e)}") from e
                log.debug("store.stream_broke", path=path, position=position, reason=_named(e))
            await asyncio.sleep(_FIRST_PAUSE * 2 ** (failures - 1))

    @asynccontextmanager
    async def _opened(
        self, path: str, start: int, stop: int | None, etag: str
    ) -> AsyncIterator[aiohttp.ClientResponse | None]:
        """The answer whose body begins at `start`; None where the object ends before that."""
        headers = {"If-Match": etag} if etag else {}
        if start or stop is not None:
            headers["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        address = await self._bucket.sign(path, seconds=_SIGNED_SECONDS)
        async with self._session.get(
            address, headers=headers, proxy=self._bucket.proxy, allow_redirects=False
        ) as answer:
            if answer.status == _BEYOND:
                yield None
                return
            await self._judge(answer, path, start, is_partial="Range" in headers)
            yield answer

    async def _judge(self, answer: aiohttp.ClientResponse, path: str, start: int, *, is_partial: bool) -> None:
        status = answer.status
        if status == _NOT_FOUND:
            await self._bucket.require()
            raise NotThereError(f"the store has no object {path}")
        if status == _TOO_MANY or status >= 500:
            raise _BrokenError(f"it answered {status}")
        begins = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if status != (_PARTIAL if is_partial else _OK) or (is_partial and not begins):
            raise StoreError(f"the bucket {self._bucket.name} answered {status} instead of sending {path}")

    async def _require(self, path: str) -> None:
        if await self._bucket.find(path) is None:
            raise NotThereError(f"the store has no object {path}")


@asynccontextmanager
async def opened_reading(bucket: Bucket, *, ca_file: str | None) -> AsyncIterator[Reading]:
    """Reads until the end of the context. A server's certificate is signed by one of `ca_file`, where there is one."""
    limits = bucket.limits
    # As many as there are clients who read: slow ones keep a connection each.
    connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cafile=ca_file) if ca_file else True)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_seconds, sock_read=limits.read_seconds),
        read_bufsize=CHUNK,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        # Signatures stand in the address; what the environment has for other hosts is not sent.
        trust_env=False,
    ) as session:
        yield Reading(bucket, session)


def _named(error: BaseException) -> str:
    return str(error) if isinstance(error, _BrokenError) else type(error).__name__
