"""What operators and their machines ask: alive, ready, and the figures.

Ready means that the catalog and the store can be used. Whatever else is wrong (no journal, for instance) only adds to
`degraded`, since a mirror that serves what it has is better than none.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from mirror import metrics
from mirror.catalog import backlog, events, instance, journal, projects
from mirror.catalog.database import Catalog
from mirror.errors import EverpinError
from mirror.journal_rows import Position
from mirror.names import Sha256
from mirror.store.interface import Store
from mirror.store.keys import StoreKey

_CHECK_SECONDS = 5.0
# Asking for any object shows whether the store answers; this one is the digest of nothing.
_PROBE = StoreKey(Sha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))


@dataclass(frozen=True, slots=True)
class Health:
    """What is asked for one's health.

    A journal that was not read for longer than `patience` works less well than it should; `degraded` names what else
    does.
    """

    catalog: Catalog
    store: Store
    patience: timedelta
    now: Callable[[], datetime]
    degraded: Callable[[], list[str]] = list


HEALTH = web.AppKey("health", Health)


def add_routes(app: web.Application, health: Health) -> None:
    """Adds `/healthz`, `/readyz` and `/metrics`."""
    app[HEALTH] = health
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", figures)


async def alive(_request: web.Request) -> web.Response:
    """The process answers."""
    return web.Response(text="ok\n")


async def ready(request: web.Request) -> web.Response:
    """200 where catalog and store can be used, else 503 with the reason."""
    health = request.app[HEALTH]
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            async with health.catalog.reading() as conn:
                await instance.read(conn)
                position = await journal.position(conn)
            await health.store.size(_PROBE)
    except (EverpinError, TimeoutError) as e:
        return _json({"status": "unavailable", "reason": str(e) or "no answer in time"}, status=503)
    return _json(
        {
            "status": "ready",
            "degraded": [*_journal(health, position), *health.degraded()],
            "journal_serial": position.serial if position else None,
            "lag_seconds": round((health.now() - position.checked_at).total_seconds(), 1) if position else None,
        }
    )


async def figures(request: web.Request) -> web.Response:
    """The metrics, in Prometheus' text format."""
    health = request.app[HEALTH]
    async with health.catalog.reading() as conn:
        position = await journal.position(conn)
        metrics.projects.set(await projects.count(conn))
        metrics.backlog_files.set(await backlog.count(conn))
        for kind, told in (await events.counts(conn)).items():
            metrics.events.labels(kind).set(told)
    metrics.source.labels("changelog").set(1 if position else 0)
    if position is not None:
        metrics.journal_serial.set(position.serial)
        metrics.watcher_lag_seconds.set((health.now() - position.checked_at).total_seconds())
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _journal(health: Health, position: Position | None) -> list[str]:
    is_read = position is not None and health.now() - position.checked_at < health.patience
    return [] if is_read else ["journal"]


def _json(body: dict[str, object], *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
