"""What one process changes, all others serve at once; and who may have missed something looks again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest_asyncio

from mirror.catalog import notices
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.notices import JournalRead, Notice, NoticesLost, PagesChanged
from mirror.index.negotiate import ContentType
from mirror.names import ProjectName, Serial
from mirror.web.pages import Pages
from tests.mirror.web.clients import CountingCatalog, ask, at_rest, old_wheel
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, house_of, until


@pytest_asyncio.fixture
async def other(house: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """A second process on the same catalog and store."""
    async with house_of(pypi, catalog, tmp_path) as other:
        await other.vouched()
        yield other


class HaltingCatalog(Catalog):
    """A catalog whose next reader of files is halted after it has read, until it is let go."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog._pool, catalog.url)
        self.halting = False
        self.halted = asyncio.Event()
        self.go = asyncio.Event()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """As `Catalog.reading`; the connection is given back late."""
        async with super().reading() as conn:
            yield conn
        if self.halting:
            self.halting = False
            self.halted.set()
            await self.go.wait()


async def test_what_one_process_learns_all_serve(house: House, other: House, pypi: PyPISim) -> None:
    """A deletion read by one watcher shows on the warm pages of every process."""
    filename = old_wheel(pypi)
    await ask(house, "/simple/demo/")
    await house.get(await house.url("demo", filename))
    assert await other.listed("demo") == {filename: False}
    pypi.delete_release("demo", "1.0")

    await house.watch()

    async def is_yanked() -> bool:
        return (await other.listed("demo"))[filename] is not False

    await eventually(is_yanked)


async def test_a_quarantine_empties_the_warm_pages_of_others(house: House, other: House, pypi: PyPISim) -> None:
    """Blocking reaches every process without anybody asking upstream for the page."""
    old_wheel(pypi)
    await ask(other, "/simple/demo/")
    pypi.faults.page("demo", "hang")
    pypi.quarantine_project("demo")

    await house.poll()

    async def is_empty() -> bool:
        return not await other.listed("demo")

    await eventually(is_empty)


