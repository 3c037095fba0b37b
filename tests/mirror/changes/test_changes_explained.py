"""What disappeared without a row: explained by rows and quarantines that come late, or taken back by pages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.model import ProjectPage, ProjectStatus
from mirror.names import Serial
from tests.mirror.changes.absences import NEW, OLD, all_of_it, believe, gone, one_of_two
from tests.mirror.changes.histories import ALICES, NOW, known, listed, page, row


def test_a_late_removal_supersedes_it() -> None:
    """Told as if the page had not been quicker, with both as evidence."""
    history = one_of_two()
    event = history.file(NEW).disappeared_in

    history.rows(row(51, "remove release", "1.1"))

    told = history.told[-1]
    assert (told.kind, told.evidence, told.supersedes) == (EventKind.RELEASE_DELETED, Evidence.BOTH, event)
    assert (told.was_latest, told.remaining_releases, told.latest_remaining) == (True, 1, "1.0")
    file = history.file(NEW)
    assert file.departed is not None
    assert (file.disappeared_at, file.disappeared_in, file.missing_since, file.listed_at) == (None, None, None, None)


def test_a_late_removal_of_the_project_supersedes_it() -> None:
    """Nothing is left to be explained then."""
    history = all_of_it()
    event = history.file(NEW).disappeared_in

    history.rows(row(51, "remove project"))

    told = history.told[-1]
    assert (told.kind, told.supersedes, len(told.files)) == (EventKind.PROJECT_DELETED, event, 2)
    assert history.memory.project.absent_since is None
    assert set(history.states().values()) == {"kept"}


def test_a_row_that_a_page_outlived_explains_nothing() -> None:
    """A page as new as the row listed the file: it went later, and nobody knows why."""
    history = known(listed("1.0"), listed("1.1"), serial=60)
    gone(history, 60, listed("1.0"))

    history.rows(row(55, "remove release", "1.1"))

    assert history.file(NEW).departed is None
    assert history.file(NEW).disappeared_at is not None
    assert history.told[-1].supersedes is None


def test_a_page_takes_it_back() -> None:
    """The page of the same serial as before is believed; the file is what it was."""
    history = one_of_two()
    event = history.file(NEW).disappeared_in

    history.page(page(50, listed("1.0"), listed("1.1")))

    told = history.told[-1]
    assert (told.kind, told.version, told.evidence) == (EventKind.RESTORED, "1.1", Evidence.INDEX)
    assert told.supersedes == event
    file = history.file(NEW)
    assert file.listed
    assert (file.disappeared_at, file.missing_since, file.missing_seen, file.listed_until) == (None, None, None, None)
    assert history.states() == {OLD: "live", NEW: "live"}


def test_a_project_that_is_back_is_one_act() -> None:
    """As its disappearance was one."""
    history = all_of_it()

    history.page(page(50, listed("1.0"), listed("1.1")))

    assert history.kinds() == ["disappeared", "restored"]
    assert (history.told[-1].version, len(history.told[-1].files)) == (None, 2)
    assert history.memory.project.absent_since is None


def test_one_that_had_been_quarantined_long_before_is_as_good_as_then() -> None:
    """An index that was broken for an hour makes no stranger of what was live."""
    history = known(listed("1.0"), listed("1.1"), serial=50)
    history.rows(row(51, "project quarantined"), row(52, "project quarantine cleared"))
    history.page(page(52, listed("1.0"), listed("1.1")))
    gone(history, 52, listed("1.0"))
    assert history.states()[NEW] == "held quarantine"

    history.page(page(52, listed("1.0"), listed("1.1")))

    assert history.states()[NEW] == "live"


@pytest.mark.parametrize("what", ["project quarantined", "release quarantined"])
def test_a_late_quarantine_explains_it(what: str) -> None:
    """Hidden is not missing: blocked, and live again afterwards, with nothing left of the doubt."""
    history = one_of_two()
    event = history.file(NEW).disappeared_in
    version = "1.1" if what.startswith("release") else None
    history.rows(row(51, what, version, at=NOW - timedelta(minutes=1)))

    told = history.told[-1]
    assert (told.evidence, told.supersedes) == (Evidence.BOTH, event)
    assert history.states()[NEW] == "blocked quarantine"
    assert (history.file(NEW).disappeared_at, history.file(NEW).missing_since) == (None, None)

    history.rows(row(52, what.replace("quarantined", "quarantine cleared"), version))
    history.page(page(52, listed("1.0"), listed("1.1")))

    assert history.states()[NEW] == "live"
    assert history.kinds()[2:] == [f"{what.split(' ')[0]}.quarantine_cleared"]


def test_a_quarantine_that_came_after_it_explains_nothing() -> None:
    """It blocks the copy meanwhile, and leaves no mark on what was gone before."""
    history = one_of_two()
    history.after(days=2)
    history.rows(row(51, "project quarantined", at=history.now))
    assert history.states()[NEW] == "blocked quarantine"
    assert history.told[-1].supersedes is None

    history.rows(row(52, "project quarantine cleared", at=history.now))

    assert history.states()[NEW] == "kept"


@pytest.mark.parametrize(("hours", "state"), [(23, "live"), (25, "kept")])
def test_a_page_that_says_quarantined_explains_what_went_lately(hours: int, state: str) -> None:
    """As rows that cannot be read would; what went long before only stays what it was."""
    history = one_of_two()
    history.after(hours=hours)
    history.page(page(50, status=ProjectStatus.QUARANTINED))
    assert set(history.states().values()) == {"blocked quarantine"}

    history.page(page(50, listed("1.0")))

    assert history.states()[NEW] == state


def test_a_quarantine_ends_the_doubt_about_what_is_missing() -> None:
    """Seen missing once, then hidden: after the quarantine it takes two looks again."""
    history = known(listed("1.0"), listed("1.1"), serial=50)
    history.page(page(50, listed("1.0")))
    history.page(page(50, status=ProjectStatus.QUARANTINED))
    history.after(hours=1)
    history.page(page(50, listed("1.0")))

    believe(history)

    assert EventKind.DISAPPEARED not in history.kinds()
    assert history.states()[NEW] == "live"


def test_a_release_by_an_operator_does_not_outlast_it() -> None:
    """What was released while it was listed was not released for being gone."""
    history = known(listed("1.0"), replace(listed("1.1"), upload_time=NOW - timedelta(hours=2)), serial=50)
    files = tuple(replace(file, released_by=7) for file in history.memory.files)
    history.memory = replace(history.memory, files=files)

    gone(history, 50, listed("1.0"))

    assert history.states()[NEW] == "held young"


def test_a_new_page_of_nothing_known_is_another_life() -> None:
    """Upstream had no such project for long: its files are newcomers, and the old ones stay what they are."""
    history = all_of_it()

    history.page(page(60, listed("2.0"), listed("1.1", build="9")))

    assert history.kinds() == ["disappeared", "project.reregistered"]
    assert history.memory.project.incarnation == 2
    states = history.states()
    assert (states[OLD], states["demo-2.0-py3-none-any.whl"]) == ("kept", "held stranger")
    assert states["demo-1.1-9-py3-none-any.whl"] == "held stranger"


@pytest.mark.parametrize(
    "back",
    [
        page(50, listed("2.0")),
        page(60, listed("2.0"), listed("1.0")),
        page(60),
    ],
    ids=["not newer", "one is known", "no files"],
)
def test_other_pages_go_on_with_the_same_life(back: ProjectPage) -> None:
    """A page that is no newer, that lists something known, or nothing at all, is no sign of somebody else."""
    history = all_of_it()

    history.page(back)

    assert history.memory.project.incarnation == 1


def test_an_empty_page_does_not_make_who_comes_after_it_known() -> None:
    """Who took the name may put up the first file later."""
    history = all_of_it()
    history.page(page(60))

    history.page(page(61, listed("2.0")))

    assert history.memory.project.incarnation == 2


def test_a_file_that_is_missing_for_a_moment_ends_no_life() -> None:
    """404 once, then a new release beside what is known: nothing was believed to be gone."""
    history = known(listed("1.0"), serial=50)
    history.absence()

    history.page(page(60, listed("2.0")))

    assert history.memory.project.incarnation == 1


def test_rows_of_an_end_that_pages_told_before_fit_in() -> None:
    """The removal is told of the life that ended; the name is not registered once more."""
    history = all_of_it()
    event = history.file(NEW).disappeared_in
    history.page(page(60, listed("2.0")))

    history.rows(row(55, "remove project"), row(58, "create"), row(59, "add Owner mallory"), row(60, "new release"))

    assert history.kinds() == ["disappeared", "project.reregistered", "project.deleted"]
    told = history.told[-1]
    assert (told.supersedes, told.incarnation, len(told.files)) == (event, 1, 2)
    project = history.memory.project
    assert (project.incarnation, project.closed_serial, project.owners) == (2, None, ("mallory",))
    assert all(file.departed is not None for file in history.memory.files if file.incarnation == 1)
    assert history.states()["demo-2.0-py3-none-any.whl"] == "held stranger"


def test_rows_after_that_page_are_about_the_new_life() -> None:
    """A removal that is newer than the page of the new life removes that."""
    history = all_of_it()
    history.page(page(60, listed("2.0")))

    history.rows(row(61, "remove project"))

    assert history.memory.project.closed_serial == Serial(61)
    assert [len(telling.files) for telling in history.told if telling.kind is EventKind.PROJECT_DELETED] == [1]


def test_a_row_that_registers_the_name_ends_the_old_life_too() -> None:
    """Nobody read the removal: who owned the name is former now, and who takes it is not taken for one of them."""
    history = known(listed("1.0"), serial=50, journal=ALICES)
    history.absence()
    history.after(minutes=6)
    history.absence()
    believe(history)

    history.rows(row(58, "create"), row(58 + 1, "add Owner mallory"))
    history.page(page(60, listed("2.0")))

    assert history.kinds() == ["disappeared", "project.reregistered"]
    project = history.memory.project
    assert (project.incarnation, project.owners, project.former_owners) == (2, ("mallory",), ("alice",))
    assert history.states() == {OLD: "kept", "demo-2.0-py3-none-any.whl": "held stranger"}


def test_a_row_that_registers_a_name_that_is_only_missing_changes_nothing() -> None:
    """One 404 is no end of a life."""
    history = known(listed("1.0"), serial=50)
    history.absence()

    history.rows(row(58, "create"))

    assert history.memory.project.incarnation == 1
    assert history.told == []
