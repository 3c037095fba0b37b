"""A world in which histories happen: a simulated index, a whole everpin in front of it, and the model beside them.

After every step all that everpin knows and told is compared with the model, which was shown the same rows and pages in
the same order. What upstream showed is taken down where it leaves the simulator, not where everpin reads it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import ClientError
from packaging.utils import canonicalize_name

from mirror.catalog.database import Catalog
from mirror.errors import UpstreamUnavailableError
from mirror.names import Sha256
from mirror.refresh import Refresher
from mirror.setting_sections import Safety
from mirror.setting_values import Unexplained
from mirror.store.keys import StoreKey
from mirror.supply import Supply
from tests.osv_sim import OsvSim
from tests.properties.history_absences import CONFIRM_INTERVAL, assert_all_absences_are_told
from tests.properties.history_acts import SPANS, Step, Upstream
from tests.properties.history_advisers import Advisers
from tests.properties.history_catalog import emptied, is_calm
from tests.properties.history_crashes import CrashError, CrashingCatalog
from tests.properties.history_model import HistoryModel
from tests.properties.history_nouns import Shown
from tests.properties.history_office import Office
from tests.properties.history_orders import ORDERS
from tests.properties.history_pages import shown
from tests.properties.history_reading import READINGS, Reading
from tests.properties.history_verdict import Verdict, assert_nothing_was_overlooked
from tests.pypi_sim import File, PyPISim
from tests.pypi_sim.answers import Answer
from tests.pypi_sim.cdn import Delivery
from tests.watcher.houses import House, house_of

_START = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_PATIENCE_SECONDS = 20.0
_LONGEST_CALM = 120
_JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


class World:
    """One history as it happens. Enter it, take steps, and at last `end`."""

    def __init__(self, catalog: Catalog, data_dir: Path) -> None:
        self.pypi = PyPISim()
        self.pypi.clock.freeze(_START)
        self.pypi.rate_limit.calls = 10**9
        self.upstream = Upstream(self.pypi)
        self.model = HistoryModel(self.pypi.now)
        self._verdict = Verdict(
            self.pypi, self.model, house=lambda: self.house, settle=self._settle, wondered=self.upstream.wondered
        )
        self.advisers = Advisers(OsvSim(self.pypi.now))
        self._office = Office(self.upstream, self.model, self.advisers, catalog=catalog, house=lambda: self.house)
        self._reading = Reading(catalog, self.pypi, self.model, house=lambda: self.house)
        self._catalog = catalog
        self._data_dir = data_dir
        self._house: House | None = None
        self._stack = AsyncExitStack()
        self._life = AsyncExitStack()
        self._answers: list[Shown | str] = []
        self._fetch = self.pypi.cdn.fetch

    async def __aenter__(self) -> "World":
        await self._stack.enter_async_context(self.pypi)
        await self._stack.enter_async_context(self.advisers.osv)
        self.pypi.cdn.fetch = self._overheard  # type: ignore[method-assign]  # it takes down what is answered
        await emptied(self._catalog)
        await self._open()
        await self.house.poll()
        return self

    async def __aexit__(self, *exit_: object) -> None:
        await self._life.aclose()
        await self._stack.aclose()

    @property
    def house(self) -> House:
        assert self._house is not None
        return self._house

    async def take(self, step: Step) -> None:
        """Lets the step happen and compares."""
        self.pypi.advance(timedelta(seconds=1))
        own = self._errand(step.verb)
        if own is None:
            if self.advisers.act(step):
                return
            self.upstream.act(step)  # of which everpin hears only when it asks
            return
        await own(step)
        await self._settle()
        await self._verdict.compare()

    async def end(self) -> None:
        """Mends everything, waits until everpin has nothing left to do, and compares what everybody can see."""
        self.upstream.mend()
        self.advisers.mend()
        for _ in range(_LONGEST_CALM):
            self.pypi.advance(timedelta(minutes=31))
            await self._watch()
            await self._settle()
            if await is_calm(self._catalog, self.pypi.now()):
                break
        else:
            raise AssertionError("everpin never has done everything")
        self._verdict.assert_wanted_pages_came()
        for name, story in self.model.stories.items():
            if story.known:
                with suppress(UpstreamUnavailableError):
                    await self.house.refresher.refresh(canonicalize_name(name))
        await self._settle()
        await self._verdict.compare()
        await self._confirm_all()
        await self._office.assert_heard()
        await self._verdict.compare()
        self.pypi.advance(timedelta(minutes=3))
        await self._watch()
        await self._settle()
        await self._verdict.compare()
        assert self._reading.cursor == self.pypi.last_serial
        for name, story in self.model.stories.items():
            assert_nothing_was_overlooked(story, self.pypi)
            await self._verdict.assert_page(name, story)
        await self._verdict.assert_rescues()
        await self._verdict.assert_yanks()
        # Only now: to ask for a file that waits for its rescue would be its rescue.
        for file in self.upstream.uploads:
            self._verdict.assert_offered_is_had(file, await self._ask_for(file))
            status = await self._ask_for(file, metadata=True)
            if file.metadata is not None:
                self._verdict.assert_offered_is_had(file, status)
        await self._verdict.compare()
        await self._verdict.assert_chain()

    async def _confirm_all(self) -> None:
        await self._office.release_brake()
        for _ in range(3):
            self.pypi.advance(timedelta(minutes=31))
            for act in (self._confirm, self._keep):
                await act()
                await self._settle()
                await self._verdict.compare()
        for story in self.model.stories.values():
            assert_all_absences_are_told(story, self.pypi)

    # Everpin's steps

    def _errand(self, verb: str) -> Callable[[Step], Awaitable[None]] | None:
        """What everpin does in such a step; None where it is nothing that it does."""
        if verb in ORDERS:
            return self._office.order
        found: Callable[[Step], Awaitable[None]] | None
        found = getattr(self._reading, verb) if verb in READINGS else getattr(self, f"_{verb}", None)
        return found

    async def _refresh(self, _step: Step | None = None) -> None:
        await self.house.refresh()

    async def _crash_in_refresh(self, step: Step) -> None:
        before_commit = step.this % 2 == 0
        catalog = CrashingCatalog(self._catalog, transaction=1, before_commit=before_commit)
        refresher = self.house.refresher
        own = Refresher(catalog, refresher._index, refresher._index_url, refresher._rules, self.pypi.now)
        with suppress(UpstreamUnavailableError, CrashError):
            await own.refresh(canonicalize_name(step.name))
        if before_commit:
            self._answers.clear()

    async def _keep(self, _step: Step | None = None) -> None:
        await self.house.keeper.work_off()

    async def _watch(self, _step: Step | None = None) -> None:
        await self._reading.poll()
        await self._refresh()
        await self._settle()
        await self._keep()

    async def _page(self, step: Step) -> None:
        name = step.name
        async with self.house.http.get(f"/simple/{name}/", headers=_JSON) as answer:
            assert answer.status in (200, 404, 503)
        await self._settle()
        await self._verdict.assert_page(name, self.model.story(name))

    async def _file(self, step: Step) -> None:
        if file := self._some_file(step):
            await self._ask_for(file)

    async def _metadata(self, step: Step) -> None:
        if file := self._some_file(step):
            await self._ask_for(file, metadata=True)

    async def _confirm(self, _step: Step | None = None) -> None:
        await self._reading.poll()
        await self._settle()
        await self._verdict.compare()
        await self.house.confirm()

    async def _look_for_all(self, step: Step) -> None:
        await self._crash_in_refresh(Step("crash_in_refresh", step.project, 1))
        await self._settle()
        await self._verdict.compare()
        for _ in range(2):
            await self._confirm()
            await self._settle()
            await self._verdict.compare()
            self.pypi.advance(CONFIRM_INTERVAL + timedelta(seconds=1))

    async def _release_brake(self, _step: Step | None = None) -> None:
        await self._office.release_brake()

    async def _set_up(self, step: Step) -> None:
        if not self.model.stories:
            self.model.choice.draw(step.this, step.that)
            await self._restart()

    async def _heed(self, _step: Step) -> None:
        await self._office.heed()

    async def _crash_in_order(self, step: Step) -> None:
        await self._office.crash_in_order(step)

    async def _advance(self, step: Step) -> None:
        self.pypi.advance(SPANS[step.this % len(SPANS)])
        await self._reading.clock()

    async def _restart(self, _step: Step | None = None) -> None:
        await self._life.aclose()
        await self._open()
        await self._office.begin()

    # Inside

    async def _open(self) -> None:
        self._life = AsyncExitStack()
        choice = self.model.choice
        unexplained = Unexplained(choice.unexplained)
        safety = Safety(osv_interval=_SECOND, osv_url=self.advisers.osv.url, unexplained=unexplained)
        safety = safety.model_copy(update={"new_release_delay": choice.delay})
        self._house = await self._life.enter_async_context(
            house_of(self.pypi, self._catalog, self._data_dir, safety=safety)
        )

    async def _ask_for(self, file: File, *, metadata: bool = False) -> int | None:
        status: int | None = None
        body = b""
        path = f"{file.path}.metadata" if metadata else file.path
        try:
            status, body = await self.house.get(path)
        except ClientError:
            # Only what is wrong may break off.
            assert not self.upstream.is_sent(path.rpartition("/")[2])
        await self._settle()
        self._verdict.assert_file(file, status, body, metadata=metadata)
        return status

    def _some_file(self, step: Step) -> File | None:
        theirs = [file for file in self.upstream.uploads if file.project == step.name]
        return theirs[step.this % len(theirs)] if theirs else None

    def _overheard(self, key: Hashable, render: Callable[[], Answer], *, origin_up: bool = True) -> Delivery:
        delivery = self._fetch(key, render, origin_up=origin_up)
        answer = delivery.answer
        path = str(key[0]) if isinstance(key, tuple) else ""
        name = path.removeprefix("/simple/").strip("/")
        if path.startswith("/simple/") and name and answer.status == 404:
            self._answers.append(name)
        if path.startswith("/simple/") and name and answer.status == 200:
            page = shown(name, answer)
            if page is not None:
                self._answers.append(page)
        return delivery

    async def _settle(self) -> None:
        """Waits until everpin has finished what it began, and shows the model what it was shown."""
        refresher, supply = self.house.refresher, self.house.supply
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while refresher._running or supply._keeper._tasks:  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0.002)
        for answer in self._answers:
            if isinstance(answer, Shown):
                self.model.see(answer)
            else:
                self.model.absent(answer)
        self._answers.clear()
        await self._look_into_store(supply)

    async def _look_into_store(self, supply: Supply) -> None:
        for digest in {file.sha256 for file in self.upstream.uploads} - self.model.stored:
            if await supply.store.size(StoreKey(Sha256(digest))) is not None:
                self.model.store(digest)
