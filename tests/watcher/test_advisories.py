"""What advisories call malware is not served any more, from the moment they are read; what they take back is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from mirror.catalog.database import Catalog
from mirror.setting_sections import Safety
from tests.osv_sim import ALL_VERSIONS, OsvSim
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, house_of, long_ago


@pytest_asyncio.fixture
async def house(pypi: PyPISim, osv: OsvSim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """Everpin that has read the empty source once."""
    async with house_of(pypi, catalog, tmp_path, safety=Safety(osv_url=osv.url)) as house:
        await house.poll()
        assert await read(house)
        yield house


async def read(house: House) -> bool:
    """Reads the advisories when it is time for that again."""
    assert house.advisories is not None
    house.pypi.advance(timedelta(minutes=20))
    return await house.advisories.tick()


async def _kept(house: House, name: str, *versions: str, days: float = 200) -> dict[str, str]:
    """Uploads wheels so many days ago, has everpin fetch them, and says where each version is."""
    for version in versions:
        house.pypi.upload(name, version, uploaded_at=long_ago(house.pypi, days=days))
    await house.poll()
    await house.refresh()
    addresses = {version: await house.url(name, f"{name}-{version}-py3-none-any.whl") for version in versions}
    for address in addresses.values():
        assert (await house.get(address))[0] == 200
        assert (await house.get(f"{address}.metadata"))[0] == 200
    return addresses


async def test_malware_is_blocked_as_soon_as_it_is_called_so(house: House, osv: OsvSim) -> None:
    """A warm page, cached bytes and metadata alike; and it is told once, with the state of the files."""
    await house.vouched()
    addresses = await _kept(house, "demo", "1.0", "1.1")
    await house.vouched()
    before = await house.listed("demo")
    osv.publish("MAL-2026-1", "Demo", versions=["1.1.0"])

    assert await read(house)
    assert await read(house)

    assert sorted(before) == ["demo-1.0-py3-none-any.whl", "demo-1.1-py3-none-any.whl"]
    assert await house.states("demo") == {
        "demo-1.0-py3-none-any.whl": "live",
        "demo-1.1-py3-none-any.whl": "blocked advisory",
    }
    await _until_listed(house, "demo", "demo-1.0-py3-none-any.whl")
    assert [(await house.get(addresses["1.1"]))[0], (await house.get(f"{addresses['1.1']}.metadata"))[0]] == [403, 403]
    assert (await house.get(addresses["1.0"]))[0] == 200
    (told,) = await house.payloads()
    assert (told.kind, told.project, told.version, told.evidence) == ("advisory.blocked", "demo", "1.1", None)
    assert (told.advisories, told.incarnation) == (("MAL-2026-1",), 1)
    assert told.files is not None
    assert [(file.filename, file.state) for file in told.files] == [("demo-1.1-py3-none-any.whl", "blocked")]


async def test_versions_are_blocked_by_name_not_all_in_between(house: House, osv: OsvSim) -> None:
    """Good releases lie between bad ones; each bad version is an event of its own."""
    versions = [f"8.3.{n}" for n in (41, 42, 43, 44, 45, 46)]
    bad = ["8.3.41", "8.3.42", "8.3.45", "8.3.46"]
    await _kept(house, "ultralytics", *versions)
    osv.publish("MAL-2024-12075", "ultralytics", versions=bad)

    await read(house)

    states = await house.states("ultralytics")
    assert {version: states[f"ultralytics-{version}-py3-none-any.whl"] for version in versions} == {
        version: "blocked advisory" if version in bad else "live" for version in versions
    }
    assert await house.kinds() == [f"advisory.blocked ultralytics {version}" for version in bad]


async def test_what_is_withdrawn_is_served_again(house: House, osv: OsvSim) -> None:
    """A false alarm ends with a second event, and leaves no trace on the page."""
    addresses = await _kept(house, "react", "1.0")
    osv.publish("MAL-2026-7", "react", ranges=[ALL_VERSIONS])
    await read(house)
    blocked = await house.states("react")
    osv.withdraw("MAL-2026-7")

    await read(house)
    await read(house)

    assert set(blocked.values()) == {"blocked advisory"}
    assert set((await house.states("react")).values()) == {"live"}
    assert (await house.get(addresses["1.0"]))[0] == 200
    assert await house.kinds() == ["advisory.blocked react 1.0", "advisory.withdrawn react 1.0"]
    assert [told.advisories for told in await house.payloads()] == [("MAL-2026-7",)] * 2


async def test_a_second_advisory_keeps_blocked_what_the_first_takes_back(house: House, osv: OsvSim) -> None:
    """Each is told for itself; the state at that moment says what follows."""
    await _kept(house, "demo", "1.0")
    osv.publish("MAL-2026-1", "demo", versions=["1.0"])
    osv.publish("MAL-2026-2", "demo", versions=["1.0"])
    await read(house)
    osv.withdraw("MAL-2026-1")

    await read(house)

    assert set((await house.states("demo")).values()) == {"blocked advisory"}
    (last,) = (await house.payloads())[2:]
    assert last.files is not None
    assert (last.kind, last.advisories, last.files[0].state) == ("advisory.withdrawn", ("MAL-2026-1",), "blocked")


async def test_a_reclaimed_name_is_served_once_the_record_is_narrowed(house: House, osv: OsvSim, pypi: PyPISim) -> None:
    """A record on a squatter's versions covers the rightful owner's too, until it is narrowed to what it meant."""
    osv.publish("MAL-2026-1035", "neural-compressor-jax", ranges=[ALL_VERSIONS], versions=["0.0.0", "1.0.0"])
    await read(house)
    pypi.upload("neural-compressor-jax", "2.0", uploaded_at=long_ago(pypi, days=10))
    pypi.upload("neural-compressor-jax", "1.0.0", uploaded_at=long_ago(pypi, days=200))
    await house.watch()
    at_first = await house.listed("neural-compressor-jax")
    osv.publish("MAL-2026-1035", "neural-compressor-jax", versions=["0.0.0", "1.0.0"])

    await read(house)

    assert at_first == {}
    await _until_listed(house, "neural-compressor-jax", "neural_compressor_jax-2.0-py3-none-any.whl")
    assert await house.kinds() == ["advisory.withdrawn neural-compressor-jax 2.0"]


async def test_an_unknown_project_is_judged_at_first_sight(house: House, osv: OsvSim, pypi: PyPISim) -> None:
    """What was called malware before anybody asked for it is never served, not even once; nothing of it is news."""
    file = pypi.upload("evil", "0.0.1", uploaded_at=long_ago(pypi, days=1))
    osv.publish("MAL-2026-3", "evil", versions=["0.0.1"])
    await read(house)

    assert await house.listed("evil") == {}
    assert await house.states("evil") == {file.filename: "blocked advisory"}
    assert await house.kinds() == []


async def test_a_new_file_is_judged_before_anybody_sees_it(house: House, osv: OsvSim, pypi: PyPISim) -> None:
    """Of a project whose every version is malware, the next one is too; that is told."""
    await _kept(house, "demo", "1.0")
    osv.publish("MAL-2026-4", "demo", ranges=[ALL_VERSIONS])
    await read(house)
    pypi.upload("demo", "1.1")

    await house.watch()

    await _until_listed(house, "demo")
    assert await house.kinds() == ["advisory.blocked demo 1.0", "advisory.blocked demo 1.1"]


async def test_what_malware_leaves_behind_stays_blocked(house: House, osv: OsvSim, pypi: PyPISim) -> None:
    """The deletion names the advisory, as does that of a project that nobody asked for; nothing of it is kept."""
    addresses = await _kept(house, "aiocpa", "0.1.12", "0.1.13")
    osv.publish("MAL-2024-1", "aiocpa", versions=["0.1.13", "0.1.14"])
    osv.publish("MAL-2024-2", "unheard", versions=["3.0"])
    await read(house)
    pypi.upload("unheard", "3.0")
    pypi.upload("unheard", "4.0")
    pypi.delete_release("unheard", "4.0")
    pypi.delete_release("unheard", "3.0")
    pypi.delete_project("unheard")
    pypi.delete_project("aiocpa")

    await house.watch()

    assert await house.states("aiocpa") == {
        "aiocpa-0.1.12-py3-none-any.whl": "kept",
        "aiocpa-0.1.13-py3-none-any.whl": "blocked advisory",
    }
    assert (await house.get(addresses["0.1.13"]))[0] == 403
    told = {(one.kind, one.project, one.version): one.advisories for one in await house.payloads()}
    assert told == {
        ("advisory.blocked", "aiocpa", "0.1.13"): ("MAL-2024-1",),
        ("release.deleted", "unheard", "4.0"): (),
        ("release.deleted", "unheard", "3.0"): ("MAL-2024-2",),
        ("project.deleted", "unheard", None): ("MAL-2024-2",),
        ("project.deleted", "aiocpa", None): ("MAL-2024-1",),
    }


async def test_after_a_withdrawal_the_other_rules_still_hold(house: House, osv: OsvSim, pypi: PyPISim) -> None:
    """Of two that were deleted while they were called malware, the old one is kept and the young one is held."""
    pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, hours=5))
    await _kept(house, "demo", "1.0")
    osv.publish("MAL-2026-5", "demo", ranges=[ALL_VERSIONS])
    await read(house)
    pypi.delete_release("demo", "1.0")
    pypi.delete_release("demo", "2.0")
    await house.watch()
    blocked = await house.states("demo")
    osv.withdraw("MAL-2026-5")

    await read(house)

    assert set(blocked.values()) == {"blocked advisory"}
    assert await house.states("demo") == {
        "demo-1.0-py3-none-any.whl": "kept",
        "demo-2.0-py3-none-any.whl": "held young",
    }


async def test_what_comes_back_while_it_is_called_malware_is_not_restored(
    house: House, osv: OsvSim, pypi: PyPISim
) -> None:
    """It is blocked as before, nobody is told that it is back, and after the withdrawal an operator decides."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload("demo", "0.9", uploaded_at=long_ago(pypi, days=200))
    await house.page("demo")
    osv.publish("MAL-2026-6", "demo", versions=["1.0"])
    await read(house)
    pypi.delete_file("demo", file.filename)
    await house.watch()
    pypi.restore_file("demo", file)
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))
    await house.watch()
    back = (await house.states("demo"))[file.filename]
    osv.withdraw("MAL-2026-6")

    await read(house)

    assert back == "blocked advisory"
    assert (await house.states("demo"))[file.filename] == "held stranger"
    assert await house.kinds() == [
        "advisory.blocked demo 1.0",
        "file.deleted demo 1.0",
        "advisory.withdrawn demo 1.0",
    ]


async def test_files_of_young_projects_wait_for_fresh_advisories(house: House, osv: OsvSim, pypi: PyPISim) -> None:
    """After the time to settle, and no later than the next advisories that say nothing against them."""
    await _kept(house, "demo", "1.0", days=10)
    pypi.delete_project("demo")
    await house.watch()
    osv.faults["*"] = "down"
    pypi.advance(timedelta(hours=50))
    await house.poll()
    await read(house)
    waiting = await house.states("demo")
    osv.faults.clear()
    pypi.advance(timedelta(hours=2))

    await read(house)

    assert waiting == {"demo-1.0-py3-none-any.whl": "held settling"}
    assert await house.states("demo") == {"demo-1.0-py3-none-any.whl": "kept"}


async def _until_listed(house: House, name: str, *filenames: str) -> None:
    """Waits until the page lists just these: one in memory is as it was until the notice of the change has come."""

    async def is_so() -> bool:
        return set(await house.listed(name)) == set(filenames)

    await eventually(is_so)
