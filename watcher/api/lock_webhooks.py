"""Webhooks that belong to a lock's feed: only somebody with an admin token can say where events are sent to."""

import base64
import secrets

import msgspec
from aiohttp import web

from mirror.catalog import events, webhooks
from mirror.catalog.database import Connection
from mirror.upstream.hosts import is_private, origin_of
from mirror.web.problems import Problem
from watcher.api.tokens import bearer

_SECRET_BYTES = 32
_LONGEST_URL = 2_000


class LockWebhook(msgspec.Struct, frozen=True):
    """A webhook as it was made: `secret` signs what is sent, as Standard Webhooks has it, and is told only now."""

    name: str
    secret: str


def url_of(request: web.Request) -> str | None:
    """The URL that `?webhook=` names; None where there is none.

    Raises Problem: what `bearer` raises where no admin token came with it, 422 where nothing can be sent there. Where a
    name leads is looked at whenever something is sent.
    """
    given = request.query.getall("webhook", [])
    if not given:
        return None
    bearer(request, None)
    url = given[0]
    is_plain = len(given) == 1 and len(url) <= _LONGEST_URL and url.isascii() and url.isprintable()
    origin = origin_of(url) if is_plain else None
    if origin is None:
        raise Problem(422, "Unprocessable Content", "webhook is one URL of HTTP, with a host and without a user")
    if is_private(origin):
        raise Problem(422, "Unprocessable Content", "webhook leads to a private address, where nothing is sent")
    return url


async def add(conn: Connection, lock_feed: int, url: str) -> LockWebhook:
    """Has what touches the lock be sent there from now on."""
    name = f"lock-{lock_feed}"
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
    await webhooks.add_target(
        conn,
        key=name,
        name=name,
        url=url,
        secret=secret,
        lock_feed=lock_feed,
        from_number=await events.last_number(conn),
    )
    return LockWebhook(name, secret)
