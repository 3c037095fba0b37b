"""`/api/v1/check`: a lock file, or pins, against this mirror. Nothing of it is stored."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from mirror.names import ProjectName
from mirror.states import Rules
from mirror.web.keys import CATALOG, PAGES
from mirror.web.problems import Problem
from watcher.api.lock_bodies import own_pins_of
from watcher.api.lock_feeds import LOCKS
from watcher.api.looking import Looking
from watcher.checking import Finding, PinState, check_pins
from watcher.checking.evidence import Asked
from watcher.checking.report import BadReportError, read_question, report_of
from watcher.locks import LeftOut, Lock, LockError, Pin
from watcher.locks.reading import read_lock

CHECK_ROUTE = "/api/v1/check"

MOST_PINS = 50_000
_CHECKED_AT_A_TIME = 2
_JSON = "application/json"
_PIPFILE = re.compile(rb'\s*\{\s*"_meta"')
# More than this is chosen from and rendered by a thread.
_ROWS_RENDERED_IN_THE_LOOP = 1_000
_DOUBTFUL = frozenset({PinState.UNKNOWN, PinState.REPLACED})
"""What may only be unknown because upstream was not asked lately."""


@dataclass(frozen=True, slots=True)
class CheckParts:
    """What the handler needs beside what the application has."""

    rules: Rules
    looking: Looking = field(default_factory=Looking)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CHECKED_AT_A_TIME))


CHECK = web.AppKey("check", CheckParts)


def add_routes(app: web.Application, parts: CheckParts) -> None:
    """Adds the URL. The parts of `lock_feeds` are there already."""
    app[CHECK] = parts
    app.router.add_post(CHECK_ROUTE, check)


async def check(request: web.Request) -> web.Response:
    """How all pins stand; `?strict=true` also counts what is yanked as found.

    The body is a lock file, called `?filename=` or told by its content, or, as JSON without that, `{"pins": [...]}`. A
    project that was never seen, or whose pins were not found, is looked at first.
    """
    strict = _flag(request, "strict")
    lock = await _lock_of(request)
    if len(lock.pins) > MOST_PINS:
        raise Problem(413, "Content Too Large", f"at most {MOST_PINS} pins are checked at once")
    is_long = len(lock.pins) > _ROWS_RENDERED_IN_THE_LOOP
    pins, left_out = (
        await asyncio.to_thread(own_pins_of, request, lock.pins) if is_long else own_pins_of(request, lock.pins)
    )
    findings = await _checked(request, pins)
    told: tuple[LeftOut, ...] = (*lock.left_out, *left_out)

    def work() -> bytes:
        return report_of(findings, told, strict=strict)

    is_large = len(findings) + len(told) > _ROWS_RENDERED_IN_THE_LOOP
    body = await asyncio.to_thread(work) if is_large else work()
    return web.Response(body=body, content_type=_JSON, headers={"Cache-Control": "no-store"})


async def _lock_of(request: web.Request) -> Lock:
    bodies = request.app[LOCKS].bodies
    if request.content_type == _JSON and "filename" not in request.query:
        return await bodies.read(request, _asked)
    return await bodies.lock_of(request)


def _asked(body: bytes) -> Lock:
    try:
        # A Pipfile.lock is JSON, too, and begins with this.
        if _PIPFILE.match(body):
            return read_lock("Pipfile.lock", body)
        return Lock(read_question(body, most=MOST_PINS))
    except (BadReportError, LockError) as e:
        raise Problem(422, "Unprocessable Content", str(e)) from e


async def _checked(request: web.Request, pins: Sequence[Pin]) -> tuple[Finding, ...]:
    """How the pins stand, with what upstream says of those that were not found at the first look."""
    first = await _judged(request.app, pins, {})
    doubtful = [number for number, finding in enumerate(first) if finding.state in _DOUBTFUL]
    if not doubtful:
        return first
    asked = await request.app[CHECK].looking.at(request.app[PAGES], (pins[number].project for number in doubtful))
    again = await _judged(request.app, [pins[number] for number in doubtful], asked)
    findings = list(first)
    for number, finding in zip(doubtful, again, strict=True):
        findings[number] = finding
    return tuple(findings)


async def _judged(app: web.Application, pins: Sequence[Pin], asked: Mapping[ProjectName, Asked]) -> tuple[Finding, ...]:
    parts, now = app[CHECK], app[LOCKS].now()
    async with parts.turns, app[CATALOG].reading() as conn:
        return await check_pins(conn, pins, rules=parts.rules, now=now, asked=asked)


def _flag(request: web.Request, name: str) -> bool:
    match request.query.get(name, "false").lower():
        case "true" | "1" | "yes" | "":
            return True
        case "false" | "0" | "no":
            return False
        case _:
            raise Problem(400, "Bad Request", f"{name} is true or false")
