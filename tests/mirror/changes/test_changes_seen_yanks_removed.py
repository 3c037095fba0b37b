"""A yank that only a page showed, and a removal: the owner unyanked what was to be deleted, or it was yanked first."""

from mirror.event_kinds import EventKind
from tests.mirror.changes.histories import known, listed, page, row


def test_a_removal_explains_an_unyank_that_only_a_page_showed() -> None:
    """Its row was lost, or is read together with the removal's: it was a yanked release that went."""
    history = known(listed("1.0", yanked="broken"), listed("1.1"))

    history.page(page(51, listed("1.0"), listed("1.1")))
    history.after(seconds=60)
    history.rows(row(52, "remove release", "1.0"))
    history.after(seconds=600)

    (told,) = history.told
    assert (told.kind, told.was_yanked) == (EventKind.RELEASE_DELETED, True)
    assert history.memory.pending == ()


def test_an_unyank_seen_first_and_its_removal_are_one_event() -> None:
    """Though its row, and that of the removal, are read one after the other."""
    history = known(listed("1.0", yanked="broken"), listed("1.1"))

    history.page(page(51, listed("1.0"), listed("1.1")))
    history.rows(row(51, "unyank release", "1.0"))
    history.after(seconds=100)
    history.rows(row(52, "remove release", "1.0"))
    history.after(seconds=600)

    assert [(told.kind, told.was_yanked) for told in history.told] == [(EventKind.RELEASE_DELETED, True)]


def test_a_removal_has_the_last_word_on_a_yank_that_only_a_page_showed() -> None:
    """The deletion says that the release was yanked, and why."""
    history = known(listed("1.0"), listed("1.1"))

    history.page(page(51, listed("1.0", yanked="broken"), listed("1.1")))
    history.rows(row(52, "remove project"))
    history.after(seconds=600)

    (told,) = history.told
    assert (told.kind, told.was_yanked, told.yanked_reason) == (EventKind.PROJECT_DELETED, True, "broken")


def test_what_is_missing_before_it_is_told_waits_for_the_removal() -> None:
    """The journal is down: who unyanked the release may have removed it since."""
    history = known(listed("1.0", yanked="broken"), listed("1.1"))

    history.page(page(51, listed("1.0"), listed("1.1")))
    history.after(seconds=60)
    history.page(page(52, listed("1.1")))
    history.after(hours=2)
    meanwhile = history.kinds()
    history.rows(row(51, "unyank release", "1.0"), row(52, "remove release", "1.0"))
    history.after(seconds=600)

    assert meanwhile == []
    assert [(told.kind, told.was_yanked) for told in history.told] == [(EventKind.RELEASE_DELETED, True)]


def test_what_was_missing_and_is_back_is_told_then() -> None:
    """Two minutes after the page that lists it again."""
    history = known(listed("1.0", yanked="broken"))

    history.page(page(51, listed("1.0")))
    history.page(page(52))
    history.after(hours=2)
    history.page(page(53, listed("1.0")))
    history.after(seconds=120)

    assert history.kinds() == ["release.unyanked"]
