"""What disappeared without a row and was quarantined afterwards: the row that says when it went decides."""

import pytest

from mirror.model import ProjectStatus
from tests.mirror.changes.absences import NEW, OLD, all_of_it, one_of_two
from tests.mirror.changes.histories import listed, page, row


@pytest.mark.parametrize(("what", "version"), [("project", None), ("release", "1.1")])
@pytest.mark.parametrize("is_cleared_first", [False, True])
def test_a_quarantine_after_it_lay_on_what_a_row_says_went_later(
    what: str, version: str | None, is_cleared_first: bool
) -> None:
    """The index was wrong to lack it: by its rows it was quarantined, and removed only then."""
    history = one_of_two()
    history.after(hours=1)
    history.rows(row(60, f"{what} quarantined", version, at=history.now))
    history.after(hours=1)
    removed, cleared = ("remove release", "1.1"), (f"{what} quarantine cleared", version)
    first, then = (cleared, removed) if is_cleared_first else (removed, cleared)

    history.rows(row(61, *first, at=history.now), row(62, *then, at=history.now))

    assert history.states() == {OLD: "live", NEW: "held quarantine"}


def test_a_quarantine_after_it_that_is_over_leaves_it_as_it_was() -> None:
    """As long as no row says that it was still there."""
    history = one_of_two()
    before = history.states()
    history.after(hours=1)

    history.rows(row(60, "project quarantined", at=history.now), row(61, "project quarantine cleared", at=history.now))

    assert history.states() == before == {OLD: "live", NEW: "kept"}


def test_a_page_that_shows_a_quarantine_much_later_counts_for_what_a_row_says_went_after_it() -> None:
    """It does not explain the absence, and lay on the file all the same."""
    history = one_of_two()
    history.after(hours=30)
    history.page(page(60, status=ProjectStatus.QUARANTINED))
    history.after(hours=1)

    history.rows(row(61, "remove release", "1.1", at=history.now))
    history.page(page(62, listed("1.0")))

    assert history.states() == {OLD: "live", NEW: "held quarantine"}


def test_a_quarantine_in_the_next_life_did_not_lie_on_what_disappeared_with_the_last() -> None:
    """The removal is read late; until it is over the quarantine covers the old copies too."""
    history = all_of_it()
    history.after(hours=1)
    history.page(page(60, listed("3.0")))
    history.rows(row(61, "release quarantined", "1.1", at=history.now))
    meanwhile = history.states()[NEW]

    history.rows(row(55, "remove project", at=history.now), row(62, "release quarantine cleared", "1.1"))

    assert (meanwhile, history.states()[NEW]) == ("blocked quarantine", "kept")
