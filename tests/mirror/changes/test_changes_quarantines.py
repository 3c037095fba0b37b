"""Quarantines of projects and releases, by row and by the page's status: at once, told once, not forgotten."""

from datetime import timedelta

import pytest

from mirror.events import Evidence
from mirror.model import ProjectStatus
from tests.mirror.changes.histories import NOW, History, known, listed, page, row

QUARANTINED = ProjectStatus.QUARANTINED
WHEEL = "demo-1.0-py3-none-any.whl"


def test_a_row_quarantines_a_project_and_a_row_clears_it() -> None:
    """In between nothing is served; afterwards everything is what it was before."""
    history = known(listed("1.0"), listed("1.1", yanked="broken"))

    history.rows(row(72, "project quarantined"))
    during = history.states()
    history.rows(row(73, "project quarantine cleared"))

    assert set(during.values()) == {"blocked quarantine"}
    assert history.states() == {WHEEL: "live", "demo-1.1-py3-none-any.whl": "yanked"}
    assert history.kinds() == ["project.quarantined", "project.quarantine_cleared"]
    assert [told.serial for told in history.told] == [72, 73]


def test_a_row_quarantines_a_release_and_leaves_the_others() -> None:
    """Every file of that version is blocked, whatever its spelling."""
    history = known(listed("1.3.0"), listed("1.2"))

    history.rows(row(70, "release quarantined", "1.3"))
    during = history.states()
    history.rows(row(71, "release quarantine cleared", "1.3"))

    assert during == {"demo-1.3.0-py3-none-any.whl": "blocked quarantine", "demo-1.2-py3-none-any.whl": "live"}
    assert set(history.states().values()) == {"live"}
    assert history.kinds() == ["release.quarantined", "release.quarantine_cleared"]


def test_the_pages_status_quarantines_first_and_the_row_adds_nothing_to_tell() -> None:
    """One quarantine, one telling, whichever witness came first; the row makes it last until its clearing row."""
    history = known(listed("1.0"))

    history.page(page(72, status=QUARANTINED))
    by_page = history.states()
    history.rows(row(72, "project quarantined"))
    history.page(page(72, listed("1.0")))

    assert by_page == {WHEEL: "blocked quarantine"}
    assert history.states() == {WHEEL: "blocked quarantine"}
    assert history.kinds() == ["project.quarantined"]
    assert history.told[0].evidence is Evidence.INDEX


def test_what_only_a_page_said_a_page_takes_back() -> None:
    """Without a journal the status comes and goes with the page; the late clearing row then adds nothing."""
    history = known(listed("1.0"))

    history.page(page(72, status=QUARANTINED))
    history.page(page(73, listed("1.0")))
    history.rows(row(73, "project quarantine cleared"))

    assert history.states() == {WHEEL: "live"}
    assert history.kinds() == ["project.quarantined", "project.quarantine_cleared"]


def test_an_old_copy_of_the_quarantined_page_revives_no_quarantine() -> None:
    """A cached page from between the rows that quarantined and cleared tells nothing and blocks nothing."""
    history = known(listed("1.0"))
    history.rows(row(72, "project quarantined"), row(73, "project quarantine cleared"))

    history.page(page(72, status=QUARANTINED))

    assert history.kinds() == ["project.quarantined", "project.quarantine_cleared"]
    assert history.states() == {WHEEL: "live"}
    assert (history.memory.project.status, history.memory.project.quarantined_by) == (ProjectStatus.ACTIVE, None)
    assert history.memory.files[0].missing_since is None


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


def test_files_a_quarantine_hides_are_not_missing() -> None:
    """The page of a quarantined project is empty, that of a quarantined release lacks its files: both explained."""
    project, release = known(listed("1.0")), known(listed("1.0"), listed("1.1"))
    project.rows(row(72, "project quarantined"))
    release.rows(row(72, "release quarantined", "1.0"))

    project.page(page(72, status=QUARANTINED))
    release.page(page(72, listed("1.1")))

    assert [file.missing_since for file in (*project.memory.files, *release.memory.files)] == [None] * 3


def test_a_release_quarantine_seen_first_by_the_page_is_explained_by_its_row() -> None:
    """The page only lacks the files, which is noted; with the row they are blocked, and back with their page."""
    history = known(listed("1.0"), listed("1.1"))

    history.page(page(72, listed("1.1")))
    noted = history.file(WHEEL)
    history.rows(row(72, "release quarantined", "1.0"))
    blocked = history.states()
    history.rows(row(73, "release quarantine cleared", "1.0"))
    history.page(page(73, listed("1.0"), listed("1.1")))

    assert (noted.state, noted.missing_since) == ("live", NOW)
    assert blocked[WHEEL] == "blocked quarantine"
    assert (history.states()[WHEEL], history.file(WHEEL).missing_since) == ("live", None)


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


