"""Yanks that a page shows and no row explains are told once: by the row that comes late, or by themselves."""

from dataclasses import replace

import pytest

from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.model import ProjectStatus
from tests.mirror.changes.histories import History, known, listed, page, row

WHEEL = "demo-1.0-py3-none-any.whl"


def _seen(history: History, **span: float) -> None:
    """A page shows release 1.0 as broken, and so much time passes."""
    history.page(page(51, listed("1.0", yanked="broken")))
    history.after(**span)


def test_a_yank_without_a_row_is_told_after_two_minutes() -> None:
    """By the page alone, with its reason and all files of the release; the file is yanked at once."""
    history = known(listed("1.0"), listed("1.0", kind="sdist"))

    history.page(page(51, listed("1.0", yanked="broken"), listed("1.0", kind="sdist", yanked="broken")))
    at_once = (history.states()[WHEEL], history.kinds())
    history.after(seconds=119)
    too_early = history.kinds()
    history.after(seconds=1)
    history.page(page(52, listed("1.0", yanked="broken"), listed("1.0", kind="sdist", yanked="broken")))
    history.after(days=40)

    assert (at_once, too_early) == (("yanked", []), [])
    (told,) = history.told
    assert (told.kind, told.serial, told.version, len(told.files)) == (EventKind.RELEASE_YANKED, None, "1.0", 2)
    assert (told.yanked_reason, told.evidence, told.was_yanked) == ("broken", Evidence.INDEX, False)
    assert history.memory.pending == ()


def test_an_unyank_without_a_row_is_told_after_two_minutes() -> None:
    """With what was before."""
    history = known(listed("1.0", yanked="broken"))

    history.page(page(51, listed("1.0")))
    history.after(seconds=120)

    (told,) = history.told
    assert (told.kind, told.evidence) == (EventKind.RELEASE_UNYANKED, Evidence.INDEX)
    assert (told.was_yanked, told.yanked_reason) == (True, None)


def test_a_new_reason_without_a_row_is_told() -> None:
    """The release goes on being yanked, for another reason."""
    history = known(listed("1.0", yanked="broken"))

    history.page(page(51, listed("1.0", yanked="worse")))
    history.after(seconds=120)

    (told,) = history.told
    assert (told.kind, told.was_yanked, told.yanked_reason) == (EventKind.RELEASE_YANKED, True, "worse")


def test_the_row_takes_over_what_waits() -> None:
    """One act, one event: with the serial, by both witnesses."""
    history = known(listed("1.0"))

    _seen(history, seconds=30)
    history.rows(row(51, "yank release", "1.0.0"))
    history.after(seconds=600)

    (told,) = history.told
    assert (told.serial, told.evidence, told.was_yanked) == (51, Evidence.BOTH, False)
    assert history.memory.pending == ()


def test_a_row_of_an_unyank_takes_over_what_waits() -> None:
    """And waits itself for the removal that may follow."""
    history = known(listed("1.0", yanked="broken"))

    history.page(page(51, listed("1.0")))
    history.after(seconds=30)
    history.rows(row(51, "unyank release", "1.0"))
    history.after(seconds=119)
    too_early = history.kinds()
    history.after(seconds=1)

    assert too_early == []
    assert [(told.kind, told.serial) for told in history.told] == [(EventKind.RELEASE_UNYANKED, 51)]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        pytest.param(None, "broken", "yank release", id="yank"),
        pytest.param("broken", None, "unyank release", id="unyank"),
    ],
)
def test_a_row_that_comes_after_its_act_was_told_tells_nothing(
    before: str | None, after: str | None, text: str
) -> None:
    """The journal was down for an hour. The next such act is told again."""
    history = known(listed("1.0", yanked=before))
    history.page(page(51, listed("1.0", yanked=after)))
    history.after(hours=1)
    by_page = history.kinds()

    history.rows(row(51, text, "1.0"))
    history.after(seconds=600)
    by_row = history.kinds()
    history.page(page(60, listed("1.0", yanked=before)))
    history.after(hours=1)
    history.page(page(61, listed("1.0", yanked=after)))
    history.after(seconds=10)
    history.rows(row(61, text, "1.0"))
    history.after(seconds=600)

    assert len(by_page) == 1
    assert by_row == by_page
    assert [told.serial for told in history.told] == [None, None, 61]


def test_what_changed_back_is_not_told() -> None:
    """A page of one of several servers, or an owner who thought better of it."""
    history = known(listed("1.0"))

    _seen(history, seconds=60)
    history.page(page(52, listed("1.0")))
    history.after(seconds=600)

    assert history.told == []
    assert history.memory.pending == ()


def test_what_changes_twice_is_told_once() -> None:
    """As it is then, compared with what it was first, and not later for that."""
    history = known(listed("1.0", yanked="broken"))

    history.page(page(51, listed("1.0", yanked="worse")))
    history.after(seconds=100)
    history.page(page(52, listed("1.0", yanked="worst")))
    history.after(seconds=20)
    history.after(seconds=600)

    assert [(told.yanked_reason, told.was_yanked) for told in history.told] == [("worst", True)]


