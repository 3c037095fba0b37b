"""What is gone without a row: when that is believed, and as which acts it is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mirror.events import EventDraft
from tests.mirror.changes.absences import NEW, all_of_it, believe, gone, one_of_two
from tests.mirror.changes.histories import NAME, known, listed, page


def test_one_observation_is_never_enough() -> None:
    """However long ago it was."""
    history = known(listed("1.0"), listed("1.1"))
    history.page(page(50, listed("1.0")))
    history.after(days=3)

    believe(history)

    assert history.told == []
    assert set(history.states().values()) == {"live"}


@pytest.mark.parametrize(("seconds", "told"), [(299, []), (300, ["disappeared"])])
def test_two_observations_must_lie_apart(seconds: int, told: list[str]) -> None:
    """By the interval, no less."""
    history = known(listed("1.0"), listed("1.1"))
    history.page(page(50, listed("1.0")))
    history.after(seconds=seconds)
    history.page(page(50, listed("1.0")))

    believe(history)

    assert history.kinds() == told


def test_an_absence_that_began_too_late_is_left_for_later() -> None:
    """The one that began before is believed meanwhile."""
    history = known(listed("1.0"), listed("1.1"), listed("1.2"))
    history.page(page(50, listed("1.0"), listed("1.2")))
    history.after(minutes=6)
    history.page(page(50, listed("1.0")))
    history.after(minutes=6)
    history.page(page(50, listed("1.0")))

    believe(history, begun_by=timedelta(minutes=10))

    assert [telling.version for telling in history.told] == ["1.1"]
    assert history.states()["demo-1.2-py3-none-any.whl"] == "live"


def test_each_version_is_an_act() -> None:
    """With all its files, however it is spelled, and with what is left after it."""
    history = known(listed("1.0"), listed("1.1"), listed("1.1.0", kind="sdist"), listed("2.0"))

    gone(history, 50, listed("1.0"))

    first, second = history.told
    assert (first.version, len(first.files), first.remaining_releases, first.latest_remaining) == ("1.1", 2, 2, "2.0")
    assert (second.version, len(second.files), second.remaining_releases, second.was_latest) == ("2.0", 1, 1, True)
    assert first.was_latest is False


def test_all_of_it_is_one_act() -> None:
    """About the project, that has no versions any more where upstream has no such project."""
    history = all_of_it()

    (told,) = history.told
    assert (told.version, len(told.files), told.remaining_releases, told.latest_remaining) == (None, 2, 0, None)
    assert history.memory.project.versions == ()


def test_a_file_whose_version_nobody_can_read_is_an_act_of_its_own() -> None:
    """It is told by its name."""
    odd = [replace(listed("1.1", build=build), version=None) for build in ("1", "2")]
    history = known(listed("1.0"), *odd)

    gone(history, 50, listed("1.0"))

    assert [telling.filename for telling in history.told] == [file.filename for file in odd]


def test_what_is_remembered_names_the_event() -> None:
    """So that whatever explains it later can say what it supersedes."""
    history = one_of_two()
    (told,) = history.told

    event = EventDraft(
        told.kind, NAME, told.version, None, None, history.now, told.evidence, filename=told.filename, incarnation=1
    )

    assert history.file(NEW).disappeared_in == event.id
