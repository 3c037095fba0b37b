"""Errors become answers here, and only here: problem details (RFC 9457) whose status line says what is the matter.

Installers show nothing but the status line, so the reason phrase carries the sentence that a person needs.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache

import msgspec
import structlog
from aiohttp import web

from mirror import metrics
from mirror.errors import (
    BusyElsewhereError,
    CatalogUnavailableError,
    EverpinError,
    NotThereError,
    PrivateNameError,
    RefusedError,
    StoreError,
    UpstreamUnavailableError,
    WrongBytesError,
)
from mirror.events import presentable
from mirror.metrics import Counter, Histogram
from mirror.web.masked import masked

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RETRY_AFTER_SECONDS = 1
"""pip obeys this without a cap, so it must stay small."""

_LONGEST_PHRASE = 200
_MOST_LABELS = 256

ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; sandbox allow-top-navigation"),
)
"""Headers of every answer: what is served here is data, never something to run in a browser."""


# Not frozen: Python itself writes to an exception that passes through a context manager.
@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - an answer, not an error of ours
    """An answer that is a refusal. `title` also becomes the reason phrase."""

    status: int
    title: str
    detail: str | None = None
    state: str | None = None


def response(problem: Problem) -> web.Response:
    """The problem as an answer."""
    body = {"type": "about:blank", "status": problem.status, "title": problem.title}
    if problem.detail is not None:
        body["detail"] = problem.detail
    headers = {"Cache-Control": "no-store"}
    if problem.state is not None:
        body["state"] = problem.state
        headers["X-Everpin-State"] = problem.state
    if problem.status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        status=problem.status,
        reason=_phrase(problem.title),
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=headers,
    )


def of_error(error: EverpinError) -> Problem:
    """What a client is told of an error."""
    match error:
        case NotThereError() | PrivateNameError():
            return Problem(404, "Not Found", str(error))
        case RefusedError():
            return Problem(403, f"Refused: {error}")
        case BusyElsewhereError():
            return Problem(503, "Being Fetched, Ask Again In A Moment", str(error))
        case UpstreamUnavailableError():
            return Problem(503, "Upstream Unavailable", str(error))
        case WrongBytesError():
            return Problem(502, "Upstream Sent Wrong Bytes", str(error))
        case CatalogUnavailableError() | StoreError():
            # Where the database or the disk is, and what is wrong with it, is the operators' business.
            return Problem(503, "Temporarily Unavailable", "this mirror cannot answer at the moment")
        case _:
            return Problem(500, "Internal Server Error")


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers problems, counts requests, and adds the headers that every answer has."""
    started = time.perf_counter()
    answer: web.StreamResponse
    try:
        answer = await handler(request)
    except Problem as problem:
        answer = response(problem)
    except web.HTTPException as e:
        answer = _of_http(e)
    except EverpinError as e:
        told = of_error(e)
        if told.status >= 500:
            log.warning("web.failed", path=masked(request.path), status=told.status, error=str(e))
        answer = response(told)
    except Exception:
        log.exception("web.crashed", path=masked(request.path))
        answer = response(Problem(500, "Internal Server Error"))
    route = _route(request)
    _count_of(route, answer.status).inc()
    _seconds_of(route).observe(time.perf_counter() - started)
    return answer


async def add_headers(_request: web.Request, answer: web.StreamResponse) -> None:
    """Adds the headers of every answer, unless it has others of that name."""
    for name, value in ALWAYS:
        answer.headers.setdefault(name, value)


def _of_http(error: web.HTTPException) -> web.Response:
    """A redirect, or what the router says: a refusal that names the methods which would have worked."""
    if error.status < 400:
        return web.Response(status=error.status, headers={"Location": error.headers["Location"]})
    answer = response(Problem(error.status, error.reason))
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


# Finding a child by its labels costs more than counting with it.
@lru_cache(maxsize=_MOST_LABELS)
def _count_of(route: str, status: int) -> Counter:
    return metrics.http_requests.labels(route, str(status))


@lru_cache(maxsize=_MOST_LABELS)
def _seconds_of(route: str) -> Histogram:
    return metrics.http_seconds.labels(route)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _phrase(title: str) -> str:
    """The title as a reason phrase: RFC 9112 allows printable ASCII there, and no line break may get in."""
    shown = presentable(title)[:_LONGEST_PHRASE]
    return shown.encode("ascii", "replace").decode()
