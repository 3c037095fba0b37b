"""Answers that were put into bytes beforehand: what is sent often is only handed to the connection.

An ordinary answer of aiohttp is made of a dictionary of headers, a signal and a serialiser, each time anew; for a page
in memory that is most of the work. A `PrebuiltAnswer` keeps to what aiohttp documents: it is a `StreamResponse` whose
`prepare` and `write_eof` are its own, writes to the request's transport and has the request's writer wait for slow
readers. It answers HTTP/1.1 only, and no `on_response_prepare` signal is sent for it.
"""

import asyncio
import time
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE

from mirror.index.render import Rendered
from mirror.names import Serial
from mirror.web.problems import ALWAYS

_CACHE_CONTROL = "public, max-age=60"
"""What was withdrawn must not live longer than a minute in caches that we cannot reach."""

# Up to this size copying a body behind its headers is cheaper than a second piece for the connection.
_COPIED_BYTES = 32_768
_CLOSE = b"Connection: close\r\n"
_END = b"\r\n"


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """One representation: the start of its 200 and of its 304, each up to the headers that vary, and its body."""

    etag: str
    found: bytes
    unchanged: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """A rendered page with what is sent of it, plain and compressed."""

    rendered: Rendered
    plain: Prebuilt
    gzipped: Prebuilt

    @property
    def size(self) -> int:
        """The bytes it takes in memory."""
        forms = (self.plain, self.gzipped)
        return sum(len(form.found) + len(form.unchanged) + len(form.body) for form in forms)


def ready(rendered: Rendered, serial: Serial | None) -> Ready:
    """Puts the answers with a page into bytes."""
    return Ready(rendered, _prebuilt(rendered, serial, gzipped=False), _prebuilt(rendered, serial, gzipped=True))


def put_together(etag: str, body: bytes, *, shared: dict[str, str], of_body: dict[str, str]) -> Prebuilt:
    """One representation; `shared` are the headers that its 304 has too, to which those of every answer are added."""
    always = shared | dict(ALWAYS) | {"Server": SERVER_SOFTWARE}
    found = _start("200 OK", always | of_body | {"Content-Length": str(len(body))})
    return Prebuilt(etag, found, _start("304 Not Modified", always), body)


def validators(etag: str, serial: Serial | None) -> dict[str, str]:
    """The headers that a page has in common with the 304 that stands for it."""
    headers = {"ETag": etag, "Cache-Control": _CACHE_CONTROL, "Vary": "Accept, Accept-Encoding"}
    if serial is not None:
        headers["X-PyPI-Last-Serial"] = str(serial)
    return headers


def contents(content_type: str, *, gzipped: bool) -> dict[str, str]:
    """The headers that say what a page's body is."""
    return {"Content-Type": content_type} | ({"Content-Encoding": "gzip"} if gzipped else {})


class PrebuiltAnswer(web.StreamResponse):
    """A 200 or 304 whose headers and body are bytes already."""

    def __init__(self, prebuilt: Prebuilt, *, unchanged: bool) -> None:
        super().__init__(status=304 if unchanged else 200)
        self._prebuilt = prebuilt
        self._request: web.BaseRequest | None = None
        self._written = 0

    @property
    def prepared(self) -> bool:
        """Whether it is being sent."""
        return self._request is not None

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection goes on afterwards, as the client wished."""
        return None if self._request is None else self._request.keep_alive

    @property
    def body_length(self) -> int:
        """The bytes that were sent of the body, as access logs show it."""
        return self._written

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Nothing is left to prepare; where it goes is noted."""
        self._request = request
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Sends everything, and waits until a slow reader has taken most of it. ConnectionError if it went."""
        request, prebuilt = self._request, self._prebuilt
        if request is None or data:
            raise RuntimeError("a prebuilt answer is prepared first, and has its body already")
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        start = prebuilt.found if self.status == 200 else prebuilt.unchanged
        end = _moment() if request.keep_alive else _moment() + _CLOSE
        body = b"" if self.status == 304 or request.method == "HEAD" else prebuilt.body
        if len(body) > _COPIED_BYTES and _takes_pieces(transport):
            transport.writelines((start, end, _END, body))
        else:
            transport.write(b"".join((start, end, _END, body)))
        self._written = len(body)
        await request.writer.drain()


def _takes_pieces(transport: object) -> bool:
    """Whether several pieces are sent without being copied.

    asyncio's own transports join them, or forget to say that they hold too much (Python 3.12.0 to 3.12.8). uvloop's are
    other classes.
    """
    return not isinstance(transport, asyncio.Transport)


class _Clock:
    """`Date`, written once a second."""

    second = 0
    header = b""


def _moment() -> bytes:
    now = int(time.time())
    if now != _Clock.second:
        _Clock.header = f"Date: {formatdate(now, usegmt=True)}\r\n".encode()
        _Clock.second = now
    return _Clock.header


def _prebuilt(rendered: Rendered, serial: Serial | None, *, gzipped: bool) -> Prebuilt:
    body, etag = (rendered.gzipped, rendered.gzip_etag) if gzipped else (rendered.body, rendered.etag)
    of_body = contents(rendered.content_type, gzipped=gzipped)
    return put_together(etag, body, shared=validators(etag, serial), of_body=of_body)


def _start(status: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if lines.count("\n") != len(headers):
        raise ValueError("a header of a page holds a line break")
    return f"HTTP/1.1 {status}\r\n{lines}".encode("ascii")
