"""Asking the index for project pages and the list of all projects, with every bound that a hostile answer needs.

Addresses are those of PEP 503. Answers are the JSON of PEP 691, or HTML where the index speaks nothing else.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog

from mirror.errors import NotThereError, UpstreamUnavailableError
from mirror.model import ProjectPage
from mirror.names import ProjectName, Serial
from mirror.upstream.entries import ParsedPage, serial_of_header
from mirror.upstream.forms import Form, form_of
from mirror.upstream.hosts import same_origin
from mirror.upstream.html_page import parse_html_listing, parse_html_page
from mirror.upstream.listing import Listing, parse_listing
from mirror.upstream.page import parse_page
from mirror.upstream.session import Answer, UpstreamSession, shown
from mirror.upstream.turns import Turns

LARGEST_PAGE = 64 * 2**20
"""A page of more bytes, unpacked, is refused."""

LARGEST_LIST = 128 * 2**20
"""A list of all projects of more bytes, unpacked, is refused; PyPI's has some 40 MiB."""

LONGEST_ANSWER = 120.0
"""Seconds after which a page is given up although bytes keep coming."""

LONGEST_LIST = 600.0
"""Seconds after which the list is given up."""

_HEADERS = {
    # PEP 691's own example of how to ask: HTML only where there is no JSON.
    "Accept": "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
    "Accept-Encoding": "gzip",
}
_SERIAL_HEADER = "X-PyPI-Last-Serial"

# Some ten milliseconds of parsing; a larger page would hold up everybody else in the loop.
_PARSED_IN_THE_LOOP = {Form.JSON: 256 * 2**10, Form.HTML: 32 * 2**10}

_UNPACKED_AT_A_TIME = 2**20

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NotModified:
    """The page is still the one that the ETag names; `serial` is what the index tells of it now."""

    serial: Serial | None


class Index:
    """The simple index below `index_url`. Whoever asks while no client waits takes one of its `turns` before.

    The `private` names are never asked for.
    """

    def __init__(self, session: UpstreamSession, index_url: str, *, turns: Turns | None = None) -> None:
        self.turns = turns or Turns()
        self.private = session.private
        self._session = session
        self._root = index_url.rstrip("/")

    async def page(
        self, project: ProjectName, *, etag: str | None = None, timeout: float | None = None
    ) -> ProjectPage | NotModified:
        """The project's page, or NotModified where `etag` still names it; `timeout` (seconds) bounds all of it.

        Raises NotThereError only for a plain 404, and PrivateNameError, without a request, for a private name.
        Anything else that is not a believable page is UpstreamUnavailableError.
        """
        self.private.refuse(project)
        url = f"{self._root}/{project}/"
        try:
            async with asyncio.timeout(LONGEST_ANSWER if timeout is None else timeout):
                return await self._ask(project, url, etag)
        except TimeoutError as e:
            raise UpstreamUnavailableError(f"{shown(url)} did not answer completely in time") from e

    async def listing(self) -> Listing:
        """The list of all projects. UpstreamUnavailableError for anything that is not a believable list."""
        url = f"{self._root}/"
        try:
            async with (
                asyncio.timeout(LONGEST_LIST),
                self._session.get(url, headers=_HEADERS, may_follow=lambda target: same_origin(url, target)) as answer,
            ):
                self.turns.heed(answer.status, answer.values)
                if answer.status != 200:
                    raise UpstreamUnavailableError(f"{shown(url)} answered {answer.status}")
                form = form_of(answer.header("Content-Type"), shown(answer.url))
                body = await _whole(answer, LARGEST_LIST)
        except TimeoutError as e:
            raise UpstreamUnavailableError(f"{shown(url)} did not answer completely in time") from e
        read = parse_listing if form is Form.JSON else parse_html_listing
        return await asyncio.to_thread(read, body)

    async def _ask(self, project: ProjectName, url: str, etag: str | None) -> ProjectPage | NotModified:
        headers = _HEADERS if etag is None else {**_HEADERS, "If-None-Match": etag}
        async with self._session.get(
            url, headers=headers, may_follow=lambda target: same_origin(url, target)
        ) as answer:
            self.turns.heed(answer.status, answer.values)
            if answer.status == 304 and etag is not None:
                return NotModified(serial_of_header(answer.header(_SERIAL_HEADER)))
            if answer.status == 404:
                raise NotThereError(f"the index has no project {project}")
            if answer.status != 200:
                raise UpstreamUnavailableError(f"{shown(url)} answered {answer.status}")
            form = form_of(answer.header("Content-Type"), shown(answer.url))
            body = await _whole(answer, LARGEST_PAGE)
        parsed = await _parse(project, answer, body, form)
        if parsed.dropped:
            log.warning("upstream.entries_dropped", project=project, entries=parsed.dropped)
        return parsed.page


async def _whole(answer: Answer, most: int) -> bytes:
    if answer.length is not None and answer.length > most:
        raise _too_large(answer, most)
    encoding = (answer.header("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise UpstreamUnavailableError(f"{shown(answer.url)} answered in an encoding that was not asked for")
    unpacked = answer.pieces() if encoding == "identity" else _gunzip(answer, most)
    body = bytearray()
    async for piece in unpacked:
        body += piece
        if len(body) > most:
            raise _too_large(answer, most)
    return bytes(body)


async def _gunzip(answer: Answer, most: int) -> AsyncIterator[bytes]:
    """The body unpacked in bounded steps: a few bytes of gzip can stand for gigabytes."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    received = 0
    async for packed in answer.pieces():
        received += len(packed)
        if received > most:
            # Gzip can also be endless without ever unpacking to anything.
            raise _too_large(answer, most)
        rest = packed
        while rest and not unpacker.eof:
            try:
                yield unpacker.decompress(rest, _UNPACKED_AT_A_TIME)
            except zlib.error as e:
                raise UpstreamUnavailableError(f"{shown(answer.url)} answered with damaged gzip") from e
            rest = unpacker.unconsumed_tail
            await asyncio.sleep(0)
    if not unpacker.eof:
        # What the last bounded step had read but not yet written out: less than one window.
        yield unpacker.flush()
    if not unpacker.eof:
        raise UpstreamUnavailableError(f"{shown(answer.url)} answered with gzip that breaks off")


async def _parse(project: ProjectName, answer: Answer, body: bytes, form: Form) -> ParsedPage:
    read = parse_page if form is Form.JSON else parse_html_page

    def parse() -> ParsedPage:
        return read(project, answer.url, body, serial_header=answer.header(_SERIAL_HEADER), etag=answer.header("ETag"))

    return parse() if len(body) <= _PARSED_IN_THE_LOOP[form] else await asyncio.to_thread(parse)


def _too_large(answer: Answer, most: int) -> UpstreamUnavailableError:
    return UpstreamUnavailableError(f"the page {shown(answer.url)} is larger than {most} bytes")
