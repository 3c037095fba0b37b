"""Asks the journal over XML-RPC; nobody else speaks it.

Promises: an answer is believed as a whole or not at all, redirects are not followed, a body can be neither endless nor
a bomb, and whatever goes wrong is an `UpstreamUnavailableError` of one sentence. Large answers are decoded in a thread.
"""

import asyncio
import re
import time
import xmlrpc.client
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import aiohttp
from defusedxml.xmlrpc import DefusedExpatParser

from mirror.errors import UpstreamUnavailableError
from mirror.events import presentable
from mirror.journal_rows import JournalRow
from mirror.names import LARGEST_SERIAL, Serial
from watcher.journal.parse import BadRowError, parse_row

_Read = TypeVar("_Read")

PAGE_SIZE: Final = 50_000
"""So many rows PyPI answers at most; an answer with fewer was the last page."""

LARGEST_BODY: Final = 64 * 2**20
"""A larger answer is refused; a full page takes about 15 MiB."""

_CHUNK: Final = 2**16
# Below this an answer is decoded within a few milliseconds, so that a thread would only cost.
_DECODED_IN_PLACE: Final = 256 * 2**10
# A reply that trickles satisfies the wait for the next byte for ever; this many of those waits it may take in all.
_WAITS_IN_ALL: Final = 10

# What to wait where a limit is used up and nobody says until when, and the longest wait that is believed: PyPI counts
# calls per hour.
_PAUSE_UNTOLD: Final = 60.0
_LONGEST_PAUSE: Final = 3600.0

_LONGEST_QUOTE: Final = 500

_RESET_IN_FAULT = re.compile(r"Limit may reset in (\d{1,9}) seconds")
_REMAINING = re.compile(r";\s*r=(\d{1,18})(?=\s*(?:;|\Z))")
_RESET = re.compile(r";\s*t=(\d{1,18})(?=\s*(?:;|\Z))")


class JournalRateLimitedError(UpstreamUnavailableError):
    """The journal answers no more calls for a while. A call made meanwhile is refused and counted all the same."""

    def __init__(self, retry_after_seconds: float, *, is_told: bool) -> None:
        super().__init__(f"the journal's rate limit is used up, for {retry_after_seconds:.0f} s")
        self.retry_after_seconds = retry_after_seconds
        self.is_told = is_told
        """Whether upstream said when it ends."""


