"""The list of all projects is made once, however many ask, and made again when it may have changed."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mirror.catalog.database import Catalog, Connection
from mirror.catalog.notices import JournalRead, Notice, NoticesLost, PagesChanged
from mirror.errors import CatalogUnavailableError
from mirror.names import ProjectName
from mirror.web.project_list import ProjectLists
from tests.mirror.web.clients import CountingCatalog, ask, old_wheel
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually

MANY = 5_000


async def known(catalog: Catalog, count: int, *, spelled: str = "Project-") -> None:
    """Has the catalog know so many projects."""
    async with catalog.writing() as conn:
        await conn.execute(
            "insert into projects"
            " (name, display_name, page_serial, known_since, incarnation, status, versions, extra, revision)"
            " select lower($2) || n, $2 || n, n, now(), 1, 'active', '{}', '{}', 1"
            " from generate_series(1, $1::int) as n",
            count,
            spelled,
        )


def lists_of(catalog: Catalog) -> ProjectLists:
    """Lists that hear what they are told."""
    return ProjectLists(catalog, is_hearing=lambda: True)


async def names(lists: ProjectLists) -> list[str]:
    """The names on the list."""
    listed = json.loads(gzip.decompress((await lists.get(as_json=True)).gzipped))
    return [project["name"] for project in listed["projects"]]


async def test_a_long_list_is_whole_in_every_form(house: House, counting: CountingCatalog) -> None:
    """Made of many pieces, packed and unpacked again, with the length that it has."""
    await known(counting, MANY)
    expected = sorted(f"Project-{number}" for number in range(1, MANY + 1))

    for accept in ("application/vnd.pypi.simple.v1+json", "text/html"):
        plain, packed = (
            await ask(house, "/simple/", Accept=accept),
            await house.http.get("/simple/", headers={"Accept": accept, "Accept-Encoding": "gzip"}),
        )
        assert plain.headers["Content-Length"] == str(len(plain.body))
        assert plain.headers["ETag"] != packed.headers["ETag"]
        assert await packed.read() == plain.body
        found = (
            [project["name"] for project in json.loads(plain.text)["projects"]]
            if "json" in accept
            else [line.partition('">')[2].removesuffix("</a>") for line in plain.text.splitlines() if "href" in line]
        )
        assert sorted(found) == expected


async def test_many_who_ask_at_once_share_one_making(counting: CountingCatalog) -> None:
    """Fifty clients cost the catalog what one costs, and afterwards nothing."""
    await known(counting, MANY)
    uses = counting.uses

    first = await lists_of(counting).get(as_json=True)
    cost = counting.uses - uses
    lists = lists_of(counting)
    all_of_them = await asyncio.gather(*(lists.get(as_json=True) for _ in range(50)))
    await lists.get(as_json=True)

    assert counting.uses == uses + 2 * cost
    assert {listed.gzip_etag for listed in all_of_them} == {first.gzip_etag}


async def test_it_is_made_again_when_something_may_have_changed(counting: CountingCatalog, pypi: PyPISim) -> None:
    """A page that changed, a newer journal, lost notices; but neither another form nor an old serial once more."""
    lists = lists_of(counting)
    lists.heard(JournalRead(7, pypi.now()))
    notices: list[Notice] = [
        PagesChanged((ProjectName("demo"),)),
        JournalRead(8, pypi.now()),
        NoticesLost(hearing=True),
    ]
    for number, notice in enumerate(notices, start=1):
        await names(lists)
        await known(counting, 1, spelled=f"New{number}-")
        lists.heard(JournalRead(7 if number < 3 else 8, pypi.now()))
        assert len(await names(lists)) == number - 1

        lists.heard(notice)
        assert len(await names(lists)) == number


async def test_a_list_that_was_being_made_when_something_changed_is_not_kept(counting: CountingCatalog) -> None:
    """The notice may be about what had been read before."""
    await known(counting, 1, spelled="First-")
    lists = lists_of(counting)
    asking = asyncio.create_task(names(lists))
    for _ in range(2):
        # Who asks has its turn, and then the making.
        await asyncio.sleep(0)
    lists.heard(PagesChanged((ProjectName("demo"),)))
    await asking
    await known(counting, 1, spelled="Second-")

    assert await names(lists) == ["First-1", "Second-1"]


async def test_without_notices_it_is_made_anew(counting: CountingCatalog) -> None:
    """Nobody would have told."""
    lists = ProjectLists(counting, is_hearing=lambda: False)
    assert await names(lists) == []
    await known(counting, 1)

    assert await names(lists) == ["Project-1"]


async def test_what_a_list_takes_is_taken_from_the_pages(house: House, counting: CountingCatalog) -> None:
    """Both share `mirror.memory`."""
    await known(counting, MANY)
    before = house.pages.held_bytes

    packed = await house.http.get("/simple/", headers={"Accept-Encoding": "gzip"}, auto_decompress=False)

    assert house.pages.held_bytes - before == int(packed.headers["Content-Length"]) > 10_000


async def test_who_leaves_before_it_is_made_spoils_it_for_nobody(counting: CountingCatalog) -> None:
    """The others get it; and where it fails for nobody any more, nobody is told."""
    await known(counting, MANY)
    lists = lists_of(counting)
    leaving, staying = asyncio.create_task(names(lists)), asyncio.create_task(names(lists))
    await asyncio.sleep(0)
    leaving.cancel()

    assert len(await staying) == MANY
    await asyncio.gather(leaving, return_exceptions=True)


async def test_a_failure_is_told_and_the_next_one_tries_again(catalog: Catalog) -> None:
    """A database that is gone for a moment is no reason to remember that there is no list."""

    class Failing(CountingCatalog):
        fails = True

        @asynccontextmanager
        async def reading(self) -> AsyncIterator[Connection]:
            if self.fails:
                raise CatalogUnavailableError("gone for a moment")
            async with super().reading() as conn:
                yield conn

    failing = Failing(catalog)
    lists = lists_of(failing)
    failures = await asyncio.gather(*(names(lists) for _ in range(3)), return_exceptions=True)
    failing.fails = False

    assert [type(failure) for failure in failures] == [CatalogUnavailableError] * 3
    assert await names(lists) == []


async def test_a_new_project_is_on_the_list_as_soon_as_it_is_known(house: House, pypi: PyPISim) -> None:
    """The notice of its page reaches the list as well."""
    await ask(house, "/simple/")
    old_wheel(pypi)
    await ask(house, "/simple/demo/")

    async def is_listed() -> bool:
        return '"demo"' in (await ask(house, "/simple/")).text

    await eventually(is_listed)
