"""The brake: when many projects lack files at once it is the index that is broken, and nothing of it is believed."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mirror.catalog import absences
from mirror.catalog.database import Catalog
from mirror.confirm import Confirmed
from mirror.names import ProjectName
from mirror.setting_sections import Watcher
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago

RELEASE_BRAKE = (
    "insert into acts (name, at, actor, verb, target, reason)"
    " values ('an-act', $1, 'me', 'release', 'brake', 'it is true')"
)


async def known(house: House, count: int) -> list[str]:
    """So many projects with a release each, all of them observed."""
    names = [f"project-{number:03}" for number in range(count)]
    for name in names:
        house.pypi.upload(name, "1.0", uploaded_at=long_ago(house.pypi, days=200))
    await house.poll()
    await seen(house, names)
    return names


async def seen(house: House, names: Iterable[str]) -> None:
    """The pages are asked for."""
    for name in names:
        await house.refresher.refresh(ProjectName(name))


async def missing(house: House, names: Iterable[str]) -> None:
    """The projects' pages are observed without files, first of all."""
    for name in names:
        house.pypi.faults.page(name, "no-files")
        await house.refresher.refresh(ProjectName(name))


async def later(house: House, **span: float) -> Confirmed:
    """Time passes while everpin is at work."""
    house.pypi.advance(timedelta(**span))
    await house.poll()
    return await house.confirm()


async def is_on(house: House) -> bool:
    """What readiness and figures say of the brake, which must be the same."""
    async with house.http.get("/readyz") as answer:
        assert answer.status == 200
        degraded = "brake" in (await answer.json())["degraded"]
    status, figures = await house.get("/metrics")
    assert status == 200
    assert f"everpin_brake_engaged {float(degraded)}".encode() in figures
    return degraded


async def test_two_of_few_are_believed(house: House) -> None:
    """Below three projects it never brakes."""
    names = await known(house, 5)
    await missing(house, names[:2])

    assert (await later(house, minutes=6)).believed == 2

    assert await house.kinds() == [f"disappeared {name}" for name in names[:2]]
    assert not await is_on(house)


async def test_three_of_few_are_not(house: House) -> None:
    """None of them is acted on, however often they are missing, nor is a fourth."""
    names = await known(house, 5)
    await missing(house, names[:3])
    for _ in range(3):
        assert (await later(house, minutes=40)).believed == 0
    await missing(house, names[3:4])
    assert (await later(house, minutes=6)).believed == 0

    assert await house.kinds() == []
    assert await is_on(house)
    assert set((await house.states(names[0])).values()) == {"live"}


