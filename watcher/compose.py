"""Where the parts are put together: the composition root of every command.

Each function is an async context manager that makes its parts ready, hands them out and takes them down again in the
opposite order. Nothing else in the two packages makes a connection, a session or a server.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec
import structlog
from aiohttp import web

from mirror import clock, observe
from mirror.catalog import instance, projects
from mirror.catalog.database import Catalog, migrate, opened, require_schema
from mirror.confirm import Confirmer, confirming
from mirror.errors import StartError
from mirror.keep import clean_spool
from mirror.orders import Orders
from mirror.postgres import embedded
from mirror.refresh import Refresher
from mirror.settings import Settings
from mirror.states import Rules
from mirror.store.directory import DirectoryStore
from mirror.store.interface import Store
from mirror.supply import Supply
from mirror.upstream.index import Index
from mirror.upstream.session import UpstreamSession, introduction
from mirror.web import health, problems
from mirror.web.app import application
from watcher.claimer import claimer
from watcher.duties import Duties
from watcher.feed.routes import FeedParts
from watcher.feed.routes import add_routes as add_feed_routes

log = structlog.get_logger()

_BACKLOG_OF_CONNECTIONS = 1024
_SHUTDOWN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the long-lived commands share."""

    settings: Settings
    catalog: Catalog
    store: Store
    session: UpstreamSession
    refresher: Refresher
    supply: Supply
    rules: Rules
    orders: Orders


@asynccontextmanager
async def catalog_of(settings: Settings, *, create: bool) -> AsyncIterator[Catalog]:
    """The catalog, with the embedded database running where no other is configured.

    Without `create` nothing is made: a data directory without a database, or an old schema, is a StartError.
    """
    url = settings.database.url.get_secret_value()
    async with AsyncExitStack() as stack:
        if not url:
            if not create:
                _require_database(settings.data_dir)
            url = await stack.enter_async_context(embedded(settings.data_dir))
        catalog = await stack.enter_async_context(opened(url, pool_size=settings.database.pool_size))
        if create:
            await migrate(catalog)
        else:
            await require_schema(catalog)
        yield catalog


@asynccontextmanager
async def parts_of(settings: Settings, *, migrating: bool = False) -> AsyncIterator[Parts]:
    """The parts of a long-lived command. An embedded database is migrated; another one only when `migrating`."""
    rules = rules_of(settings)
    async with AsyncExitStack() as stack:
        is_embedded = not settings.database.url.get_secret_value()
        catalog = await stack.enter_async_context(catalog_of(settings, create=is_embedded or migrating))
        async with catalog.writing() as conn:
            await instance.ensure(conn, settings.upstream.index_url, now=clock.now())
        await apply_rules(catalog, rules)
        store = DirectoryStore(settings.store_dir)
        await store.check()
        _make_directory(settings.spool_dir)
        clean_spool(settings.spool_dir)
        orders = Orders(catalog=catalog, store=store, rules=rules, now=clock.now)
        await orders.finish()
        session = await stack.enter_async_context(UpstreamSession(settings.upstream))
        index_url = settings.upstream.index_url
        refresher = Refresher(catalog, Index(session, index_url), index_url, rules, clock.now)
        stack.push_async_callback(refresher.close)
        supply = Supply(catalog=catalog, store=store, session=session, settings=settings, rules=rules, now=clock.now)
        stack.push_async_callback(supply.close)
        yield Parts(settings, catalog, store, session, refresher, supply, rules, orders)


@asynccontextmanager
async def orders_of(settings: Settings) -> AsyncIterator[Orders]:
    """What carries out an operator's orders, beside whatever else runs on the same data."""
    async with catalog_of(settings, create=False) as catalog:
        store = DirectoryStore(settings.store_dir)
        await store.check()
        yield Orders(catalog=catalog, store=store, rules=rules_of(settings), now=clock.now)


@asynccontextmanager
async def duties_of(parts: Parts) -> AsyncIterator[Duties]:
    """What a watcher does, ready to be performed."""
    async with AsyncExitStack() as stack:
        me = stack.enter_context(claimer(parts.settings.data_dir / "claimer"))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                headers={"User-Agent": introduction(parts.settings.upstream)},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        )
        yield Duties(
            catalog=parts.catalog,
            session=session,
            refresher=parts.refresher,
            supply=parts.supply,
            settings=parts.settings,
            rules=parts.rules,
            claimer=me,
            now=clock.now,
        )