def test_where_only_some_files_changed_each_is_told() -> None:
    """PyPI yanks whole releases; PEP 592 knows of files."""
    history = known(listed("1.0"), listed("1.0", build="2"), listed("1.0", kind="sdist"))

    history.page(page(51, listed("1.0", yanked="a"), listed("1.0", build="2", yanked="b"), listed("1.0", kind="sdist")))
    history.after(seconds=120)

    assert [(told.kind, told.filename, told.version, told.yanked_reason) for told in history.told] == [
        (EventKind.FILE_YANKED, WHEEL, "1.0", "a"),
        (EventKind.FILE_YANKED, "demo-1.0-2-py3-none-any.whl", "1.0", "b"),
    ]


def test_a_file_that_came_with_the_yank_does_not_make_it_one_of_files() -> None:
    """It was never known to be otherwise."""
    history = known(listed("1.0"))

    history.page(page(51, listed("1.0", yanked="broken"), listed("1.0", kind="sdist", yanked="broken")))
    history.after(seconds=120)

    assert [(told.kind, len(told.files)) for told in history.told] == [(EventKind.RELEASE_YANKED, 2)]


def test_first_sight_and_new_files_tell_nothing() -> None:
    """Nobody knows since when they are yanked."""
    history = known(listed("1.0", yanked="broken"))

    history.page(page(51, listed("1.0", yanked="broken"), listed("1.1", yanked="worse")))
    history.after(seconds=600)

    assert history.told == []


def test_a_page_that_brings_back_what_had_departed_tells_no_yank() -> None:
    """It is restored as it is now."""
    history = known(listed("1.0"))
    history.rows(row(51, "remove release", "1.0"))

    history.page(page(52, listed("1.0", yanked="broken")))
    history.after(seconds=600)

    assert history.kinds() == ["release.deleted", "restored"]


def test_a_quarantine_hides_files_and_shows_no_yank() -> None:
    """What changed meanwhile is seen when it is over."""
    history = known(listed("1.0", yanked="broken"))

    history.page(page(51, status=ProjectStatus.QUARANTINED))
    history.after(seconds=600)
    hidden = history.kinds()
    history.page(page(52, listed("1.0")))
    history.after(seconds=600)

    assert hidden == ["project.quarantined"]
    assert history.kinds()[2:] == ["release.unyanked"]


def test_a_page_older_than_the_row_shows_nothing() -> None:
    """The row is applied again on top of it."""
    history = known(listed("1.0"))
    history.rows(row(53, "yank release", "1.0"))
    history.after(seconds=60)

    history.page(page(52, listed("1.0")))
    history.after(seconds=600)

    assert history.kinds() == ["release.yanked"]
    assert history.states() == {WHEEL: "yanked"}


def test_a_yank_once_more_is_told_when_its_new_reason_comes_late() -> None:
    """No page came within a minute, nor within the hour: only a page can tell whether there is any news."""
    history = known(listed("1.0", yanked="broken"))

    history.rows(row(60, "yank release", "1.0"))
    history.after(hours=1)
    meanwhile = history.kinds()
    history.page(page(60, listed("1.0", yanked="worse")))
    history.after(hours=1)

    assert meanwhile == []
    assert [(told.serial, told.yanked_reason, told.was_yanked) for told in history.told] == [(60, "worse", True)]
    assert history.memory.pending == ()


def test_a_reason_that_a_row_waits_for_is_not_told_as_news_of_a_page() -> None:
    """An older page shows the new reason already, before the page comes that answers the row."""
    history = known(listed("1.0", yanked="broken"))

    history.rows(row(60, "yank release", "1.0"))
    history.page(page(55, listed("1.0", yanked="worse")))
    history.after(seconds=600)
    meanwhile = history.kinds()
    history.page(page(60, listed("1.0", yanked="worse")))
    history.after(seconds=600)

    assert meanwhile == []
    assert [(told.serial, told.yanked_reason) for told in history.told] == [(60, "worse")]


def test_a_yank_once_more_is_forgotten_with_the_unyank_that_follows() -> None:
    """Nobody will ever learn whether it had a reason of its own."""
    history = known(listed("1.0", yanked="broken"))

    history.rows(row(60, "yank release", "1.0"), row(61, "unyank release", "1.0"))
    history.page(page(61, listed("1.0")))
    history.after(seconds=600)

    assert history.kinds() == ["release.unyanked"]
    assert history.memory.pending == ()


def test_a_page_that_contradicts_a_row_is_believed_and_told() -> None:
    """It is newer, and the row that explains it was lost."""
    history = known(listed("1.0"))
    history.rows(row(51, "yank release", "1.0"))
    history.after(seconds=60)

    history.page(page(55, listed("1.0")))
    history.after(seconds=120)

    assert history.kinds() == ["release.yanked", "release.unyanked"]


def test_a_yank_that_is_over_by_a_newer_page_is_told_with_its_end() -> None:
    """Its end has no row either."""
    history = known(listed("1.0"))
    history.page(page(55, listed("1.0")))

    history.rows(row(51, "yank release", "1.0"))
    history.after(seconds=600)

    assert [(told.kind, told.serial) for told in history.told] == [
        (EventKind.RELEASE_YANKED, 51),
        (EventKind.RELEASE_UNYANKED, None),
    ]


def test_a_file_without_a_digest_is_told_of_like_any_other() -> None:
    """Some indexes tell none."""
    bare = replace(listed("1.0"), sha256=None)
    history = known(bare)

    history.page(page(None, replace(bare, yanked="broken")))
    history.after(seconds=120)

    assert [(told.kind, told.yanked_reason) for told in history.told] == [(EventKind.RELEASE_YANKED, "broken")]
