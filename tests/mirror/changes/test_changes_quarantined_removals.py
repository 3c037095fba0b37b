"""Removals and quarantines: what left under one or after one is held, what had left before is not."""

import pytest

from mirror.model import ProjectStatus
from tests.mirror.changes.histories import History, known, listed, page, row

QUARANTINED = ProjectStatus.QUARANTINED
WHEEL = "demo-1.0-py3-none-any.whl"


def test_what_was_removed_while_quarantined_stays_held() -> None:
    """An owner's removal and that of malware look the same, but not after a quarantine."""
    history = known(listed("1.0"), listed("1.1"))

    history.rows(
        row(72, "project quarantined"), row(73, "remove release", "1.1"), row(74, "project quarantine cleared")
    )

    assert history.states() == {WHEEL: "live", "demo-1.1-py3-none-any.whl": "held quarantine"}


def test_what_was_removed_after_a_quarantine_stays_held() -> None:
    """A cleared quarantine is remembered by every file it lay on."""
    history = known(listed("1.0"))
    history.rows(row(72, "project quarantined"), row(73, "project quarantine cleared"))

    history.rows(row(74, "remove project"))

    assert history.states() == {WHEEL: "held quarantine"}


def test_a_removed_quarantined_release_is_held_and_no_longer_blocked() -> None:
    """The quarantine ends with the release it lay on; its memory does not."""
    history = known(listed("1.0"))

    history.rows(row(70, "release quarantined", "1.0"), row(71, "remove release", "1.0"))

    assert history.states() == {WHEEL: "held quarantine"}


def test_files_that_departed_earlier_are_blocked_meanwhile_and_kept_again_afterwards() -> None:
    """The quarantine came after their departure: it says nothing of them once it is over."""
    history = known(listed("1.0"), listed("1.1"))
    history.rows(row(60, "remove release", "1.0"))

    history.rows(row(72, "project quarantined"))
    during = history.states()
    history.rows(row(73, "project quarantine cleared"))

    assert during[WHEEL] == "blocked quarantine"
    assert history.states() == {WHEEL: "kept", "demo-1.1-py3-none-any.whl": "live"}


def test_the_pages_status_leaves_no_mark_on_files_that_departed_earlier() -> None:
    """What holds for the row holds for the page's status."""
    history = known(listed("1.0"), listed("1.1"))
    history.rows(row(60, "remove release", "1.0"))

    history.page(page(72, status=QUARANTINED))
    during = history.states()
    history.page(page(73, listed("1.1")))

    assert during[WHEEL] == "blocked quarantine"
    assert history.states() == {WHEEL: "kept", "demo-1.1-py3-none-any.whl": "live"}


def test_a_quarantined_page_from_before_a_known_removal_still_marks_the_file() -> None:
    """The page comes late, but it says that the release was quarantined when it was removed."""
    history = known(listed("1.0"), listed("1.1"))
    history.rows(row(74, "remove release", "1.0"))

    history.page(page(73, status=QUARANTINED))
    history.page(page(75, listed("1.1")))

    assert history.states()[WHEEL] == "held quarantine"


def test_a_copy_that_departed_earlier_is_not_blocked_for_ever_by_a_quarantine_of_its_version() -> None:
    """The version came back, was quarantined and removed: nobody will write that the quarantine is over."""
    history = known(listed("1.0"))
    history.rows(row(51, "remove release", "1.0"))
    history.page(page(53, listed("1.0", build="1")))
    history.store()

    history.rows(row(60, "release quarantined", "1.0"))
    during = history.states()
    history.rows(row(61, "remove release", "1.0"))

    assert set(during.values()) == {"blocked quarantine"}
    assert history.states() == {WHEEL: "kept", "demo-1.0-1-py3-none-any.whl": "held stranger"}


def test_the_end_of_a_project_ends_its_quarantines() -> None:
    """Kept copies of an earlier life are served again; what the malware's life left behind is held."""
    history = known(listed("1.0"))
    history.rows(row(51, "remove project"), row(52, "create"))
    history.page(page(54, listed("2.0")))

    history.rows(row(60, "project quarantined"))
    during = history.states()
    history.rows(row(61, "remove project"))

    assert during[WHEEL] == "blocked quarantine"
    assert history.states() == {WHEEL: "kept", "demo-2.0-py3-none-any.whl": "held stranger"}


@pytest.mark.parametrize("by", ["row", "page"])
def test_a_removal_under_a_quarantine_is_believed_though_a_newer_page_came_first(by: str) -> None:
    """The page of a quarantined project lists nothing: it does not say that the file survived the row."""
    history = known(listed("1.0"), listed("1.1"))
    rows = row(72, "project quarantined"), row(73, "remove release", "1.0"), row(75, "project quarantine cleared")
    if by == "row":
        history.rows(rows[0])
    history.page(page(74, status=QUARANTINED))

    history.rows(*rows[1 if by == "row" else 0 :])
    history.page(page(75, listed("1.1")))

    assert history.states() == {WHEEL: "held quarantine", "demo-1.1-py3-none-any.whl": "live"}


def test_a_removal_of_a_quarantined_release_is_believed_though_a_newer_page_came_first() -> None:
    """The page lacks the files, as it did while they were quarantined."""
    history = known(listed("1.0"), listed("1.1"))
    history.rows(row(72, "release quarantined", "1.0"))
    history.page(page(74, listed("1.1")))

    history.rows(row(73, "remove release", "1.0"))

    assert history.states() == {WHEEL: "held quarantine", "demo-1.1-py3-none-any.whl": "live"}


def test_a_removal_read_late_after_the_clearing_row_is_believed() -> None:
    """The page lacked the file when it was still taken for quarantined, and its quarantine was over already."""
    history = known(listed("1.0"), listed("1.1"))
    history.rows(row(70, "release quarantined", "1.0"))
    history.page(page(72, listed("1.1")))

    history.rows(row(71, "release quarantine cleared", "1.0"))
    history.rows(row(72, "remove file demo-1.0-py3-none-any.whl", "1.0"))

    assert history.states() == {WHEEL: "held quarantine", "demo-1.1-py3-none-any.whl": "live"}


def test_a_removal_after_a_cleared_quarantine_is_believed_though_its_page_came_first() -> None:
    """All three rows come late, and the file is gone for good."""
    history = known(listed("1.0"), listed("1.1"))
    history.page(page(73, listed("1.1")))

    history.rows(
        row(71, "release quarantined", "1.0"),
        row(72, "release quarantine cleared", "1.0"),
        row(73, "remove release", "1.0"),
    )

    assert history.states()[WHEEL] == "held quarantine"


def test_a_removal_in_the_life_after_a_quarantined_one_is_believed_though_its_page_came_first() -> None:
    """First sight fell into the next life, of which no row had been read: the quarantine seemed to be in force."""
    history = History()
    history.rows(row(13, "project quarantined"))
    history.page(page(17, listed("1.0")))
    history.page(page(18))

    history.rows(row(14, "remove project"), row(15, "create"), row(17, "new release", "1.0"))
    history.rows(row(18, "remove file demo-1.0-py3-none-any.whl", "1.0"))

    (file,) = history.memory.files
    assert (file.listed, file.incarnation, file.departed is not None) == (False, 2, True)
    assert history.states() == {WHEEL: "held stranger"}
