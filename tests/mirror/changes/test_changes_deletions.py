"""What policies are asked about when a row takes something away: what is known of it, and that nothing is made up."""

from datetime import timedelta

import pytest

from mirror.model import DepartureCause, ListedFile, ProjectStatus
from mirror.policy import Deletion, Removed
from tests.mirror.changes.histories import LONG_AGO, NOW, History, known, listed, page, row

DAY = timedelta(days=1)
YESTERDAY = NOW - DAY


def _deletion(history: History) -> Deletion:
    """What the newest thing told says to policies."""
    found = history.told[-1].deletion
    assert found is not None
    return found


def _young(version: str, **about: str) -> ListedFile:
    return listed(version, uploaded=YESTERDAY, **about)


def test_a_removed_release_is_summed_up() -> None:
    """Its files that were there, with the oldest upload; the rest of the project only bounds the project's age."""
    history = known(listed("0.9"), _young("1.0"), listed("1.0.0", kind="sdist", uploaded=NOW - 2 * DAY))

    history.rows(row(60, "remove release", "1.0"))

    deletion = _deletion(history)
    assert deletion.removed == (Removed("1.0", 2, NOW - 2 * DAY, 0),)
    assert (deletion.kind, deletion.version, deletion.now) == (DepartureCause.RELEASE, "1.0", NOW)
    assert (deletion.complete, deletion.created, deletion.created_by) == (True, None, LONG_AGO)


def test_a_removed_file_is_all_that_its_row_takes() -> None:
    """Siblings are no part of it, and a newer page that is wanted makes no difference."""
    history = known(_young("1.0"), _young("1.0", kind="sdist"))

    history.rows(row(59, "add source file demo-1.1.tar.gz", "1.1"), row(60, "remove file demo-1.0.tar.gz", "1.0"))

    deletion = _deletion(history)
    assert deletion.removed == (Removed("1.0", 1, YESTERDAY, 0),)
    assert (deletion.kind, deletion.complete) == (DepartureCause.FILE, True)


def test_a_removed_file_that_was_never_seen_is_unknown_but_for_its_version() -> None:
    """The row names the version; when it was uploaded nobody knows."""
    history = known(listed("1.0"))

    history.rows(row(60, "remove file demo-1.0.tar.gz", "1.0"))

    deletion = _deletion(history)
    assert (deletion.version, deletion.removed, deletion.complete) == ("1.0", (), False)


def test_a_removed_project_is_summed_up_by_version() -> None:
    """With the versions that left before, and the time of the row that created it."""
    journal = (row(40, "create", at=LONG_AGO - DAY),)
    history = known(listed("1.0"), listed("1.0", kind="sdist"), listed("2.0"), listed("0.1"), journal=journal)
    history.rows(row(60, "remove release", "0.1"))

    history.rows(row(70, "remove project"))

    deletion = _deletion(history)
    assert deletion.removed == (Removed("1.0", 2, LONG_AGO, 0), Removed("2.0", 1, LONG_AGO, 0))
    assert (deletion.complete, deletion.former_versions) == (True, ("0.1",))
    assert (deletion.created, deletion.created_by) == (LONG_AGO - DAY, LONG_AGO - DAY)


def test_a_row_of_creation_that_is_younger_than_a_file_is_not_the_projects_own() -> None:
    """Then only the file says since when there was a project."""
    history = known(listed("1.0"), journal=(row(40, "create", at=YESTERDAY),))

    history.rows(row(60, "remove project"))

    assert (_deletion(history).created, _deletion(history).created_by) == (None, LONG_AGO)


def test_the_creation_of_an_earlier_life_is_not_that_of_the_present_one() -> None:
    """A removal ends it; of the life after it, the row has to be read."""
    journal = (row(30, "create", at=LONG_AGO - DAY), row(35, "remove project", at=LONG_AGO))
    history = known(listed("1.0", uploaded=YESTERDAY), journal=journal)

    history.rows(row(60, "remove project"))

    assert (_deletion(history).created, _deletion(history).created_by) == (None, YESTERDAY)


def test_of_a_project_nobody_asked_for_only_rows_tell() -> None:
    """No file and no owner is known, but its creation may be."""
    history = History()

    history.rows(row(60, "create", at=YESTERDAY), row(61, "remove project"))

    deletion = _deletion(history)
    assert (deletion.removed, deletion.complete, deletion.fewest_owners) == ((), False, 0)
    assert deletion.created == YESTERDAY


