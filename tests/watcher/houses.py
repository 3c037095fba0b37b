"""A whole everpin in the test's own process, against the simulated PyPI and a real database, with a clock to turn."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mirror.catalog import events, files, instance, projects
from mirror.catalog.claims import connected as claims_of
from mirror.catalog.database import Catalog
from mirror.catalog.notices import Notice
from mirror.confirm import Confirmed, Confirmer
from mirror.events import Event, Payload, read_payload
from mirror.model import FileFacts, Memory
from mirror.names import ProjectName
from mirror.orders import Orders
from mirror.refresh import Refresher
from mirror.setting_sections import Database, Keep, Mirror, Safety, Upstream, Watcher
from mirror.setting_subscribers import Admin, Feed, Locks
from mirror.settings import Settings
from mirror.states import Rules
from mirror.store.directory import DirectoryStore
from mirror.store.interface import Store
from mirror.supply import Supply
from mirror.upstream.index import Index
from mirror.upstream.session import UpstreamSession
from mirror.upstream.turns import Turns
from mirror.web.access import access_log
from mirror.web.app import application
from mirror.web.keys import PAGES
from mirror.web.pages import Pages
from mirror.web.quick import answer_first
from tests.pypi_sim import PyPISim
from tests.watcher.waiting import eventually as eventually
from tests.watcher.waiting import until as until
from watcher.advisories import AdvisoryReader, reader_of
from watcher.feed.hub import Hub, Pace
from watcher.journal.client import JournalClient
from watcher.journal.updates import UpdatesClient
from watcher.keeper import BacklogKeeper
from watcher.poll import poll
from watcher.refreshes import refresh_due
from watcher.rounds import Rounds
from watcher.rules import rules_of
from watcher.sweep import Sweep, Swept
from watcher.unasked import Unasked
from watcher.urls import add_urls


@dataclass
class House:
    """The parts, and verbs for what tests do with them. Time is the simulator's."""

    pypi: PyPISim
    catalog: Catalog
    settings: Settings
    rules: Rules
    refresher: Refresher
    supply: Supply
    client: JournalClient
    updates: UpdatesClient
    keeper: BacklogKeeper
    claimer: uuid.UUID
    """The name under which the keeper claims."""
    http: TestClient[web.Request, web.Application]
    rounds: Rounds
    sweeps: Sweep
    unasked: Unasked
    confirmer: Confirmer
    orders: Orders
    advisories: AdvisoryReader | None
    """Reads advisories where `safety.osv_url` says from where."""
    heard: list[Notice] = field(default_factory=list)
    """The notices that reached this house's pages, oldest first."""

    async def poll(self) -> None:
        """Reads the journal once."""
        inventory = self.settings.watcher.inventory
        await poll(self.catalog, self.client, rules=self.rules, now=self.pypi.now, inventory=inventory)

    @property
    def pages(self) -> Pages:
        """The pages that this house keeps ready."""
        return self.http.app[PAGES]

    async def vouched(self) -> None:
        """Reads the journal until this house heard of it, so that the journal vouches for its pages."""
        async with asyncio.timeout(30):
            await self.poll()
            while not self.pages.is_vouched_for():
                # A heartbeat from before the house began to listen was missed.
                await asyncio.sleep(0.05)
                await self.poll()

    async def refresh(self) -> None:
        """Asks for the pages that are due."""
        await refresh_due(self.catalog, self.refresher, now=self.pypi.now)

    async def look_round(self) -> int:
        """Looks at the pages whose turn it is in the round, and says at how many."""
        return await self.rounds.tick()

    async def sweep(self) -> Swept | None:
        """Compares the list of all projects with what is known, if it is time to."""
        return await self.sweeps.tick()

    async def look_at_unasked(self) -> int:
        """Asks for pages of projects that nobody asked for, and says for how many."""
        return await self.unasked.tick()

    async def confirm(self) -> Confirmed:
        """Looks once more at what is missing, and believes what is missing for long enough."""
        return await self.confirmer.tick()

    async def watch(self) -> None:
        """All that a watcher does in one round."""
        await self.poll()
        await self.refresh()
        await self.keeper.work_off()
        if self.advisories is not None:
            await self.advisories.tick()

    async def memory(self, name: str) -> Memory:
        """What is remembered of a project."""
        async with self.catalog.reading() as conn:
            facts = await projects.find(conn, ProjectName(name))
            assert facts is not None, f"{name} is not known"
            return Memory(facts, await files.of_project(conn, facts))

    async def states(self, name: str) -> dict[str, str]:
        """State, and cause where there is one, of each file by its name."""
        memory = await self.memory(name)
        return {file.filename: _state(file) for file in memory.files}

    async def events(self) -> list[Event]:
        """All events, oldest first."""
        async with self.catalog.reading() as conn:
            return await events.after(conn, 0, limit=10_000, epoch=1)

    async def payloads(self) -> list[Payload]:
        """The payloads of all events, oldest first."""
        return [read_payload(event.payload) for event in await self.events() if event.payload is not None]

    async def kinds(self) -> list[str]:
        """What was told: kind, project and version of all events, oldest first."""
        return [" ".join(filter(None, [e.kind, e.project, e.version])) for e in await self.events()]

    async def page(self, name: str) -> dict[str, object]:
        """The project page as JSON."""
        headers = {"Accept": "application/vnd.pypi.simple.v1+json"}
        async with self.http.get(f"/simple/{name}/", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            page: dict[str, object] = await answer.json(content_type=None)
            return page

    async def listed(self, name: str) -> dict[str, bool | str]:
        """What the page says of each file: its `yanked`."""
        page = await self.page(name)
        assert isinstance(page["files"], list)
        return {file["filename"]: file["yanked"] for file in page["files"]}

    async def url(self, name: str, filename: str) -> str:
        """The address of a file on the page."""
        page = await self.page(name)
        assert isinstance(page["files"], list)
        (found,) = [file["url"] for file in page["files"] if file["filename"] == filename]
        return str(found).removeprefix("../..")

    async def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer."""
        async with self.http.get(path, headers=headers) as answer:
            return answer.status, await answer.read()


@asynccontextmanager
async def house_of(
    pypi: PyPISim,
    catalog: Catalog,
    data_dir: Path,
    *,
    safety: Safety | None = None,
    mirror: Mirror | None = None,
    watcher: Watcher | None = None,
    feed: Feed | None = None,
    locks: Locks | None = None,
    admin: Admin | None = None,
    keep: Keep | None = None,
    upstream_timeout: timedelta = timedelta(seconds=3),
    private_names: tuple[str, ...] = (),
    store: Store | None = None,
    pace: Pace | None = None,
) -> AsyncIterator[House]:
    """Opens a house, with a store in its directory or another. Several may stand on one catalog, as processes would."""
    settings = Settings(
        data_dir=data_dir,
        upstream=Upstream(index_url=pypi.index_url, timeout=upstream_timeout, private_names=private_names),
        database=Database(),
        mirror=mirror or Mirror(),
        watcher=watcher or Watcher(),
        safety=safety or Safety(),
        feed=feed or Feed(),
        locks=locks or Locks(),
        admin=admin or Admin(),
        keep=keep or Keep(),
    )
    rules = rules_of(settings)
    async with AsyncExitStack() as stack:
        async with catalog.writing() as conn:
            await instance.ensure(conn, pypi.index_url, now=pypi.now())
        store = store or DirectoryStore(settings.store_dir)
        await store.check()
        settings.spool_dir.mkdir(parents=True, exist_ok=True)
        session = await stack.enter_async_context(UpstreamSession(settings.upstream))
        # Tests do not wait for turns; that pages are asked for at a pace is tested by itself.
        turns = Turns(burst=1_000_000, seconds=lambda: pypi.now().timestamp())
        claims = await stack.enter_async_context(claims_of(catalog.url))
        index = Index(session, pypi.index_url, turns=turns)
        refresher = Refresher(catalog, index, pypi.index_url, rules, pypi.now, claims=claims)
        stack.push_async_callback(refresher.close)
        supply = Supply(
            catalog=catalog, store=store, session=session, settings=settings, rules=rules, now=pypi.now, claims=claims
        )
        stack.push_async_callback(supply.close)
        heard: list[Notice] = []
        hub = Hub(catalog, settings, pace=pace)

        def hear(notice: Notice) -> None:
            hub.heard(notice)
            heard.append(notice)

        app = await stack.enter_async_context(
            application(
                catalog=catalog,
                store=store,
                supply=supply,
                refresher=refresher,
                settings=settings,
                now=pypi.now,
                heard=hear,
            )
        )
        await stack.enter_async_context(hub.running())
        orders = Orders(catalog=catalog, store=store, rules=rules, now=pypi.now)
        add_urls(app, hub=hub, orders=orders, rules=rules, now=pypi.now)
        server = TestServer(app)
        await server.start_server(access_log_class=access_log(app), auto_decompress=False)
        http = await stack.enter_async_context(TestClient(server, auto_decompress=True))
        answer_first(server.runner.server if server.runner else None, app)
        journal_session = await stack.enter_async_context(aiohttp.ClientSession())
        client = JournalClient(journal_session, pypi.xmlrpc_url, timeout=3)
        updates = UpdatesClient(journal_session, settings.upstream.updates_url, timeout=3)
        me = uuid.uuid4()
        keeper = BacklogKeeper(catalog=catalog, supply=supply, rules=rules, workers=2, claimer=me, now=pypi.now)
        watched = settings.watcher
        rounds = Rounds(catalog, refresher, interval=watched.refresh_interval, now=pypi.now)
        sweeps = Sweep(
            catalog,
            refresher.index,
            inventory=watched.inventory,
            interval=watched.sweep_interval,
            now=pypi.now,
            chance=lambda: 0.5,
        )
        unasked = Unasked(catalog, refresher, inventory=watched.inventory, now=pypi.now)
        yield House(
            pypi,
            catalog,
            settings,
            rules,
            refresher,
            supply,
            client,
            updates,
            keeper,
            me,
            http,
            rounds,
            sweeps,
            unasked,
            Confirmer(catalog=catalog, refresher=refresher, watcher=watched, rules=rules, now=pypi.now),
            orders,
            reader_of(settings, catalog=catalog, session=journal_session, rules=rules, now=pypi.now),
            heard,
        )


def _state(file: FileFacts) -> str:
    return f"{file.state} {file.cause}" if file.cause else str(file.state)


def long_ago(pypi: PyPISim, **span: float) -> datetime:
    """A time before the simulator's present."""
    return pypi.now() - timedelta(**span)