async def test_of_many_it_is_a_share(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Four of forty may go when the share is a tenth and one more is missing it brakes."""
    async with house_of(pypi, catalog, tmp_path, watcher=Watcher(brake=0.1)) as house:
        await house.poll()
        names = await known(house, 41)
        await missing(house, names[:5])
        assert (await later(house, minutes=6)).believed == 0
        assert await is_on(house)
        pypi.faults.page(names[4], None)
        await seen(house, [names[4]])

        assert (await later(house, minutes=6)).believed == 4
        assert not await is_on(house)


async def test_it_lifts_when_the_index_recovers(house: House, pypi: PyPISim) -> None:
    """By itself: what the brake holds back is looked at again now and then, though nobody asks for it."""
    names = await known(house, 5)
    await missing(house, names)
    await later(house, minutes=6)
    assert await is_on(house)
    for name in names:
        pypi.faults.page(name, None)

    for _ in range(3):
        await later(house, minutes=20)

    assert not await is_on(house)
    assert await house.kinds() == []
    assert {state for name in names for state in (await house.states(name)).values()} == {"live"}


async def test_after_a_day_of_the_same_picture_it_is_believed(house: House) -> None:
    """Each absence by its own age."""
    names = await known(house, 6)
    await missing(house, names[:4])
    await later(house, minutes=6)
    await later(house, hours=23)
    assert await house.kinds() == []

    believed = (await later(house, hours=2)).believed

    assert believed == 4
    assert await house.kinds() == [f"disappeared {name}" for name in names[:4]]
    assert not await is_on(house)


async def test_far_too_much_is_never_believed_by_itself(house: House, pypi: PyPISim) -> None:
    """More than ten times the threshold waits for the index, or for an operator."""
    names = await known(house, 31)
    await missing(house, names)
    await later(house, minutes=6)
    for _ in range(3):
        assert (await later(house, days=2)).believed == 0
    assert await is_on(house)
    pypi.faults.page(names[0], None)
    await seen(house, names[:1])

    assert (await later(house, minutes=6)).believed == 30


async def test_an_operator_releases_it(house: House, pypi: PyPISim) -> None:
    """What began before is believed; what is missing from then on is counted anew."""
    names = await known(house, 8)
    await missing(house, names[:5])
    await later(house, minutes=6)
    async with house.catalog.writing() as conn:
        await conn.execute(RELEASE_BRAKE, pypi.now())

    assert (await later(house, seconds=10)).believed == 5
    assert not await is_on(house)

    pypi.advance(timedelta(minutes=1))
    await missing(house, names[5:])
    assert (await later(house, minutes=6)).believed == 0
    assert await is_on(house)


async def test_rows_are_never_braked(house: House, pypi: PyPISim) -> None:
    """What the journal says is acted on at once, and no longer counts as missing."""
    names = await known(house, 5)
    await missing(house, names[:4])
    await later(house, minutes=6)
    assert await is_on(house)
    for name in names[:2]:
        pypi.delete_project(name)

    done = await later(house, minutes=1)

    assert done.believed == 2
    assert await house.kinds() == [
        *(f"project.deleted {name}" for name in names[:2]),
        *(f"disappeared {name}" for name in names[2:4]),
    ]


async def test_what_a_quarantine_hides_does_not_count(house: House, pypi: PyPISim) -> None:
    """Though a hundred projects were quarantined at once, the index is well."""
    names = await known(house, 5)
    for name in names[:4]:
        pypi.quarantine_project(name)
    await seen(house, names)

    await later(house, minutes=6)

    assert not await is_on(house)
    async with house.catalog.reading() as conn:
        assert (await absences.picture(conn, 0.02)).projects == 0


async def test_it_is_said_once_when_it_engages_and_when_it_lifts(house: House, tmp_path: Path) -> None:
    """Whichever of several processes finds it out, and whether they restart or not."""
    names = await known(house, 5)
    await missing(house, names[:3])
    async with house_of(house.pypi, house.catalog, tmp_path / "other") as other:
        with capture_logs() as logs:
            for _ in range(2):
                await later(house, minutes=6)
                await other.confirm()
            async with house.catalog.writing() as conn:
                await conn.execute(RELEASE_BRAKE, house.pypi.now())
            for _ in range(2):
                await later(house, minutes=1)
                await other.confirm()

    said = [(entry["event"], entry["projects"]) for entry in logs if entry["event"].startswith("brake.")]
    assert said == [("brake.engaged", 3), ("brake.lifted", 0)]


@pytest.mark.parametrize(("known_projects", "share", "threshold"), [(0, 0.02, 3), (150, 0.02, 3), (151, 0.02, 4)])
async def test_the_threshold(catalog: Catalog, known_projects: int, share: float, threshold: int) -> None:
    """The share rounded up, and at least three."""
    async with catalog.writing() as conn:
        await conn.execute("update project_count set known = $1", known_projects)
        assert (await absences.picture(conn, share)).threshold == threshold


async def test_an_index_that_lost_all_is_not_believed_bit_by_bit(house: House) -> None:
    """Rounds find it out evenly, and what is believed meanwhile counts until it is explained or a day has passed."""
    names = await known(house, 12)
    for name in names:
        await missing(house, [name])
        await later(house, minutes=7)

    assert len(await house.kinds()) == 2
    assert await is_on(house)


async def test_what_was_believed_and_explained_counts_no_more(house: House, pypi: PyPISim) -> None:
    """Rows that came late, and pages that list it again, say that the index was right."""
    names = await known(house, 12)
    await missing(house, names[:2])
    await later(house, minutes=7)
    pypi.delete_project(names[0])
    pypi.faults.page(names[1], None)
    await seen(house, names[1:2])

    await missing(house, names[2:4])
    await later(house, minutes=7)

    assert sorted(kind for kind in await house.kinds() if kind.startswith("disappeared")) == [
        f"disappeared {name}" for name in names[:4]
    ]
    assert not await is_on(house)
