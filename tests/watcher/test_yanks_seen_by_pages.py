"""A yank that only a page shows is told, exactly once: by its row if that comes in time, else without it."""

from datetime import timedelta

from mirror.names import ProjectName
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago
from watcher.duties import apply_clock

DEMO = ProjectName("demo")


async def _known(house: House, *versions: str) -> None:
    for version in versions:
        house.pypi.upload("demo", version, uploaded_at=long_ago(house.pypi, days=200))
    await house.watch()
    await house.page("demo")


async def _look(house: House) -> None:
    """Asks for the page, as a round does."""
    await house.refresher.refresh(DEMO)


async def _after(house: House, **span: float) -> None:
    """Time passes, and the clock's job has its turn."""
    house.pypi.advance(timedelta(**span))
    await apply_clock(house.catalog, rules=house.rules, now=house.pypi.now())


async def _yanks(house: House) -> list[tuple[str, int | None, str | None, str | None]]:
    """Kind, serial, evidence and reason of all that was told of yanks."""
    told = [payload for payload in await house.payloads() if "yanked" in payload.kind]
    return [(payload.kind, payload.serial, payload.evidence, payload.yanked_reason) for payload in told]


async def test_a_yank_without_a_row_is_told_and_served(house: House, pypi: PyPISim) -> None:
    """At once on the page, and two minutes later in the feed; what is yanked at first sight is no news."""
    await _known(house, "1.0", "1.1")
    pypi.set_yank("demo", "1.0", yanked=True, reason="broken")
    await _look(house)
    states = await house.states("demo")
    await _after(house, seconds=119)
    too_early = await _yanks(house)
    await _after(house, seconds=1)
    await _look(house)
    await _after(house, hours=1)

    assert states == {"demo-1.0-py3-none-any.whl": "yanked", "demo-1.1-py3-none-any.whl": "live"}
    assert too_early == []
    (told,) = await house.payloads()
    assert told.files is not None
    assert (told.kind, told.version, told.evidence, told.was_yanked) == ("release.yanked", "1.0", "index", False)
    assert [(file.filename, file.state) for file in told.files] == [("demo-1.0-py3-none-any.whl", "yanked")]


async def test_a_page_that_is_seen_before_the_row_makes_no_second_event(house: House, pypi: PyPISim) -> None:
    """As happens whenever a client asks between two looks at the journal."""
    await _known(house, "1.0")
    (row,) = pypi.yank("demo", "1.0", "broken")
    await _look(house)
    await _after(house, seconds=30)
    await house.poll()
    await _after(house, hours=1)

    assert await _yanks(house) == [("release.yanked", row.serial, "both", "broken")]


async def test_a_journal_that_is_back_after_an_hour_tells_nothing_again(house: House, pypi: PyPISim) -> None:
    """Neither what pages had told meanwhile, nor less than happened since."""
    await _known(house, "1.0")
    pypi.faults.xmlrpc = "503html"
    pypi.yank("demo", "1.0", "broken")
    await _look(house)
    await _after(house, hours=1)
    meanwhile = await _yanks(house)
    pypi.unyank("demo", "1.0")
    (last,) = pypi.yank("demo", "1.0", "worse")
    pypi.faults.xmlrpc = None
    await house.watch()
    await _after(house, hours=1)

    assert meanwhile == [("release.yanked", None, "index", "broken")]
    unyank, yank = (await _yanks(house))[1:]
    assert unyank[:2] == ("release.unyanked", last.serial - 1)
    assert yank == ("release.yanked", last.serial, "both", "worse")


async def test_an_unyank_that_a_page_showed_first_and_the_removal_are_one_event(house: House, pypi: PyPISim) -> None:
    """Though page, unyank and removal are read one after the other."""
    await _known(house, "1.0", "1.1")
    pypi.yank("demo", "1.0", "broken")
    await house.watch()
    pypi.unyank("demo", "1.0")
    await _look(house)
    await _after(house, seconds=40)
    await house.watch()
    await _after(house, seconds=40)
    pypi.delete_release("demo", "1.0")
    await house.watch()
    await _after(house, hours=1)

    assert await house.kinds() == ["release.yanked demo 1.0", "release.deleted demo 1.0", "rescued demo 1.0"]
    assert (await house.payloads())[1].was_yanked is True


async def test_a_new_reason_is_told_whenever_its_page_comes(house: House, pypi: PyPISim) -> None:
    """The row of a second yank says nothing by itself, and the page could not be read for an hour."""
    await _known(house, "1.0")
    pypi.yank("demo", "1.0", "broken")
    await house.watch()
    (again,) = pypi.yank("demo", "1.0", "worse")
    pypi.faults.page("demo", "garbage")
    await house.watch()
    await _after(house, hours=1)
    meanwhile = await _yanks(house)
    pypi.faults.page("demo", None)
    await house.watch()
    await _after(house, hours=1)

    assert len(meanwhile) == 1
    assert (await _yanks(house))[1:] == [("release.yanked", again.serial, "both", "worse")]


async def test_a_quarantine_is_no_unyank(house: House, pypi: PyPISim) -> None:
    """It hides the files, and its end shows them as they were."""
    await _known(house, "1.0")
    pypi.yank("demo", "1.0", "broken")
    await house.watch()
    pypi.quarantine_project("demo")
    await _look(house)
    await _after(house, hours=1)
    await house.watch()
    pypi.clear_project_quarantine("demo")
    await house.watch()
    await _look(house)
    await _after(house, hours=1)

    assert [kind for kind, *_ in await _yanks(house)] == ["release.yanked"]