class JournalClient:
    """Asks one journal. `timeout` is the longest wait, in seconds, for a connection and for each next byte.

    No call begins less than `spacing` seconds after the one before.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        timeout: float,
        spacing: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout * _WAITS_IN_ALL, sock_connect=timeout, sock_read=timeout)
        self._clock = clock
        self._not_before = clock()
        self._spacing = spacing
        self._next_call = clock()

    @property
    def pause_seconds(self) -> float:
        """How long the next call has to wait, by what answers said of the rate limit; 0 where it may come at once.

        Waiting is left to the caller.
        """
        return max(0.0, self._not_before - self._clock())

    async def last_serial(self) -> Serial:
        """The serial of the newest row, 0 where the journal is empty."""
        return await self._call("changelog_last_serial", read=_serial)

    async def since(self, serial: Serial) -> tuple[JournalRow, ...]:
        """The oldest rows above `serial`, ascending: one page of them.

        There are more above the last row's serial unless the page has fewer than `PAGE_SIZE` rows.
        """
        return await self._call("changelog_since_serial", serial, read=lambda answer: _rows(answer, above=serial))

    async def _call(self, method: str, *params: int, read: Callable[[object], _Read]) -> _Read:
        wait = self._next_call - self._clock()
        self._next_call = self._clock() + max(0.0, wait) + self._spacing
        if wait > 0:
            await asyncio.sleep(wait)
        body = await self._post(xmlrpc.client.dumps(params, method).encode())
        try:
            if len(body) <= _DECODED_IN_PLACE:
                return read(_decode(body))
            return await asyncio.to_thread(lambda: read(_decode(body)))
        except xmlrpc.client.Fault as e:
            raise self._refusal(e) from e

    async def _post(self, request: bytes) -> bytes:
        try:
            async with self._session.post(
                self._url,
                data=request,
                # PyPI routes by this very type; any other one is redirected to a web page.
                headers={"Content-Type": "text/xml"},
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                self._heed(response.headers.getall("RateLimit", ()))
                self._refuse_unless_ok(response)
                return await _body(response)
        except TimeoutError as e:
            raise UpstreamUnavailableError("the journal did not answer in time") from e
        except aiohttp.ClientConnectionError as e:
            raise UpstreamUnavailableError(f"no connection to the journal: {presentable(str(e))}") from e
        except aiohttp.ClientError as e:
            raise UpstreamUnavailableError(f"the journal's answer cannot be read: {presentable(str(e))}") from e

    def _refuse_unless_ok(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status == 200:
            return
        if status == 429:
            raise self._limited(_seconds(response.headers.get("Retry-After", "")))
        if status == 503:
            raise UpstreamUnavailableError("the journal is down for now (HTTP 503)")
        if 300 <= status < 400:
            target = presentable(response.headers.get("Location", "nowhere"))
            raise UpstreamUnavailableError(f"the journal redirects to {target} (HTTP {status}), which is not followed")
        raise UpstreamUnavailableError(f"the journal answered HTTP {status}")

    def _heed(self, fields: Sequence[str]) -> None:
        # One item for each window, such as `"xmlrpc.client-0";r=12;t=31`; the slowest one that is used up decides.
        # An answer that does not mention the limit, as those of a CDN, takes nothing back.
        if not fields:
            return
        waits = [0.0]
        for item in ",".join(fields).split(","):
            remaining, reset = _REMAINING.search(item), _RESET.search(item)
            if remaining and int(remaining[1]) == 0:
                waits.append(_seconds(reset[1]) or 0.0 if reset else _PAUSE_UNTOLD)
        self._not_before = self._clock() + max(waits)

    def _refusal(self, fault: xmlrpc.client.Fault) -> UpstreamUnavailableError:
        text = _scalar(fault.faultString)
        if "HTTPTooManyRequests" in text:
            reset = _RESET_IN_FAULT.search(text)
            return self._limited(_seconds(reset[1]) if reset else None)
        return UpstreamUnavailableError(f"the journal answered fault {_scalar(fault.faultCode)}: {text}")

    def _limited(self, told: float | None) -> JournalRateLimitedError:
        known = told if told is not None else self.pause_seconds or None
        pause = max(1.0, known if known is not None else _PAUSE_UNTOLD)
        self._not_before = max(self._not_before, self._clock() + pause)
        return JournalRateLimitedError(pause, is_told=known is not None)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST_BODY:
            raise UpstreamUnavailableError(f"the journal's answer is larger than {LARGEST_BODY} bytes")
    return bytes(body)


def _decode(body: bytes) -> object:
    # `xmlrpc.client.getparser` would take the parser that a patched module global names; this way nothing is patched.
    # No answer has a document type, so none is allowed, and with it neither entities nor a whole HTML page.
    unmarshaller = xmlrpc.client.Unmarshaller()
    parser = DefusedExpatParser(unmarshaller, forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
        values = unmarshaller.close()
    except xmlrpc.client.Fault:
        raise
    # The unmarshaller takes any XML and stumbles over what is no XML-RPC in any way Python code can: by index, key,
    # type, attribute, arithmetic. Whatever it was, the answer says nothing.
    except Exception as e:
        raise UpstreamUnavailableError(f"the journal's answer is not XML-RPC: {type(e).__name__}") from e
    if len(values) != 1:
        raise UpstreamUnavailableError(f"the journal answered {len(values)} values, not one")
    return values[0]


def _serial(answer: object) -> Serial:
    if answer is None:
        return Serial(0)
    if type(answer) is not int or not 0 <= answer <= LARGEST_SERIAL:
        raise UpstreamUnavailableError("the journal's last serial is not a serial")
    return Serial(answer)


def _rows(answer: object, *, above: Serial) -> tuple[JournalRow, ...]:
    if not isinstance(answer, list):
        raise UpstreamUnavailableError("the journal's answer is not a list of rows")
    try:
        rows = tuple(parse_row(raw) for raw in answer)
    except BadRowError as e:
        raise UpstreamUnavailableError(f"the journal's answer is unusable: {e}") from e
    previous = above
    for row in rows:
        if row.serial <= previous:
            raise UpstreamUnavailableError(f"the journal's answer is out of order: row {row.serial} after {previous}")
        previous = row.serial
    return rows


def _scalar(value: object) -> str:
    # Anything may stand in a fault, also lists too deep to be written.
    return presentable(str(value)[:_LONGEST_QUOTE]) if isinstance(value, str | int) else f"a {type(value).__name__}"


def _seconds(text: str) -> float | None:
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdecimal() else None
