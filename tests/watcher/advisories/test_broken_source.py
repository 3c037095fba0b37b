"""What becomes of advisories whose source does not answer, or answers with what cannot be used."""

import pytest

from tests.osv_sim import Fault, OsvSim
from tests.watcher.advisories.readings import ARCHIVE, CHANGES, demo, known, read, reading
from tests.watcher.houses import House


@pytest.mark.parametrize("fault", ["down", "slow", "truncated", "nonsense", "gone", "astray"])
async def test_while_the_source_is_broken_everything_stays(house: House, osv: OsvSim, fault: Fault) -> None:
    """What is blocked stays blocked, and the age of what is known grows; afterwards it is made up for."""
    await demo(house)
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])
    await read(house)
    read_at = (await reading(house)).checked_at
    osv.withdraw("MAL-2026-1")
    osv.faults["*"] = fault

    failed = [await read(house, hours=30), await read(house, hours=3)]
    still, at_last = await house.states("demo"), (await reading(house)).checked_at
    osv.faults.clear()

    assert failed == [False, False]
    assert set(still.values()) == {"blocked advisory"}
    assert at_last == read_at
    assert await read(house, hours=3)
    assert set((await house.states("demo")).values()) == {"live"}


async def test_a_source_that_is_not_there_is_asked_less_and_less_often(house: House, osv: OsvSim) -> None:
    """At first after half a minute, never later than after an hour."""
    await osv.stop()
    await read(house)
    await osv.start()
    osv.faults["*"] = "down"

    for _ in range(60 * 4):
        await read(house, seconds=30)

    assert 5 <= len(osv.requests) <= 10
    osv.faults.clear()
    assert await read(house, hours=1)


async def test_a_bomb_blocks_nothing_and_costs_nothing(house: House, osv: OsvSim) -> None:
    """Records that unpack to very much are refused one by one; the rest of the reading goes on."""
    await demo(house)
    osv.publish("MAL-2026-9", "demo", versions=["1.0"])
    osv.faults[ARCHIVE] = "bomb"

    assert await read(house)

    assert await known(house) == {"MAL-2026-9"}
    assert osv.asked("MAL-2026-9.json") == [200]


async def test_a_source_of_archives_alone_is_enough(house: House, osv: OsvSim) -> None:
    """Without a list of changes all are read each time, which costs little where they have a tag."""
    await demo(house)
    osv.faults[CHANGES] = "gone"
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])

    assert await read(house)
    osv.withdraw("MAL-2026-1")
    assert await read(house)
    assert await read(house)

    assert set((await house.states("demo")).values()) == {"live"}
    assert osv.asked(ARCHIVE) == [200, 200, 304]


async def test_a_list_that_could_not_be_read_has_all_read_next_time(house: House, osv: OsvSim) -> None:
    """Who knows what it would have told."""
    await read(house)
    osv.faults[CHANGES] = "nonsense"
    failed = await read(house)
    osv.faults.clear()

    assert not failed
    assert await read(house)
    assert osv.asked(ARCHIVE) == [200, 304]


async def test_one_bad_record_does_not_hide_the_others(house: House, osv: OsvSim) -> None:
    """One that is listed and not there, and one that cannot be read, are left for the next reading of all."""
    await demo(house)
    await read(house)
    for number in (1, 2, 3):
        osv.publish(f"MAL-2026-{number}", "demo", versions=["1.0"])
    osv.faults |= {"MAL-2026-1.json": "gone", "MAL-2026-2.json": "nonsense"}

    assert await read(house)

    assert await known(house) == {"MAL-2026-3"}
