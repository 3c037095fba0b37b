"""Lock files that anybody sends: never a large one, read in a thread, and only a few at a time."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from aiohttp import content_disposition_filename, hdrs, parse_content_disposition, web

from mirror.setting_sections import default_index_url
from mirror.web.keys import ORIGINS, REFRESHER, SETTINGS
from mirror.web.problems import Problem
from watcher.api.bodies import body_of
from watcher.checking.choosing import own_pins
from watcher.locks import LeftOut, Pin
from watcher.locks.reading import Lock, LockError, read_lock

# What is received waits in memory; what is read takes the processor from those who install.
_RECEIVED_AT_A_TIME = 16
_READ_AT_A_TIME = 2
# Most are read within milliseconds: several who ask at once are all served.
_LONGEST_WAIT_SECONDS = 10.0
_LONGEST_FILENAME = 255

_Read = TypeVar("_Read")


def own_pins_of(request: web.Request, pins: Sequence[Pin]) -> tuple[tuple[Pin, ...], tuple[LeftOut, ...]]:
    """The pins that this mirror's index, or PyPI, can have delivered; and the others with the reason."""
    settings, private = request.app[SETTINGS], request.app[REFRESHER].index.private
    origins = (settings.upstream.index_url, default_index_url(), request.app[ORIGINS].of(request))
    return own_pins(pins, origins=origins, private=private)


class LockBodies:
    """Takes the lock files of one process."""

    def __init__(self, *, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._free = _RECEIVED_AT_A_TIME
        self._readers = asyncio.Semaphore(_READ_AT_A_TIME)

    async def lock_of(self, request: web.Request) -> Lock:
        """The lock that is the request's body, of the name `?filename=`, or that of its Content-Disposition.

        Without a name its content tells its format.

        Raises Problem: 413 where it is too large, 415 where it is a form, 422 where it is none, 503 where too many are
        being read.
        """
        filename = request.query.get("filename") or _disposed(request)
        if len(filename) > _LONGEST_FILENAME:
            raise Problem(422, "Unprocessable Content", f"filename is longer than {_LONGEST_FILENAME} characters")
        try:
            return await self.read(request, lambda body: read_lock(filename, body))
        except LockError as e:
            raise Problem(422, "Unprocessable Content", str(e)) from e

    async def read(self, request: web.Request, reader: Callable[[bytes], _Read]) -> _Read:
        """What `reader`, in a thread, makes of the request's body. Raises Problem as `lock_of`, and what it raises."""
        if request.content_type.startswith("multipart/"):
            raise Problem(415, "Unsupported Media Type", "send the file itself as the body, as curl --data-binary does")
        with self._place():
            body = await body_of(request, most_bytes=self._most_bytes)
            async with self._turn():
                return await asyncio.to_thread(reader, body)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One among those who send; nobody waits for it."""
        if self._free == 0:
            raise _busy()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
                await self._readers.acquire()
        except TimeoutError as e:
            raise _busy() from e
        try:
            yield
        finally:
            self._readers.release()


def _busy() -> Problem:
    return Problem(503, "Busy With Other Lock Files", "as many lock files are being read as can be at a time")


def _disposed(request: web.Request) -> str:
    """The filename in the request's Content-Disposition; empty where there is none that could be read."""
    with warnings.catch_warnings():
        # The header's reader warns of what is malformed, and then leaves it out.
        warnings.simplefilter("ignore")
        _, parameters = parse_content_disposition(request.headers.get(hdrs.CONTENT_DISPOSITION))
        return content_disposition_filename(parameters) or ""
