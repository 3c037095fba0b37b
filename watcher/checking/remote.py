"""Asks a mirror how pins stand: the pins go there, never the file they stand in."""

import asyncio
from collections.abc import Iterator, Sequence

import aiohttp
import msgspec
from yarl import URL

from mirror.errors import StartError
from mirror.events import presentable
from watcher.checking.findings import Finding
from watcher.checking.report import BadReportError, Report, question_of, read_report
from watcher.locks import LeftOut, Pin

CHECK_PATH = "api/v1/check"
_PINS_AT_A_TIME = 2_000
_PROJECTS_AT_A_TIME = 250
"""A mirror looks at only so many new projects for one question."""
_TIMEOUT = aiohttp.ClientTimeout(total=90, sock_connect=10)
_LARGEST_ANSWER = 32 * 2**20
_CHUNK = 65_536
_INDEX_PATH = "/simple"
_BUSY = 503
_TRIES_WHILE_BUSY = 10
_PAUSE_SECONDS = 1.0


class _Refusal(msgspec.Struct):
    """What stands in a refusal, by RFC 9457."""

    detail: str = ""


async def ask_mirror(address: str, pins: Sequence[Pin]) -> tuple[tuple[Finding, ...], tuple[LeftOut, ...]]:
    """How the mirror at that address finds the pins, and what it has left out. Raises StartError.

    The address is the mirror's own or that of its index. Redirects are not followed: whoever answers instead of the one
    that was named is not asked. Certificates are checked.
    """
    url = _url(address)
    findings: list[Finding] = []
    left_out: list[LeftOut] = []
    # Through the proxy that the environment names, as pip does: many runners reach nothing without it.
    async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session:
        for some in _portions(pins):
            report = await _asked(session, url, question_of(some))
            found, rest = _matched(url, some, report)
            findings += found
            left_out += rest
    return tuple(findings), tuple(left_out)


def _url(address: str) -> URL:
    try:
        url = URL(address.strip())
        is_address = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        is_address = False
    if not is_address:
        raise StartError("--mirror is not an address; write one such as https://mirror.example.org")
    return url.with_path(f"{url.path.rstrip('/').removesuffix(_INDEX_PATH)}/{CHECK_PATH}")


def _portions(pins: Sequence[Pin]) -> Iterator[list[Pin]]:
    some: list[Pin] = []
    projects: set[str] = set()
    for pin in pins:
        is_full = len(projects) == _PROJECTS_AT_A_TIME and pin.project not in projects
        if is_full or len(some) == _PINS_AT_A_TIME:
            yield some
            some, projects = [], set()
        some.append(pin)
        projects.add(pin.project)
    if some:
        yield some


async def _asked(session: aiohttp.ClientSession, url: URL, question: bytes) -> Report:
    status, body = await _answered(session, url, question)
    for _ in range(_TRIES_WHILE_BUSY):
        if status != _BUSY:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
        status, body = await _answered(session, url, question)
    if status != 200:
        raise StartError(f"the mirror at {_shown(url)} does not answer the question: {_refusal(status, body)}")
    try:
        return read_report(body)
    except BadReportError as e:
        raise StartError(f"{_shown(url)} is not such a mirror: {e}") from e


async def _answered(session: aiohttp.ClientSession, url: URL, question: bytes) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        async with session.post(url, data=question, headers=headers, allow_redirects=False) as answer:
            return answer.status, await _body(url, answer)
    except TimeoutError as e:
        raise StartError(f"the mirror at {_shown(url)} did not answer in time; try again, or name another") from e
    except (aiohttp.ClientError, OSError, ValueError) as e:
        said = presentable(str(e)) or type(e).__name__
        raise StartError(f"the mirror at {_shown(url)} cannot be asked ({said}); check --mirror") from e


async def _body(url: URL, answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise StartError(f"the mirror at {_shown(url)} answers with more than it was asked for")
    return bytes(body)


def _refusal(status: int, body: bytes) -> str:
    if 300 <= status < 400:
        return f"{status}, it sends elsewhere; name the address itself with --mirror"
    try:
        detail = presentable(msgspec.json.decode(body, type=_Refusal).detail)
    except (ValueError, RecursionError):
        detail = ""
    return f"{status}, {detail}" if detail else f"{status}; is it an everpin of this version?"


def _matched(url: URL, pins: Sequence[Pin], report: Report) -> tuple[list[Finding], list[LeftOut]]:
    """The answers with the pins they are about, in the order of the pins; they name them by their places."""
    files = {one.source: one for one in report.files}
    rest = {one.source: one for one in report.left_out}
    findings, left_out = [], []
    for number, pin in enumerate(pins):
        place = str(number)
        if (file := files.get(place)) is not None:
            said = presentable(file.reason), presentable(file.advice)
            findings.append(Finding(pin, file.state, *said, pin.filename or presentable(file.filename)))
        elif (one := rest.get(place)) is not None:
            left_out.append(LeftOut(pin.source, pin.project, presentable(one.why)))
        else:
            raise StartError(f"the mirror at {_shown(url)} does not say how {pin.project} stands")
    return findings, left_out


def _shown(url: URL) -> str:
    """The address without a password that may be part of it."""
    return presentable(str(url.origin()))
