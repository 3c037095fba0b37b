"""Rounds: what no row of the journal tells is found all the same, evenly and without bothering the index."""

from datetime import timedelta

import pytest

from mirror.catalog import looks
from mirror.model import Departure
from mirror.names import ProjectName
from mirror.upstream.turns import REQUESTS_PER_SECOND
from tests.pypi_sim import PyPISim
from tests.pypi_sim.faults import PageFault
from tests.watcher.houses import House, long_ago
from watcher.looking import MOST_A_TICK, TICK
from watcher.rounds import share

ROUND = timedelta(hours=6)


async def known(house: House, *names: str) -> None:
    """Projects with two releases, already seen."""
    for name in names:
        for version in ("1.0", "1.1"):
            house.pypi.upload(name, version, uploaded_at=long_ago(house.pypi, days=200))
    await house.watch()
    for name in names:
        await house.page(name)


async def a_round_later(house: House) -> int:
    """A round passes without a word from the journal; at how many pages it looked."""
    house.pypi.advance(ROUND)
    return await house.look_round()


def asked(pypi: PyPISim, name: str = "demo") -> int:
    """How often upstream was asked for the page."""
    return pypi.count(kind="page", path=f"/simple/{name}/")


async def test_who_is_archived_and_taken_up_again_is_told_without_a_row(house: House, pypi: PyPISim) -> None:
    """Neither has a row or another serial: only the page says so, and it is believed."""
    await known(house, "demo")
    serial = (await house.memory("demo")).project.page_serial

    pypi.archive("demo")
    await a_round_later(house)
    archived = (await house.memory("demo")).project
    pypi.unarchive("demo")
    await a_round_later(house)

    assert (archived.status, archived.page_serial) == ("archived", serial)
    project = (await house.memory("demo")).project
    assert (project.status, project.page_serial) == ("active", serial)
    assert await house.kinds() == ["project.status_changed demo"] * 2
    assert [payload.status for payload in await house.payloads()] == ["archived", "active"]


async def test_another_reason_of_a_yank_is_served_though_the_serial_is_the_same(house: House, pypi: PyPISim) -> None:
    """What the page says counts, not its number."""
    await known(house, "demo")
    pypi.yank("demo", "1.0", "broken")
    await house.watch()

    pypi.release("demo", "1.0").yanked_reason = "broken on big-endian machines"
    await a_round_later(house)

    assert (await house.listed("demo"))["demo-1.0-py3-none-any.whl"] == "broken on big-endian machines"


async def test_a_page_whose_purge_was_lost_is_seen_when_the_cdn_lets_go(house: House, pypi: PyPISim) -> None:
    """No row asks for it; the round after the day for which the CDN kept its copy finds it."""
    pypi.cdn.enabled = True
    await known(house, "demo")
    pypi.cdn.lose_purge("demo")
    pypi.archive("demo")

    statuses = []
    for _ in range(6):
        assert await a_round_later(house) == 1
        statuses.append((await house.memory("demo")).project.status.value)

    assert statuses[:3] == ["active"] * 3
    assert statuses[-1] == "archived"


async def test_a_file_that_came_back_is_found(house: House, pypi: PyPISim) -> None:
    """PyPI's operators can bring a file back without a row."""
    await known(house, "demo")
    file = pypi.release("demo", "1.0").files["demo-1.0-py3-none-any.whl"]
    pypi.delete_release("demo", "1.0")
    await house.watch()
    departure = next(f.departed for f in (await house.memory("demo")).files if f.filename == file.filename)
    pypi.restore_file("demo", file)

    await a_round_later(house)

    assert isinstance(departure, Departure)
    assert await house.states("demo") == dict.fromkeys(await house.states("demo"), "live")
    assert (await house.kinds())[-1].startswith("restored demo")


async def test_a_name_that_lives_again_unannounced_is_found(house: House, pypi: PyPISim) -> None:
    """Removed projects are looked at, too."""
    await known(house, "demo")
    pypi.delete_project("demo")
    await house.watch()
    assert await a_round_later(house) == 1
    pypi.upload("demo", "2.0", uploaded_at=pypi.now())

    assert await a_round_later(house) == 1

    assert (await house.memory("demo")).project.incarnation == 2


async def test_what_somebody_looked_at_lately_is_left_alone(house: House, pypi: PyPISim) -> None:
    """A page that a client asked for has been looked at."""
    await known(house, "demo", "other")
    pypi.advance(ROUND / 2)
    await house.refresher.refresh(ProjectName("demo"))
    count = asked(pypi, "demo")
    pypi.advance(ROUND / 3)

    assert await house.look_round() == 1
    assert await house.look_round() == 0

    assert asked(pypi, "demo") == count
    assert asked(pypi, "other") == 2


