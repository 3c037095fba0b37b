"""Quarantines of projects and releases, by row and by the page's status: at once, told once, not forgotten."""

from datetime import timedelta

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
