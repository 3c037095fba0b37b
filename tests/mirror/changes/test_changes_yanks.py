"""Yanks are told with the reason that only the page knows; unyanks wait for the removal that may explain them."""

import pytest

from mirror.event_kinds import EventKind
from mirror.events import Evidence
from tests.mirror.changes.histories import History, known, listed, page, row

WHEEL = "demo-1.0-py3-none-any.whl"


def _yanked() -> History:
    """A release that was yanked as broken, which was told."""
    history = known(listed("1.0"))
    history.rows(row(51, "yank release", "1.0"))
    history.page(page(51, listed("1.0", yanked="broken")))
    return history


def test_a_yank_is_told_with_the_pages_reason() -> None:
    """The file is yanked at once; the telling waits for the page."""
    history = known(listed("1.0"))

    history.rows(row(51, "yank release", "1.0"))
    before = (history.states(), history.kinds())
    history.page(page(51, listed("1.0", yanked="broken")))

    assert before == ({WHEEL: "yanked"}, [])
    (told,) = history.told
    assert (told.kind, told.serial, told.version) == (EventKind.RELEASE_YANKED, 51, "1.0")
    assert (told.yanked_reason, told.evidence, told.was_yanked) == ("broken", Evidence.BOTH, False)


def test_a_page_from_before_the_yank_does_not_answer_it() -> None:
    """It still lists the file as it was; the row is believed and the telling goes on waiting."""
    history = known(listed("1.0"))
    history.rows(row(53, "yank release", "1.0"))

    history.page(page(52, listed("1.0")))

    assert history.states() == {WHEEL: "yanked"}
    assert history.told == []
    assert len(history.memory.pending) == 1


def test_after_a_minute_a_yank_is_told_without_a_reason() -> None:
    """No page came: the act is news all the same, and a page that comes later does not tell it again."""
    history = known(listed("1.0"))
    history.rows(row(51, "yank release", "1.0"))

    history.after(seconds=59)
    too_early = history.kinds()
    history.after(seconds=1)
    history.page(page(51, listed("1.0", yanked="broken")))

    assert too_early == []
    (told,) = history.told
    assert (told.yanked_reason, told.evidence) == (None, Evidence.JOURNAL)
    assert history.file(WHEEL).listed_file.yanked == "broken"


def test_a_yank_that_the_page_showed_first_is_told_with_its_reason_when_the_row_comes() -> None:
    """Nothing needs to be waited for."""
    history = known(listed("1.0"))
    history.page(page(51, listed("1.0", yanked="broken")))
    before = history.kinds()

    history.rows(row(51, "yank release", "1.0"))

    assert before == []
    assert [(told.kind, told.yanked_reason) for told in history.told] == [(EventKind.RELEASE_YANKED, "broken")]
    assert history.memory.pending == ()


@pytest.mark.parametrize(
    ("reason", "told_again"),
    [
        pytest.param("broken", False, id="the same reason"),
        pytest.param("really broken", True, id="a new reason"),
        pytest.param("", True, id="the reason taken back"),
    ],
)
def test_a_second_yank_is_told_only_for_a_new_reason(reason: str, told_again: bool) -> None:
    """Owners may press the button twice, for instance to mend the reason."""
    history = _yanked()

    history.rows(row(60, "yank release", "1.0"))
    history.page(page(60, listed("1.0", yanked=reason)))

    assert history.kinds() == ["release.yanked"] * (2 if told_again else 1)
    assert history.memory.pending == ()
    if told_again:
        assert (history.told[-1].yanked_reason, history.told[-1].was_yanked) == (reason or None, True)


def test_a_yank_is_answered_by_a_pages_reason_although_the_release_is_spelled_otherwise() -> None:
    """1.0 is 1.0.0."""
    history = known(listed("1.0"))

    history.rows(row(51, "yank release", "1.0.0"))
    history.page(page(51, listed("1.0", yanked="broken")))

    assert [told.yanked_reason for told in history.told] == ["broken"]


def test_an_unyank_is_told_after_two_minutes() -> None:
    """The file is no longer yanked at once; that it is safe again is not said too early."""
    history = _yanked()

    history.rows(row(60, "unyank release", "1.0"))
    history.page(page(60, listed("1.0")))
    history.after(seconds=119)
    too_early = history.kinds()
    history.after(seconds=1)

    assert history.states() == {WHEEL: "live"}
    assert too_early == ["release.yanked"]
    assert (history.told[-1].kind, history.told[-1].serial) == (EventKind.RELEASE_UNYANKED, 60)
    assert (history.told[-1].was_yanked, history.told[-1].yanked_reason) == (True, None)


