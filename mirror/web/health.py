"""What operators and their machines ask: alive, ready, and the figures.

Ready means that the catalog and the store can be used. Whatever else is wrong (no journal, for instance) only adds to
`degraded`, since a mirror that serves what it has is better than none.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from mirror import metrics
from mirror.catalog import (
    absences,
    advisories,
    backlog,
    events,
    holdings,
    instance,
    journal,
    news,
    projects,
    room,
    wanted,
)
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.news import News, Source
from mirror.errors import EverpinError
from mirror.journal_rows import Position
from mirror.names import Sha256
from mirror.states import ADVISORIES_FRESH
from mirror.store.interface import Store
from mirror.store.keys import StoreKey

_CHECK_SECONDS = 5.0
_KEEPERS_TAKE = timedelta(minutes=15)
_FULL_FOR = timedelta(minutes=5)
# Asking for any object shows whether the store answers; this one is the digest of nothing.
_PROBE = StoreKey(Sha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))


@dataclass(frozen=True, slots=True)
class Health:
    """What is asked for one's health.

    A journal that was not read for longer than `patience` works less well than it should, and so do advisories, where
    this instance reads them, that are older than a day; `degraded` names what else does.
    """

    catalog: Catalog
    store: Store
    patience: timedelta
    now: Callable[[], datetime]
    degraded: Callable[[], list[str]] = list
    reads_advisories: bool = False


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
                known = await news.read(conn)
                advised_at = await advisories.checked_at(conn)
                braked_at = await absences.engaged_at(conn)
                keeping = await _keeping(conn, health.now())
            await health.store.size(_PROBE)
    except (EverpinError, TimeoutError) as e:
        return _json({"status": "unavailable", "reason": str(e) or "no answer in time"}, status=503)
    return _json(
        {
            "status": "ready",
            "degraded": [
                *_journal(health, position, known),
                *_advisories(health, advised_at),
                *(["brake"] if braked_at is not None else []),
                *keeping,
                *(["store"] if health.store.warnings and "store" not in keeping else []),
                *health.degraded(),
            ],
            "source": known.source,
            "journal_serial": position.serial if position else None,
            "lag_seconds": round((health.now() - position.checked_at).total_seconds(), 1) if position else None,
        }
    )


async def figures(request: web.Request) -> web.Response:
    """The metrics, in Prometheus' text format."""
    health = request.app[HEALTH]
    async with health.catalog.reading() as conn:
        position, source = await journal.position(conn), (await news.read(conn)).source
        advised_at = await advisories.checked_at(conn)
        metrics.projects.set(await projects.count(conn))
        metrics.wanted_projects.set(await wanted.count(conn))
        metrics.backlog_files.set(await room.waiting(conn))
        metrics.keeping_paused.set(1 if await room.kept_up_to(conn) <= backlog.Priority.RESCUE else 0)
        for found in await room.figures(conn):
            metrics.files.labels(found.state).set(found.files)
            metrics.store_bytes.labels(found.state).set(found.stored_bytes)
        metrics.verify_failures.set(await holdings.failures(conn))
        metrics.brake_engaged.set(1 if await absences.engaged_at(conn) is not None else 0)
        for kind, told in (await events.counts(conn)).items():
            metrics.events.labels(kind).set(told)
    metrics.source.labels(Source.CHANGELOG).set(1 if position and source is Source.CHANGELOG else 0)
    metrics.source.labels(Source.RSS).set(1 if source is Source.RSS else 0)
    if position is not None:
        metrics.journal_serial.set(position.serial)
        metrics.watcher_lag_seconds.set((health.now() - position.checked_at).total_seconds())
        metrics.safety_age_seconds.labels("journal").set((health.now() - position.checked_at).total_seconds())
    if health.reads_advisories:
        # What was never read is older than anything.
        age = (health.now() - advised_at).total_seconds() if advised_at else math.inf
        metrics.safety_age_seconds.labels("osv").set(age)
    return web.Response(body=metrics.exposed(), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _keeping(conn: Connection, now: datetime) -> list[str]:
    """What is wrong with keeping: nobody does it, the quota is in its way, or the store was full a moment ago."""
    found = await room.read(conn)
    is_neglected = await backlog.is_neglected(conn, up_to=found.kept_up_to, since=now - _KEEPERS_TAKE, now=now)
    is_in_the_way = found.kept_up_to <= backlog.Priority.RESCUE or await backlog.waits_beyond(conn, found.kept_up_to)
    is_full = found.full_at is not None and now - found.full_at < _FULL_FOR
    wrong = {"keeper": is_neglected, "quota": is_in_the_way, "store": is_full}
    return [name for name, is_wrong in wrong.items() if is_wrong]


def _journal(health: Health, position: Position | None, known: News) -> list[str]:
    is_read = known.gap_since is None and position is not None and health.now() - position.checked_at < health.patience
    return [] if is_read else ["journal"]


def _advisories(health: Health, advised_at: datetime | None) -> list[str]:
    is_read = advised_at is not None and health.now() - advised_at < ADVISORIES_FRESH
    return [] if is_read or not health.reads_advisories else ["advisories"]


def _json(body: dict[str, object], *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
