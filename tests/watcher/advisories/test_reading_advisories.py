"""When advisories are read, and what of them is asked for."""

from dataclasses import replace
from datetime import timedelta

import msgspec
from aiohttp import ClientSession

from mirror import observe
from mirror.advisories import read_advisory
from tests.osv_sim import ALL_VERSIONS, OsvSim
from tests.watcher.advisories.readings import ARCHIVE, CHANGES, demo, known, read, reading
from tests.watcher.houses import House
from watcher.advisories import AdvisoryReader
from watcher.advisories.client import AdvisoryClient
from watcher.advisories.reader import MOST_SINGLY


async def test_all_are_read_first_and_then_what_changed(house: House, osv: OsvSim) -> None:
    """Before it is time again nobody is asked; afterwards only the list and the records that changed."""
    await demo(house)
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])
    osv.publish("PYSEC-2026-1", "demo", versions=["1.0"])

    assert await read(house)
    assert not await read(house, minutes=1)
    house.pypi.advance(timedelta(minutes=1))
    osv.publish("MAL-2026-2", "demo", versions=["1.0"])
    assert await read(house)
    assert await read(house)

    assert await known(house) == {"MAL-2026-1", "MAL-2026-2"}
    assert osv.requests == [
        (ARCHIVE, 200),
        (CHANGES, 200),
        (CHANGES, 200),
        ("MAL-2026-2.json", 200),
        (CHANGES, 304),
    ]


async def test_once_a_day_all_are_read_again(house: House, osv: OsvSim) -> None:
    """The archive is asked for under its tag, so that one that did not change is not sent."""
    await read(house)
    first = (await reading(house)).full_at
    await read(house, hours=25)

    again = (await reading(house)).full_at
    assert osv.asked(ARCHIVE) == [200, 304]
    assert first is not None
    assert again is not None
    assert again - first >= timedelta(hours=25)


async def test_what_the_list_of_changes_did_not_tell_is_found_within_a_day(house: House, osv: OsvSim) -> None:
    """A record may appear late, under a time that was read long ago."""
    await demo(house)
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])
    late = osv.records.pop("MAL-2026-1")
    house.pypi.advance(timedelta(days=3))
    osv.publish("MAL-2026-2", "other", versions=["1.0"])
    await read(house)
    osv.records["MAL-2026-1"] = late
    await read(house)
    before = await known(house)

    await read(house, hours=25)

    assert (before, await known(house)) == (set(), {"MAL-2026-1"})


async def test_a_record_that_is_gone_takes_nothing_back(house: House, osv: OsvSim) -> None:
    """An archive that lacks some is more likely to be broken: those that were an error are withdrawn."""
    await demo(house)
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])
    await read(house)
    osv.forget("MAL-2026-1")

    await read(house, hours=25)

    assert osv.asked(ARCHIVE) == [200, 200]
    assert set((await house.states("demo")).values()) == {"blocked advisory"}


async def test_an_old_archive_takes_nothing_back(house: House, osv: OsvSim) -> None:
    """The archive is made now and then only; what is known already may be newer."""
    await demo(house)
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])
    osv.stale_archive = osv.archive()
    await read(house)
    osv.withdraw("MAL-2026-1")
    await read(house)
    withdrawn = await house.states("demo")

    osv.etags = False
    await read(house, hours=25)

    assert osv.asked(ARCHIVE) == [200, 200]
    assert set(withdrawn.values()) == set((await house.states("demo")).values()) == {"live"}


async def test_an_archive_that_lags_is_completed_from_the_list(house: House, osv: OsvSim) -> None:
    """At the first reading already."""
    await demo(house)
    osv.stale_archive = osv.archive()
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])

    assert await read(house)

    assert await known(house) == {"MAL-2026-1"}


async def test_very_many_changes_are_read_at_once(house: House, osv: OsvSim) -> None:
    """Rather from the archive than one by one."""
    await demo(house)
    await read(house)
    for number in range(MOST_SINGLY + 1):
        osv.publish(f"MAL-2026-{number}", "demo", versions=[f"1.{number}"])

    assert await read(house)

    assert len(await known(house)) == MOST_SINGLY + 1
    assert [name for name, _ in osv.requests if name.startswith("MAL-")] == []


async def test_times_from_the_future_do_not_hide_what_comes_later(house: House, osv: OsvSim) -> None:
    """A record with a wrong clock is taken as it is; the reading goes on from the present."""
    await demo(house)
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])
    osv.records["MAL-2026-1"]["modified"] = "2199-01-01T00:00:00Z"
    await read(house)
    await read(house)
    osv.publish("MAL-2026-2", "demo", versions=["1.0"])

    await read(house)

    assert await known(house) == {"MAL-2026-1", "MAL-2026-2"}


async def test_another_source_is_read_from_its_beginning(house: House, osv: OsvSim) -> None:
    """Tags and times are those of the one that was read before; what it said stays."""
    await demo(house)
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])
    await read(house)
    async with OsvSim(house.pypi.now) as other, ClientSession() as session:
        other.publish("MAL-2026-2", "demo", versions=["1.0"])
        reader = AdvisoryReader(
            catalog=house.catalog,
            client=AdvisoryClient(session, f"{other.url}/", timeout=3),
            every=timedelta(minutes=15),
            spool_dir=house.settings.spool_dir,
            rules=house.rules,
            now=house.pypi.now,
        )

        assert await reader.tick()

        assert other.asked(ARCHIVE) == [200]
        assert (await reading(house)).source == other.url
    assert await known(house) == {"MAL-2026-1", "MAL-2026-2"}


async def test_a_replay_adds_nothing(house: House, osv: OsvSim) -> None:
    """Whoever applies the same records again, or older ones, changes nothing and tells nothing."""
    await demo(house)
    osv.publish("MAL-2026-1", "demo", ranges=[ALL_VERSIONS])
    record = read_advisory(msgspec.json.encode(osv.records["MAL-2026-1"]))
    older = replace(record, modified=record.modified - timedelta(days=1), withdrawn=record.modified)
    applied = []
    for batch in ([older, record, record], [record], [older]):
        async with house.catalog.writing() as conn:
            applied.append(await observe.advisories(conn, batch, rules=house.rules, now=house.pypi.now()))
        house.pypi.advance(timedelta(minutes=1))

    assert applied == [1, 0, 0]
    assert await house.kinds() == ["advisory.blocked demo 1.0"]


async def test_nothing_is_left_on_disk(house: House, osv: OsvSim) -> None:
    """The archive is spooled without a name."""
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])

    await read(house)

    assert list(house.settings.spool_dir.iterdir()) == []