@pytest.mark.parametrize("fault", ["503html", "404", "garbage", "reset"])
async def test_a_page_that_cannot_be_had_waits_for_the_next_round(
    house: House, pypi: PyPISim, fault: PageFault
) -> None:
    """It is not asked for at every tick, keeps nobody from being looked at, and nothing is concluded from it."""
    await known(house, "bad", "demo")
    pypi.faults.page("bad", fault)

    assert await a_round_later(house) == 2
    for _ in range(3):
        pypi.advance(TICK)
        await house.look_round()

    assert (asked(pypi, "bad"), asked(pypi, "demo")) == (2, 2)
    assert await house.kinds() == []
    assert set((await house.states("bad")).values()) == {"live"}


async def test_a_page_that_failed_does_not_count_as_confirmed(house: House, pypi: PyPISim) -> None:
    """That somebody looked is noted apart from what upstream said."""
    await known(house, "demo")
    before = (await house.memory("demo")).project.observed_at
    pypi.faults.page("demo", "503html")

    await a_round_later(house)

    assert (await house.memory("demo")).project.observed_at == before


async def test_when_the_index_asks_for_peace_it_gets_it(house: House, pypi: PyPISim) -> None:
    """After one refusal no page is asked for that no client waits for, until the time is over; clients are served."""
    await known(house, "bad", "demo", "queued")
    pypi.faults.page("bad", "429")
    pypi.advance(ROUND)
    async with house.catalog.writing() as conn:
        await looks.note_look(conn, ProjectName("demo"), now=pypi.now() - timedelta(minutes=1))
        await looks.note_look(conn, ProjectName("queued"), now=pypi.now() - timedelta(minutes=1))
    assert await house.look_round() == 1
    pypi.upload("queued", "2.0", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    count = pypi.count(kind="page")

    await house.refresh()
    assert await a_tick_later(house, timedelta(seconds=30)) == 0
    in_the_pause = pypi.count(kind="page")
    await house.refresher.refresh(ProjectName("demo"))

    assert in_the_pause == count
    assert asked(pypi, "demo") == 2
    assert (await house.memory("queued")).project.attempts == 0
    pypi.advance(timedelta(seconds=31))
    await house.refresh()
    assert len(await house.states("queued")) == 3


async def a_tick_later(house: House, span: timedelta = TICK) -> int:
    """A little time passes; at how many pages it looked then."""
    house.pypi.advance(span)
    return await house.look_round()


async def test_overdue_pages_are_caught_up_with_although_every_process_lives_shortly(
    house: House, pypi: PyPISim
) -> None:
    """Shares of a page do not outlive a process; a page that is overdue is looked at without one."""
    await known(house, "demo")
    pypi.advance(ROUND - TICK / 2)
    house.rounds._ticked_at = pypi.now()  # as in a process that has just begun
    too_early = await house.look_round()

    looked = await a_tick_later(house)

    assert (too_early, looked) == (0, 1)


@pytest.mark.parametrize("count", [1, 7, 500, 4_000])
def test_each_page_is_looked_at_once_a_round_and_evenly(count: int) -> None:
    """Of any number that the pace allows."""
    ticks = ROUND // TICK
    left, looked = 0.0, []
    for _ in range(ticks):
        left = share(left, count, waited=TICK, interval=ROUND)
        looked.append(int(left))
        left -= int(left)

    assert count - 1 <= sum(looked) <= count
    assert max(looked) - min(looked) <= 1


def test_more_pages_than_the_pace_allows_take_longer() -> None:
    """No tick, however late, asks for more than the index may be asked for between two of them."""
    assert share(0.0, 750_000, waited=TICK, interval=ROUND) == MOST_A_TICK == TICK.total_seconds() * REQUESTS_PER_SECOND
    assert share(5.0, 750_000, waited=timedelta(days=3), interval=ROUND) == MOST_A_TICK
    assert share(0.5, 100, waited=timedelta(seconds=-5), interval=ROUND) == 0.5


async def test_a_round_visits_all_once_the_longest_unseen_first(house: House, pypi: PyPISim) -> None:
    """However much at once they became known, they are looked at one after the other."""
    names = ["demo3", "demo5", "demo1", "demo6", "demo2", "demo4"]
    await known(house, *names)
    before = len(pypi.requests)

    pypi.advance(ROUND / 2)
    looked = [await a_tick_later(house, ROUND / 24) for _ in range(12)]

    visited = [seen.path.split("/")[2] for seen in pypi.requests[before:] if seen.kind == "page"]
    assert set(visited[:3]) == set(names[:3])
    assert visited[3:6] == names[3:]
    assert looked[0] == 3
    assert set(looked[1:]) <= {0, 1}