@asynccontextmanager
async def confirming_of(parts: Parts) -> AsyncIterator[None]:
    """Confirms meanwhile what only the index shows to be gone, unless another process does."""
    confirmer = Confirmer(
        catalog=parts.catalog,
        refresher=parts.refresher,
        watcher=parts.settings.watcher,
        rules=parts.rules,
        now=clock.now,
    )
    async with confirming(confirmer):
        yield


@asynccontextmanager
async def mirror_application(parts: Parts, *, duties: Duties | None = None) -> AsyncIterator[web.Application]:
    """All URLs: the mirror's and the feed's."""
    async with application(
        catalog=parts.catalog,
        store=parts.store,
        supply=parts.supply,
        refresher=parts.refresher,
        settings=parts.settings,
        now=clock.now,
        heard=duties.heard if duties else None,
    ) as app:
        add_feed_routes(app, FeedParts(parts.catalog, parts.settings, clock.now))
        yield app


def watcher_application(parts: Parts) -> web.Application:
    """The few URLs of `everpin watch`."""
    app = web.Application(middlewares=[problems.middleware])
    app.on_response_prepare.append(problems.add_headers)
    settings = parts.settings
    health.add_routes(
        app,
        health.Health(
            parts.catalog,
            parts.store,
            settings.watcher.patience,
            clock.now,
            reads_advisories=bool(settings.osv_url),
        ),
    )
    return app


def listening_socket(host: str, port: int, *, section: str) -> socket.socket:
    """A bound socket, so that a port in use is found out before anything else is started."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, proto)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except OSError as e:
        raise StartError(
            f"cannot listen on {host} port {port} ({e.strerror}); change {section}.host or {section}.port"
        ) from e
    return bound


@asynccontextmanager
async def serving(app: web.Application, bound: socket.socket, *, access_log: bool) -> AsyncIterator[None]:
    """Serves the application on the socket until the end, then lets running requests finish for a few seconds."""
    runner = web.AppRunner(
        app,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        access_log=logging.getLogger("aiohttp.access") if access_log else None,
    )
    await runner.setup()
    try:
        try:
            await web.SockSite(runner, bound, backlog=_BACKLOG_OF_CONNECTIONS).start()
        except OSError as e:
            # Two can be bound to a port as long as neither listens.
            host, port = bound.getsockname()[:2]
            raise StartError(f"cannot listen on {host} port {port} ({e.strerror}); set another port") from e
        yield
    finally:
        await runner.cleanup()


async def until_stopped() -> None:
    """Returns at SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    log.info("everpin.stopping")


def rules_of(settings: Settings) -> Rules:
    """The settings that judgements depend on."""
    safety = settings.safety
    return Rules(
        min_age=safety.min_age,
        quarantine_memory=safety.quarantine_memory,
        reregistered=safety.reregistered,
        cooldown=safety.cooldown,
        min_project_age=safety.min_project_age,
        settle=safety.settle,
        reads_advisories=bool(settings.osv_url),
        unexplained=safety.unexplained,
        serves_departed=safety.serve_departed == "kept",
        new_release_delay=safety.new_release_delay,
        undelayed=safety.undelayed,
        tells_downloads=settings.feed.include_local,
    )


async def apply_rules(catalog: Catalog, rules: Rules) -> None:
    """Judges once more what was judged by other rules before, as far as rules can make a difference."""
    wanted = msgspec.json.encode(rules).decode()
    async with catalog.reading() as conn:
        if (await instance.read(conn)).rules == wanted:
            return
        names = await projects.judged_by_rules(conn)
        if rules.new_release_delay:
            names += await projects.with_files_born_after(conn, clock.now() - rules.new_release_delay)
    for name in names:
        async with catalog.writing() as conn:
            await observe.clock(conn, [name], rules=rules, now=clock.now())
    async with catalog.writing() as conn:
        await instance.set_rules(conn, wanted)


def _require_database(data_dir: Path) -> None:
    try:
        if (data_dir / "postgres" / "data").exists():
            return
    except PermissionError as e:
        raise StartError(f"the database in {data_dir} belongs to another user; run this command as that one") from e
    raise StartError(f"there is no database in {data_dir}; start `everpin up` first or name another --data-dir")


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise StartError(f"the directory {path} cannot be made ({e.strerror}); name another with --data-dir") from e