async def test_a_page_that_was_read_before_a_notice_is_not_kept_after_it(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """A reader is overtaken by a change: who waited may get the old page, but nobody after the notice does."""
    filename = old_wheel(pypi)
    halting = HaltingCatalog(catalog)
    async with house_of(pypi, catalog, tmp_path) as writer, house_of(pypi, halting, tmp_path) as house:
        await writer.page("demo")
        await house.vouched()
        halting.halting = True
        overtaken = asyncio.create_task(ask(house, "/simple/demo/"))
        await halting.halted.wait()
        pypi.quarantine_project("demo")
        house.heard.clear()
        await writer.poll()
        await until(lambda: PagesChanged((ProjectName("demo"),)) in house.heard)
        halting.go.set()
        await overtaken

        assert await house.listed("demo") == {}
        assert filename not in (await ask(house, "/simple/demo/", Accept="text/html")).text


async def test_a_page_that_comes_while_others_look_for_it_is_there(house: House, pypi: PyPISim) -> None:
    """Who joins a look at the catalog that began before the page was stored is not told that there is no project."""
    old_wheel(pypi)
    halting = HaltingCatalog(house.catalog)
    # These hear no notices, as when one is late.
    pages = Pages(catalog=halting, refresher=house.refresher, settings=house.settings, now=pypi.now)
    blocker = await asyncpg.connect(house.catalog.url)
    try:
        await blocker.execute("begin; lock table projects in share row exclusive mode")
        first = asyncio.create_task(pages.get(ProjectName("demo"), ContentType.V1_JSON))
        await pypi.until(1, kind="page")
        halting.halting = True
        second = asyncio.create_task(pages.get(ProjectName("demo"), ContentType.V1_JSON))
        await halting.halted.wait()
    finally:
        await blocker.close()
    await house.refresher.refresh(ProjectName("demo"))
    await asyncio.sleep(0)
    halting.go.set()

    for page in await asyncio.gather(first, second):
        assert page.serial == pypi.last_serial


async def test_a_lost_connection_makes_nothing_stale_look_fresh(house: House, pypi: PyPISim, catalog: Catalog) -> None:
    """While notices cannot come the catalog is asked, and when they come again the page is as it should be."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    await _cut_listeners(catalog)
    await until(lambda: NoticesLost(hearing=False) in house.heard)
    vouched_without_notices = house.pages.is_vouched_for()
    pypi.quarantine_project("demo")

    await house.poll()

    assert not vouched_without_notices
    assert await house.listed("demo") == {}
    await house.vouched()
    assert await house.listed("demo") == {}


async def test_without_notices_the_catalog_is_asked_for_every_page(
    house: House, pypi: PyPISim, counting: CountingCatalog
) -> None:
    """A change that nobody told is seen all the same; what did not change is not read as a whole again."""
    filename = old_wheel(pypi)
    await house.page("demo")
    house.pages.heard(NoticesLost())
    assert await house.listed("demo") == {filename: False}
    await at_rest(counting)
    uses = counting.uses
    assert await house.listed("demo") == {filename: False}
    assert counting.uses == uses + 1
    async with counting.writing() as conn:
        await conn.execute("update projects set revision = revision + 1, quarantined_by = 1 where name = 'demo'")

    assert await house.listed("demo") == {}


async def test_heartbeats_that_cease_vouch_for_nothing(house: House, pypi: PyPISim) -> None:
    """After three intervals without one, a page is trusted for `stale_after` only."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    pypi.advance(timedelta(minutes=10))
    pypi.faults.page("demo", "503html")

    answer = await ask(house, "/simple/demo/")

    assert not house.pages.is_vouched_for()
    assert int(answer.headers["X-Everpin-Stale"]) >= 600


async def test_notices_arrive_with_the_commit_and_in_batches(catalog: Catalog) -> None:
    """Nothing is heard of a transaction that was rolled back; thousands of projects need several notices."""
    heard: list[Notice] = []
    names = [ProjectName(f"a-project-with-a-rather-long-name-{number}") for number in range(1_000)]
    async with notices.listening(catalog.url, heard.append):
        await until(lambda: bool(heard))
        conn = await asyncpg.connect(catalog.url)
        try:
            transaction = conn.transaction()
            await transaction.start()
            await notices.pages_changed(conn, [ProjectName("never")])
            await transaction.rollback()
        finally:
            await conn.close()
        now = PyPISim().now()
        async with catalog.writing() as writing:
            await notices.pages_changed(writing, names)
            await notices.journal_read(writing, Serial(7), now=now)
        await until(lambda: isinstance(heard[-1], JournalRead))

    changed = [notice for notice in heard if isinstance(notice, PagesChanged)]
    assert len(changed) > 1
    assert [name for notice in changed for name in notice.projects] == names
    assert heard[-1] == JournalRead(Serial(7), now)


async def test_a_listener_that_was_cut_off_comes_back(catalog: Catalog) -> None:
    """It says that something may have been missed, once when it is cut off and once when it hears again."""
    heard: list[Notice] = []
    async with notices.listening(catalog.url, heard.append):
        await until(lambda: heard == [NoticesLost(hearing=True)])

        await _cut_listeners(catalog)

        await until(lambda: heard == [NoticesLost(hearing=True), NoticesLost(hearing=False), NoticesLost(hearing=True)])
        async with catalog.writing() as conn:
            await notices.backlog_grew(conn)
        await until(lambda: len(heard) == 4)


async def test_words_that_are_not_ours_mean_that_anything_may_have_changed(catalog: Catalog) -> None:
    """The safe reading of what cannot be read."""
    heard: list[Notice] = []
    async with notices.listening(catalog.url, heard.append):
        await until(lambda: len(heard) == 1)

        async with catalog.writing() as conn:
            await conn.execute("select pg_notify('everpin', 'hello?')")

        await until(lambda: heard == [NoticesLost(hearing=True)] * 2)


async def _cut_listeners(catalog: Catalog) -> None:
    """Ends every connection that listens, from another one."""
    conn = await asyncpg.connect(catalog.url)
    try:
        cut = await conn.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and query like 'LISTEN%'"
        )
        assert cut
    finally:
        await conn.close()
