"""`/api/v1/admin/`: operators' orders over HTTP, carried out as by the commands of the same names, and all that were.

Everything here needs a token. An order is recorded, and told as an event, under the name of the token it came with.
"""

from datetime import datetime
from typing import TypeVar

import msgspec
import structlog
from aiohttp import web

from mirror.catalog import acts
from mirror.catalog.files import FoundFile
from mirror.errors import StartError, StoreError
from mirror.events import presentable
from mirror.model import Cause, FileFacts, State
from mirror.observe import Ordered
from mirror.orders import CarriedOut, Orders
from mirror.targets import Order, RecordedAct, Verb, order_of
from mirror.web.keys import CATALOG
from mirror.web.problems import Problem
from watcher.api.bodies import body_of
from watcher.api.tokens import Scope, bearer
from watcher.ordering import bytes_stored, remarks, would_destroy

log = structlog.get_logger()

ORDERS = web.AppKey("orders", Orders)

_MOST_BYTES = 64 * 2**10
_MOST_FILES = 1_000
_DEFAULT_LIMIT = 100
_LARGEST_LIMIT = 1_000
_LONGEST_NUMBER = 18

_SCOPES: dict[Verb, Scope] = {
    Verb.BLOCK: "block",
    Verb.UNBLOCK: "block",
    Verb.RELEASE: "release",
    Verb.PURGE: "purge",
    Verb.UNPURGE: "purge",
}


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent with an order. `reason` is needed; that it has a default lets the sentence be ours."""

    target: str = ""
    reason: str = ""


class AskedRelease(Asked, frozen=True, forbid_unknown_fields=True):
    as_was: bool = False


class AskedPurge(Asked, frozen=True, forbid_unknown_fields=True):
    yes: bool = False


class File(msgspec.Struct, frozen=True):
    """A file that an order is about, as it was and as it is; of a plan, as it is."""

    project: str
    version: str | None
    filename: str
    sha256: str | None
    size: int | None
    stored: bool
    before: State
    state: State
    cause: Cause | None
    as_was: bool


class Done(msgspec.Struct, frozen=True):
    """What was carried out. `more_files`: how many more it was about than are named; `remarks` are for people."""

    act: int
    verb: str
    target: str
    actor: str
    reason: str
    files: tuple[File, ...]
    more_files: int
    remarks: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True):
    """What a purge would destroy that was not told `"yes": true`; nothing was changed."""

    dry_run: bool
    verb: str
    target: str
    bytes: int
    files: tuple[File, ...]
    more_files: int


class Act(msgspec.Struct, frozen=True):
    """An order that was carried out, by command or over HTTP."""

    number: int
    time: datetime
    actor: str
    verb: str
    target: str
    reason: str
    as_was: bool


class Acts(msgspec.Struct, frozen=True):
    """Acts, newest first. With `more`, `before` is what to ask for the next ones with."""

    acts: tuple[Act, ...]
    more: bool
    before: int | None


def add_routes(app: web.Application, orders: Orders) -> None:
    """Adds the URLs of the admin API. Without a token in the settings they are answered with 404."""
    app[ORDERS] = orders
    app.router.add_post("/api/v1/admin/block", block)
    app.router.add_post("/api/v1/admin/unblock", unblock)
    app.router.add_post("/api/v1/admin/release", release)
    app.router.add_post("/api/v1/admin/purge", purge)
    app.router.add_post("/api/v1/admin/unpurge", unpurge)
    app.router.add_get("/api/v1/admin/acts", newest_acts)


async def block(request: web.Request) -> web.Response:
    """`{"target", "reason"}`: refuses to serve files from now on, also those that are seen later."""
    order, _ = await _order(request, Verb.BLOCK, Asked)
    return await _carried_out(request, order)


async def unblock(request: web.Request) -> web.Response:
    """`{"target", "reason"}`: takes back the blocks on the target and on parts of it."""
    order, _ = await _order(request, Verb.UNBLOCK, Asked)
    return await _carried_out(request, order)


async def release(request: web.Request) -> web.Response:
    """`{"target", "reason", "as_was"}`: serves files that are held; or releases the brake."""
    order, _ = await _order(request, Verb.RELEASE, AskedRelease)
    return await _carried_out(request, order)


async def purge(request: web.Request) -> web.Response:
    """`{"target", "reason", "yes"}`: destroys bytes; without `"yes": true` it only says which."""
    order, asked = await _order(request, Verb.PURGE, AskedPurge)
    if asked.yes:
        return await _carried_out(request, order)
    found = await would_destroy(request.app[ORDERS], order)
    files = tuple(_planned(file) for file in found[:_MOST_FILES])
    return _answer(
        Plan(True, order.verb, str(order.target), bytes_stored(found), files, max(0, len(found) - _MOST_FILES))
    )


async def unpurge(request: web.Request) -> web.Response:
    """`{"target", "reason"}`: lets bytes that were purged be fetched and stored again."""
    order, _ = await _order(request, Verb.UNPURGE, Asked)
    return await _carried_out(request, order)


async def newest_acts(request: web.Request) -> web.Response:
    """`?before=&limit=`: what was ordered, newest first."""
    bearer(request, "read")
    limit = min(_number(request, "limit", digits=6) or _DEFAULT_LIMIT, _LARGEST_LIMIT)
    before = _number(request, "before")
    async with request.app[CATALOG].reading() as conn:
        found = await acts.newest(conn, limit=limit + 1, before=before)
    shown, more = found[:limit], len(found) > limit
    return _answer(Acts(tuple(_act(act) for act in shown), more, shown[-1].number if more else None))


_Asked = TypeVar("_Asked", bound=Asked)


async def _order(request: web.Request, verb: Verb, form: type[_Asked]) -> tuple[Order, _Asked]:
    """The order, from one who may give it. Raises Problem where it is none."""
    actor = bearer(request, _SCOPES[verb])
    body = await body_of(request, most_bytes=_MOST_BYTES)
    try:
        asked = msgspec.json.decode(body, type=form)
    except msgspec.ValidationError as e:
        raise Problem(422, "Unprocessable Content", presentable(str(e))) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise Problem(
            400, "Bad Request", 'the body is no JSON object such as {"target": "demo", "reason": "..."}'
        ) from e
    as_was = isinstance(asked, AskedRelease) and asked.as_was
    try:
        return order_of(verb, asked.target, actor=actor, reason=asked.reason, as_was=as_was), asked
    except StartError as e:
        raise Problem(422, "Unprocessable Content", str(e)) from e


async def _carried_out(request: web.Request, order: Order) -> web.Response:
    try:
        done = await request.app[ORDERS].carry_out(order)
    except StoreError as e:
        # Not 503, which asks to order it again.
        log.warning("order.not_finished", verb=order.verb, target=str(order.target), error=str(e))
        raise Problem(500, "In Force, But Bytes Are Left", str(e)) from e
    return _answer(_done(order, done))


def _done(order: Order, done: CarriedOut) -> Done:
    return Done(
        done.act,
        order.verb,
        str(order.target),
        order.actor,
        order.reason,
        tuple(_ordered(file) for file in done.files[:_MOST_FILES]),
        max(0, len(done.files) - _MOST_FILES),
        tuple(remarks(order, done)),
    )


def _ordered(file: Ordered) -> File:
    return _file(file.project, file.after, before=file.before.state)


def _planned(file: FoundFile) -> File:
    return _file(file.project, file.facts, before=file.facts.state)


def _file(project: str, facts: FileFacts, *, before: State) -> File:
    return File(
        project=project,
        version=presentable(facts.version),
        filename=presentable(facts.filename),
        sha256=facts.sha256,
        size=facts.listed_file.size,
        stored=facts.stored_at is not None,
        before=before,
        state=facts.state,
        cause=facts.cause,
        as_was=facts.as_was,
    )


def _act(act: RecordedAct) -> Act:
    return Act(act.number, act.at, act.actor, act.verb, presentable(act.target), presentable(act.reason), act.as_was)


def _number(request: web.Request, key: str, *, digits: int = _LONGEST_NUMBER) -> int | None:
    text = request.query.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= digits and int(text) >= 1):
        raise Problem(400, "Bad Request", f"{key} is a number from 1")
    return int(text)


def _answer(body: Done | Plan | Acts) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", headers={"Cache-Control": "no-store"}
    )