def test_owners_that_rows_name_are_the_fewest_there_are() -> None:
    """Teams, and owners from before the journal was read, are not among them."""
    journal = (
        row(40, "create", at=LONG_AGO),
        row(41, "add Owner Alice", at=LONG_AGO),
        row(42, "accepted Owner Bob", at=LONG_AGO),
    )
    history = known(listed("1.0"), journal=journal)

    history.rows(row(60, "remove release", "1.0"))

    assert (_deletion(history).owners, _deletion(history).fewest_owners) == (None, 2)


@pytest.mark.parametrize(
    "text", ["add source file demo-1.0.tar.gz", "new release", "something new"], ids=["a file", "a release", "whatever"]
)
def test_files_may_be_missing_where_a_newer_page_is_wanted(text: str) -> None:
    """A row since our last page may have added to what was then removed."""
    history = known(_young("1.0"))

    history.rows(row(59, text, "1.0"), row(60, "remove release", "1.0"))

    deletion = _deletion(history)
    assert (deletion.removed, deletion.complete) == ((Removed("1.0", 1, YESTERDAY, 0),), False)


def test_files_may_be_missing_where_the_page_is_newer_than_the_removal() -> None:
    """What was added right before the removal stood on no page that we saw."""
    history = known(_young("1.0"), _young("2.0"))
    history.page(page(65, _young("2.0")))

    history.rows(row(60, "remove release", "1.0"))

    deletion = _deletion(history)
    assert (deletion.removed, deletion.complete) == ((Removed("1.0", 1, YESTERDAY, 0),), False)


def test_files_may_be_missing_where_they_are_hidden_by_a_quarantine() -> None:
    """A quarantined project that was never seen otherwise is not an empty one."""
    history = History()
    history.page(page(50, status=ProjectStatus.QUARANTINED))

    history.rows(row(60, "remove project"))

    assert (_deletion(history).removed, _deletion(history).complete) == ((), False)


def test_a_page_of_no_certain_age_need_not_have_shown_all() -> None:
    """An index that tells no serial may have answered before the last upload."""
    history = History()
    history.page(page(None, _young("1.0")))

    history.rows(row(60, "remove release", "1.0"))

    assert _deletion(history).complete is False


def test_a_release_whose_files_went_one_by_one_is_known_to_be_empty() -> None:
    """One of which no file was ever seen is not."""
    history = known(_young("1.0"), listed("2.0"))
    history.rows(row(60, "remove file demo-1.0-py3-none-any.whl", "1.0"))

    history.rows(row(61, "remove release", "1.0"))
    emptied = _deletion(history)
    history.rows(row(62, "remove release", "3.0"))

    assert (emptied.empty, emptied.complete) == (True, True)
    assert (_deletion(history).empty, _deletion(history).complete) == (False, False)


def test_a_project_without_files_is_known_to_be_empty() -> None:
    """Its page listed none, and nothing was added since."""
    history = known()

    history.rows(row(60, "remove project"))

    assert _deletion(history).empty is True


def test_a_project_that_is_removed_twice_is_not_known_the_second_time() -> None:
    """There was a life in between of which nothing was seen."""
    history = known(listed("1.0"))
    history.rows(row(60, "remove project"))

    history.rows(row(70, "remove project"))

    assert (_deletion(history).removed, _deletion(history).complete) == ((), False)


def test_files_without_upload_times_are_counted() -> None:
    """Since when we know them does not say how old they are; the project was there then."""
    history = known(listed("1.0", uploaded=None), _young("1.0", kind="sdist"))
    seen = history.file("demo-1.0-py3-none-any.whl").first_seen_at

    history.rows(row(60, "remove project"))

    assert _deletion(history).removed == (Removed("1.0", 2, YESTERDAY, 1),)
    assert _deletion(history).created_by == min(seen, YESTERDAY)


def test_only_deletions_are_judged_by_policies() -> None:
    """A yank and a quarantine are told without."""
    history = known(listed("1.0"), listed("2.0"))

    history.rows(row(60, "project quarantined"), row(61, "yank release", "1.0"))
    history.after(minutes=5)

    assert history.kinds() == ["project.quarantined", "release.yanked"]
    assert [telling.deletion for telling in history.told] == [None, None]
