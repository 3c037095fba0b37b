"""Where the parts are put together: the composition root of every command.

Each function is an async context manager that makes its parts ready, hands them out and takes them down again in the
opposite order. Nothing else in the two packages makes a connection or a session.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from mirror import clock, metrics
from mirror.catalog import epochs, instance
from mirror.catalog.claims import Claims
from mirror.catalog.claims import connected as claims_of
from mirror.catalog.database import Catalog, migrate, opened, require_schema
from mirror.catalog.notices import Notice
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
from mirror.upstream.egress import client_session
from mirror.upstream.index import Index
from mirror.upstream.session import UpstreamSession
from mirror.web import health, problems
from mirror.web.app import application
from watcher.claimer import claimer
from watcher.duties import Duties
from watcher.feed.held_locks import HeldLocks
from watcher.feed.hub import MOST_SUBSCRIBERS, Hub
from watcher.rules import apply_rules, rules_of
from watcher.serving import allowed_files
from watcher.urls import add_urls
from watcher.webhooks.chosen import chosen
from watcher.webhooks.delivery import Post
from watcher.webhooks.dispatch import Sessions
from watcher.webhooks.egress import sending_session
from watcher.webhooks.targets import Targets

log = structlog.get_logger()

# Commands that are run beside, and people who look at the embedded database.
_OTHERS_CONNECTIONS = 20
# Beside the database, so that one that was put back from a copy is noticed.
_MARK = "starts"


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
            url = await stack.enter_async_context(embedded(settings.data_dir, connections=_connections(settings)))
        catalog = await stack.enter_async_context(opened(url, pool_size=settings.database.pool_size))
        if create:
            await migrate(catalog)
        else:
            await require_schema(catalog)
        yield catalog


@asynccontextmanager
async def parts_of(settings: Settings, *, migrating: bool = False, figures: Path | None = None) -> AsyncIterator[Parts]:
    """The parts of a long-lived command. An embedded database is migrated; another one only when `migrating`.

    `figures` is where this process counts, together with those beside which it answers.
    """
    rules = rules_of(settings)
    # What could never be delivered to is refused here as well where another process delivers.
    chosen(settings)
    async with AsyncExitStack() as stack:
        # First, since it is what can be wrong that takes no time to find out.
        session = await stack.enter_async_context(UpstreamSession(settings.upstream))
        is_embedded = not settings.database.url.get_secret_value()
        catalog = await stack.enter_async_context(catalog_of(settings, create=is_embedded or migrating))
        if figures is not None:
            stack.enter_context(metrics.shared_directory(figures))
            metrics.share(figures, "parent")
        async with catalog.writing() as conn:
            await instance.ensure(conn, settings.upstream.index_url, now=clock.now())
            mark = await epochs.begin(conn, epochs.read_mark(settings.data_dir / _MARK))
        await apply_rules(catalog, rules)
        store = await stack.enter_async_context(store_of(settings))
        _make_directory(settings.spool_dir)
        epochs.keep_mark(settings.data_dir / _MARK, mark)
        clean_spool(settings.spool_dir)
        claims = await stack.enter_async_context(claims_of(catalog.url))
        parts = _assembled(settings, catalog=catalog, store=store, session=session, claims=claims)
        stack.push_async_callback(parts.refresher.close)
        stack.push_async_callback(parts.supply.close)
        await parts.orders.finish()
        yield parts


@asynccontextmanager
async def shared_parts_of(settings: Settings) -> AsyncIterator[Parts]:
    """The parts of a process that answers beside others. What is done once for all of them has been done."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(UpstreamSession(settings.upstream))
        catalog = await stack.enter_async_context(catalog_of(settings, create=False))
        store = await stack.enter_async_context(store_of(settings))
        claims = await stack.enter_async_context(claims_of(catalog.url))
        parts = _assembled(settings, catalog=catalog, store=store, session=session, claims=claims)
        stack.push_async_callback(parts.refresher.close)
        stack.push_async_callback(parts.supply.close)
        yield parts


@asynccontextmanager
async def store_of(settings: Settings, *, checked: bool = True) -> AsyncIterator[Store]:
    """The store, seen to be usable; or, where it is not `checked`, only to be read."""
    async with AsyncExitStack() as stack:
        store: Store = DirectoryStore(settings.store_dir)
        if settings.store.url.startswith("s3://"):
            # Imported here because boto3 takes its time, and only buckets need it.
            from mirror.store.s3.store import opened as opened_s3

            store = await stack.enter_async_context(opened_s3(settings.store))
        if checked:
            await store.check()
        yield store


@asynccontextmanager
async def orders_of(settings: Settings) -> AsyncIterator[Orders]:
    """What carries out an operator's orders, beside whatever else runs on the same data."""
    async with catalog_of(settings, create=False) as catalog, store_of(settings) as store:
        yield Orders(catalog=catalog, store=store, rules=rules_of(settings), now=clock.now)


@asynccontextmanager
async def duties_of(parts: Parts) -> AsyncIterator[Duties]:
    """What a watcher does, ready to be performed."""
    async with AsyncExitStack() as stack:
        me = stack.enter_context(claimer(parts.settings.data_dir / "claimer"))
        session = await stack.enter_async_context(
            client_session(parts.settings.upstream, also_named=[parts.settings.osv_url])
        )
        post = await stack.enter_async_context(_post_of(parts))
        yield Duties(
            catalog=parts.catalog,
            session=session,
            refresher=parts.refresher,
            supply=parts.supply,
            settings=parts.settings,
            rules=parts.rules,
            claimer=me,
            now=clock.now,
            post=post,
        )


@asynccontextmanager
async def _post_of(parts: Parts) -> AsyncIterator[Post]:
    """The ways out to those to whom events are pushed."""
    locks = HeldLocks(parts.catalog, clock.now)
    async with sending_session(allow_private=False) as public, sending_session(allow_private=True) as private:
        yield Post(
            targets=Targets(chosen(parts.settings), locks.lock_filter),
            sessions=Sessions(public, private),
            base_url=parts.settings.mirror.base_url,
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
    # Whatever subscribers do, there have to be connections left for installers.
    hub = Hub(parts.catalog, parts.settings, most=min(MOST_SUBSCRIBERS, allowed_files() // 2))

    def hear(notice: Notice) -> None:
        hub.heard(notice)
        if duties is not None:
            duties.heard(notice)

    async with (
        application(
            catalog=parts.catalog,
            store=parts.store,
            supply=parts.supply,
            refresher=parts.refresher,
            settings=parts.settings,
            now=clock.now,
            heard=hear,
        ) as app,
        hub.running(),
    ):
        add_urls(app, hub=hub, orders=parts.orders, rules=parts.rules, now=clock.now)
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


def _assembled(
    settings: Settings, *, catalog: Catalog, store: Store, session: UpstreamSession, claims: Claims
) -> Parts:
    rules, index_url = rules_of(settings), settings.upstream.index_url
    return Parts(
        settings,
        catalog,
        store,
        session,
        Refresher(catalog, Index(session, index_url), index_url, rules, clock.now, claims=claims),
        Supply(
            catalog=catalog, store=store, session=session, settings=settings, rules=rules, now=clock.now, claims=claims
        ),
        rules,
        Orders(catalog=catalog, store=store, rules=rules, now=clock.now),
    )


def _connections(settings: Settings) -> int:
    """As many as may be wanted at the same time: by each process its pool, one to listen, to lead and to claim."""
    beside = settings.mirror.processes if settings.mirror.processes > 1 else 0
    return (settings.database.pool_size + 3) * (1 + beside) + _OTHERS_CONNECTIONS


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