def test_an_unyank_on_the_way_to_a_removal_is_not_told() -> None:
    """Owners must unyank what they want to delete: one act, one event, and it was a yanked release that went."""
    history = _yanked()

    history.rows(row(60, "unyank release", "1.0"))
    history.after(seconds=30)
    history.rows(row(61, "remove release", "1.0.0"))
    history.after(seconds=300)

    assert history.kinds() == ["release.yanked", "release.deleted"]
    assert (history.told[-1].was_yanked, history.told[-1].yanked_reason) == (True, "broken")


def test_an_unyank_on_the_way_to_the_projects_removal_is_not_told() -> None:
    """Nor where all of the project goes."""
    history = _yanked()

    history.rows(row(60, "unyank release", "1.0"), row(61, "remove project"))
    history.after(seconds=300)

    assert history.kinds() == ["release.yanked", "project.deleted"]
    assert history.told[-1].was_yanked is True


def test_an_unyank_of_another_release_is_told_all_the_same() -> None:
    """A removal explains only the unyank of what it removes."""
    history = known(listed("1.0", yanked="broken"), listed("1.1"))

    history.rows(row(60, "unyank release", "1.0"), row(61, "remove release", "1.1"))
    history.after(seconds=120)

    assert history.kinds() == ["release.deleted", "release.unyanked"]
    assert history.told[0].was_yanked is False


def test_a_waiting_yank_is_told_before_the_removal() -> None:
    """Two acts, two events, in their order."""
    history = known(listed("1.0"))

    history.rows(row(60, "yank release", "1.0"), row(61, "remove release", "1.0"))
    history.after(seconds=300)

    assert history.kinds() == ["release.yanked", "release.deleted"]
    assert history.told[-1].was_yanked is True


def test_yanks_and_unyanks_in_a_hurry_end_as_the_last_one_says() -> None:
    """Rows come in serial order, whatever their times say."""
    history = known(listed("1.0"))

    history.rows(*(row(60 + n, "unyank release" if n % 2 else "yank release", "1.0") for n in range(5)))

    assert history.states() == {WHEEL: "yanked"}


def test_a_page_newer_than_an_unyank_is_believed() -> None:
    """It was yanked again before the row of the unyank was read."""
    history = _yanked()
    history.page(page(62, listed("1.0", yanked="worse")))

    history.rows(row(60, "unyank release", "1.0"))

    assert history.file(WHEEL).listed_file.yanked == "worse"


def test_a_yank_has_the_unyank_before_it_told_at_once() -> None:
    """No removal is to come that would explain it, and the last word must not be that the release is safe."""
    history = _yanked()

    history.rows(row(60, "unyank release", "1.0"), row(61, "yank release", "1.0"))
    history.page(page(61, listed("1.0", yanked="worse")))
    history.after(seconds=300)

    assert [(told.kind, told.serial) for told in history.told[1:]] == [
        (EventKind.RELEASE_UNYANKED, 60),
        (EventKind.RELEASE_YANKED, 61),
    ]


def test_an_unyank_is_not_told_while_a_newer_page_shows_the_release_yanked() -> None:
    """The row of that yank was lost, or will tell it."""
    history = _yanked()

    history.rows(row(60, "unyank release", "1.0"))
    history.page(page(62, listed("1.0", yanked="broken")))
    history.after(seconds=300)

    assert history.kinds() == ["release.yanked", "release.yanked"]
    assert history.memory.pending[0].serial is None


def test_yanks_of_an_unknown_project_are_told() -> None:
    """At once, since no page will come; unyanks wait for a removal as always."""
    history = History()

    history.rows(row(51, "yank release", "1.0"), row(52, "unyank release", "1.0"), row(53, "unyank release", "2.0"))
    at_once = history.kinds()
    history.rows(row(54, "remove release", "1.0"))
    history.after(seconds=120)

    assert at_once == ["release.yanked"]
    assert history.kinds() == ["release.yanked", "release.deleted", "release.unyanked"]
    assert history.told[-1].version == "2.0"


def test_what_waits_survives_first_sight() -> None:
    """The project becomes known between the row and its telling."""
    history = History()

    history.rows(row(51, "unyank release", "1.0"))
    history.page(page(51, listed("1.0")))
    history.after(seconds=120)

    assert history.kinds() == ["release.unyanked"]
