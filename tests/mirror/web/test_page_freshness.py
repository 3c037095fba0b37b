"""When upstream is asked for a page, and when not."""

import asyncio
from datetime import timedelta
from pathlib import Path

from mirror.catalog.notices import PagesChanged
from mirror.names import ProjectName
from mirror.setting_sections import Mirror
from tests.mirror.web.clients import JSON, CountingCatalog, ask, at_rest, old_wheel, pages_asked
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, house_of, until


async def test_a_warm_page_costs_neither_sql_nor_a_request(
    house: House, pypi: PyPISim, counting: CountingCatalog
) -> None:
    """While the journal's heartbeats arrive, pages come out of memory alone, in every form."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    # The notice of the page's own arrival comes over another connection, and has it looked up once more.
    await until(lambda: PagesChanged((ProjectName("demo"),)) in house.heard)
    for accept in (JSON, "text/html"):
        await ask(house, "/simple/demo/", Accept=accept)
    requests, uses = len(pypi.requests), counting.uses

    for accept in (JSON, "text/html") * 5:
        answer = await ask(house, "/simple/demo/", Accept=accept)
        assert answer.status == 200
        assert "X-Everpin-Stale" not in answer.headers

    assert (len(pypi.requests), counting.uses) == (requests, uses)


async def test_the_journal_keeps_a_page_fresh_for_long_but_not_for_ever(house: House, pypi: PyPISim) -> None:
    """Beyond `stale_after` the heartbeats vouch for a page; beyond `max_trust` it is asked for all the same."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    pypi.advance(timedelta(minutes=50))
    await house.vouched()
    await ask(house, "/simple/demo/")
    asked_while_trusted = pages_asked(pypi, "demo")
    pypi.advance(timedelta(minutes=11))
    await house.vouched()

    answers = [await ask(house, "/simple/demo/") for _ in range(3)]

    assert asked_while_trusted == 1
    assert pages_asked(pypi, "demo") == 2
    assert all("X-Everpin-Stale" not in answer.headers for answer in answers)


async def test_without_heartbeats_an_old_page_is_confirmed_conditionally(house: House, pypi: PyPISim) -> None:
    """Nobody vouches: after `stale_after` upstream is asked with the ETag, and its 304 makes the page fresh again."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    pypi.advance(timedelta(minutes=6))

    answers = [await ask(house, "/simple/demo/") for _ in range(3)]

    assert pages_asked(pypi, "demo") == 2
    assert "If-None-Match" in pypi.requests[-1].headers
    assert [answer.status for answer in answers] == [200] * 3
    assert all("X-Everpin-Stale" not in answer.headers for answer in answers)


async def test_without_heartbeats_a_young_page_is_believed(house: House, pypi: PyPISim) -> None:
    """Within `stale_after` nobody needs to vouch."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    pypi.advance(timedelta(minutes=4))

    await ask(house, "/simple/demo/")

    assert not house.pages.is_vouched_for()
    assert pages_asked(pypi, "demo") == 1


async def test_an_older_page_is_replaced_by_what_upstream_has_now(house: House, pypi: PyPISim) -> None:
    """Without a journal, the client who finds the page too old gets the new one."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    old_wheel(pypi, version="1.1")
    pypi.advance(timedelta(minutes=6))

    listed = await house.listed("demo")

    assert sorted(listed) == ["demo-1.0-py3-none-any.whl", "demo-1.1-py3-none-any.whl"]


async def test_what_the_journal_calls_outdated_is_not_fresh(house: House, pypi: PyPISim) -> None:
    """A row said that the page changed: who asks before the watcher fetched it gets the new page, and at once."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    old_wheel(pypi, version="1.1")
    await house.vouched()

    async def has_news() -> bool:
        return "demo-1.1-py3-none-any.whl" in await house.listed("demo")

    await eventually(has_news)

    assert pages_asked(pypi, "demo") == 2