def test_a_quarantined_project_seen_for_the_first_time_is_quarantined() -> None:
    """By the page's status alone, which is told at once; so is the row that clears it."""
    history = History()

    history.page(page(72, status=QUARANTINED))
    seen = history.memory.project
    history.rows(row(73, "project quarantine cleared"))
    history.page(page(73, listed("1.0")))
    history.rows(row(74, "remove release", "1.0"))

    assert (seen.quarantined_by, seen.quarantined_at) == (0, NOW)
    assert history.kinds() == ["project.quarantined", "project.quarantine_cleared", "release.deleted"]
    assert history.states() == {WHEEL: "held quarantine"}


def test_a_quarantine_row_counts_though_it_came_before_first_sight() -> None:
    """An index that does not show the status is not believed against the row."""
    history = History()

    history.rows(row(60, "project quarantined", at=NOW - timedelta(days=3)))
    history.page(page(70, listed("1.0")))
    blocked = history.states()
    history.rows(row(71, "project quarantine cleared"))

    assert blocked == {WHEEL: "blocked quarantine"}
    assert history.kinds() == ["project.quarantined", "project.quarantine_cleared"]
    assert history.states() == {WHEEL: "live"}


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


def test_a_cleared_quarantine_before_first_sight_is_remembered() -> None:
    """Of the project for all its files, of a release for that version's, and not of an earlier life of the name."""
    project, release, earlier = History(), History(), History()

    project.rows(row(60, "project quarantined"), row(61, "project quarantine cleared"))
    release.rows(row(60, "release quarantined", "1.0"), row(61, "release quarantine cleared", "1.0"))
    earlier.rows(row(60, "project quarantined"), row(61, "remove project"), row(62, "create"))
    for history in (project, release, earlier):
        history.page(page(70, listed("1.0"), listed("1.1")))

    assert [file.quarantined_at for file in project.memory.files] == [NOW, NOW]
    assert [file.quarantined_at for file in release.memory.files] == [NOW, None]
    assert [file.quarantined_at for file in earlier.memory.files] == [None, None]


def test_a_release_quarantined_before_any_of_its_files_was_seen_is_remembered() -> None:
    """The project was known, but that release's files are first seen after the quarantine was cleared."""
    history = known(listed("1.0"))
    history.rows(
        row(51, "new release", "1.1"),
        row(52, "release quarantined", "1.1"),
        row(53, "release quarantine cleared", "1.1"),
    )

    history.page(page(53, listed("1.0"), listed("1.1")))
    listed_again = history.states()
    history.store()
    history.rows(row(54, "remove release", "1.1"))

    assert listed_again == {WHEEL: "live", "demo-1.1-py3-none-any.whl": "live"}
    assert history.states()["demo-1.1-py3-none-any.whl"] == "held quarantine"


def test_a_clearing_row_nobody_told_of_before_is_told() -> None:
    """The quarantine began before anyone watched and no page was asked for since."""
    history = known(listed("1.0"))

    history.rows(row(73, "project quarantine cleared"))

    assert history.kinds() == ["project.quarantine_cleared"]
    assert history.states() == {WHEEL: "live"}


def test_a_quarantine_of_the_next_life_seen_first_by_its_page_is_told_once() -> None:
    """The page was newer than the removal: its status is about the new project, and so stays."""
    history = known(listed("1.0"))

    history.page(page(68, status=QUARANTINED))
    history.rows(row(62, "remove project"), row(65, "create"), row(67, "project quarantined"))

    assert history.kinds() == ["project.quarantined", "project.deleted", "project.reregistered"]
    assert history.states() == {WHEEL: "blocked quarantine"}
    assert history.memory.project.quarantined_by == 67


def test_quarantines_of_an_unknown_project_are_told() -> None:
    """Every quarantine on the index is an event."""
    history = History()

    history.rows(
        row(70, "release quarantined", "1.0"),
        row(71, "release quarantine cleared", "1.0"),
        row(72, "project quarantined"),
        row(73, "project quarantine cleared"),
    )

    assert history.kinds() == [
        "release.quarantined",
        "release.quarantine_cleared",
        "project.quarantined",
        "project.quarantine_cleared",
    ]
