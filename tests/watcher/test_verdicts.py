"""Each deletion that is told says what published deletion policies would have said of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mirror.event_kinds import DELETIONS
from mirror.events import Payload
from mirror.policy import POLICIES
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago

DELETES: dict[str, Callable[[PyPISim], object]] = {
    "file.deleted": lambda pypi: pypi.delete_file("demo", "demo-1.0-py3-none-any.whl"),
    "release.deleted": lambda pypi: pypi.delete_release("demo", "1.0"),
    "project.deleted": lambda pypi: pypi.delete_project("demo"),
}


async def _told(house: House) -> Payload:
    """The one deletion that is told of next."""
    await house.watch()
    (told,) = [payload for payload in await house.payloads() if payload.kind in DELETIONS]
    assert list(told.verdicts) == [policy.id for policy in POLICIES]
    return told


@pytest.mark.parametrize("kind", DELETES)
async def test_an_old_release_could_not_have_been_deleted_under_pep_763(house: House, pypi: PyPISim, kind: str) -> None:
    """Whichever way it goes; npm's rule hangs on what nobody publishes."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.watch()
    await house.page("demo")
    DELETES[kind](pypi)

    told = await _told(house)

    assert told.kind == kind
    assert told.verdicts["pep763"] == "refuse"
    assert (told.verdicts["pypi-current"], told.verdicts["npm"], told.verdicts["nuget"]) == (
        "allow",
        "unknown",
        "refuse",
    )


@pytest.mark.parametrize("kind", DELETES)
async def test_a_young_release_could_have_been(house: House, pypi: PyPISim, kind: str) -> None:
    """A brown-bag release taken back within hours breaks none of the rules that were proposed."""
    pypi.upload("demo", "1.0")
    await house.watch()
    await house.page("demo")
    pypi.advance(timedelta(hours=5))
    DELETES[kind](pypi)

    told = await _told(house)

    assert told.kind == kind
    assert (told.verdicts["pep763"], told.verdicts["pep763-draft0"]) == ("allow", "allow")


@pytest.mark.parametrize("kind", DELETES)
async def test_when_a_project_was_created_counts_for_each_of_its_parts(house: House, pypi: PyPISim, kind: str) -> None:
    """Hex lets anything go that belongs to a project of the last day; the journal says that it does."""
    pypi.upload("demo", "1.0")
    await house.watch()
    await house.page("demo")
    pypi.advance(timedelta(hours=23))
    DELETES[kind](pypi)

    told = await _told(house)

    assert (told.kind, told.verdicts["hex"]) == (kind, "allow")


async def test_of_a_project_nobody_asked_for_the_rules_that_need_no_file_answer(house: House, pypi: PyPISim) -> None:
    """When it was created is in the journal, so that rules on a project's age answer; the rest is unknown."""
    pypi.upload("demo", "1.0")
    await house.watch()
    pypi.advance(timedelta(hours=5))
    pypi.delete_project("demo")

    told = await _told(house)

    assert told.files is None
    assert (told.verdicts["hex"], told.verdicts["gedam-2022"], told.verdicts["go"]) == ("allow", "allow", "refuse")
    assert (told.verdicts["pep763"], told.verdicts["npm"]) == ("unknown", "unknown")


async def test_what_is_no_deletion_has_no_verdicts(house: House, pypi: PyPISim) -> None:
    """A yank takes nothing away."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.watch()
    await house.page("demo")
    pypi.yank("demo", "1.0", reason="broken")

    await house.watch()

    (told,) = await house.payloads()
    assert (told.kind, told.verdicts) == ("release.yanked", {})