async def test_an_outdated_page_says_so_while_upstream_cannot_be_asked(house: House, pypi: PyPISim) -> None:
    """The journal is there and says that there is more; the page is served all the same, but as a stale one."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    old_wheel(pypi, version="1.1")
    pypi.faults.page("demo", "503html")
    await house.vouched()

    async def is_stale() -> bool:
        return "X-Everpin-Stale" in (await ask(house, "/simple/demo/")).headers

    await eventually(is_stale)
    answers = [await ask(house, "/simple/demo/") for _ in range(5)]

    assert all(answer.status == 200 and "X-Everpin-Stale" in answer.headers for answer in answers)
    assert pages_asked(pypi, "demo") == 2


async def test_many_first_requests_are_one_request_upstream(
    house: House, pypi: PyPISim, counting: CountingCatalog
) -> None:
    """Twenty clients at once: upstream is asked once, and all get the page."""
    filename = old_wheel(pypi)

    answers = await asyncio.gather(*(ask(house, "/simple/demo/") for _ in range(20)))

    assert [answer.status for answer in answers] == [200] * 20
    assert all(filename in answer.text for answer in answers)
    assert pages_asked(pypi, "demo") == 1


async def test_many_requests_for_an_old_page_are_one_request_upstream(
    house: House, pypi: PyPISim, counting: CountingCatalog
) -> None:
    """Also where the page must be renewed, upstream is asked and the catalog is read once, not once for each client."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    filename = old_wheel(pypi, version="1.1")
    pypi.advance(timedelta(minutes=6))
    uses = counting.uses

    answers = await asyncio.gather(*(ask(house, "/simple/demo/") for _ in range(20)))

    assert all(filename in answer.text for answer in answers)
    assert pages_asked(pypi, "demo") == 2
    assert counting.uses - uses < 10


async def test_the_memory_for_pages_is_bounded(pypi: PyPISim, counting: CountingCatalog, tmp_path: Path) -> None:
    """Pages beyond `mirror.memory` are dropped, those not asked for longest first; they still come from the catalog."""
    async with house_of(pypi, counting, tmp_path, mirror=Mirror(memory=20_000)) as house:
        await house.vouched()
        names = [f"demo{number}" for number in range(12)]
        for name in names:
            old_wheel(pypi, name)
            assert (await ask(house, f"/simple/{name}/")).status == 200
            assert house.pages.held_bytes <= 20_000
        # The notice of the last page's own arrival has it looked up once more when it is asked for next.
        await until(lambda: PagesChanged((ProjectName(names[-1]),)) in house.heard)
        await ask(house, f"/simple/{names[-1]}/")
        await at_rest(counting)
        requests = len(pypi.requests)
        uses = counting.uses

        newest, oldest = await ask(house, f"/simple/{names[-1]}/"), await ask(house, f"/simple/{names[0]}/")

        assert (newest.status, oldest.status) == (200, 200)
        assert counting.uses == uses + 1
        assert len(pypi.requests) == requests


async def test_a_page_larger_than_the_memory_is_served_all_the_same(
    pypi: PyPISim, counting: CountingCatalog, tmp_path: Path
) -> None:
    """A bound on what is kept is no bound on what can be asked for."""
    async with house_of(pypi, counting, tmp_path, mirror=Mirror(memory=1)) as house:
        filename = old_wheel(pypi)

        answers = [await ask(house, "/simple/demo/") for _ in range(2)]

        assert all(filename in answer.text for answer in answers)
        assert house.pages.held_bytes == 0
        assert pages_asked(pypi, "demo") == 1


async def test_a_quarantined_project_has_a_page_without_files(house: House, pypi: PyPISim) -> None:
    """PEP 792: the page is there and says why it is empty; a refused page would send pip to another index."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")
    pypi.quarantine_project("demo")
    await house.poll()

    async def is_empty() -> bool:
        return not await house.listed("demo")

    await eventually(is_empty)

    page = await house.page("demo")
    assert page["project-status"] == {"status": "quarantined"}
    assert page["files"] == []


async def test_a_project_first_seen_in_quarantine_has_such_a_page_too(house: House, pypi: PyPISim) -> None:
    """The first answer may already be the empty one."""
    old_wheel(pypi)
    pypi.quarantine_project("demo")

    page = await house.page("demo")

    assert (page["project-status"], page["files"]) == ({"status": "quarantined"}, [])
