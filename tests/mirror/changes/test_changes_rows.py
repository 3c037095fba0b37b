"""Rows that take something away, applied to a project that is known: what departs, what is told, what stays."""

from datetime import timedelta

import pytest

from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.model import DepartureCause
from tests.mirror.changes.histories import NOW, History, known, listed, page, row


def test_a_removed_file_departs_and_its_sibling_does_not() -> None:
    """`remove file` names the one file it takes."""
    history = known(listed("1.0"), listed("1.0", kind="sdist"))

    history.rows(row(51, "remove file demo-1.0.tar.gz", "1.0"))

    assert history.states() == {"demo-1.0.tar.gz": "kept", "demo-1.0-py3-none-any.whl": "live"}
    (told,) = history.told
    assert (told.kind, told.serial, told.version) == (EventKind.FILE_DELETED, 51, "1.0")
    assert (told.filename, told.was_latest, told.remaining_releases) == ("demo-1.0.tar.gz", False, 1)


def test_a_removed_release_takes_its_files_and_no_others() -> None:
    """One row stands for all files of the version, whose names only our memory knows."""
    history = known(listed("1.0"), listed("1.1"), listed("1.1", kind="sdist"))

    history.rows(row(51, "remove release", "1.1", at=NOW - timedelta(minutes=3)))

    assert history.states() == {
        "demo-1.0-py3-none-any.whl": "live",
        "demo-1.1-py3-none-any.whl": "kept",
        "demo-1.1.tar.gz": "kept",
    }
    (told,) = history.told
    assert {filename for _, filename, _ in told.files} == {"demo-1.1-py3-none-any.whl", "demo-1.1.tar.gz"}
    assert (told.evidence, told.was_latest, told.latest_remaining) == (Evidence.JOURNAL, True, "1.0")
    departed = history.file("demo-1.1.tar.gz").departed
    assert departed is not None
    assert (departed.at, departed.serial, departed.cause) == (NOW - timedelta(minutes=3), 51, DepartureCause.RELEASE)


def test_a_removed_project_takes_everything_and_closes_the_name() -> None:
    """One row without a version ends a life of the name."""
    history = known(listed("1.0"), listed("1.1"))

    history.rows(row(51, "remove project"))

    assert set(history.states().values()) == {"kept"}
    (told,) = history.told
    assert (told.kind, told.version, len(told.files)) == (EventKind.PROJECT_DELETED, None, 2)
    assert (told.remaining_releases, told.latest_remaining, told.was_latest) == (0, None, True)
    assert history.memory.project.closed_serial == 51


@pytest.mark.parametrize(
    ("of_file", "of_row", "same"),
    [
        ("4.60.5", "4.60.5.0", True),
        ("4.60.5.0", "4.60.5", True),
        ("1.0", "1.0.0", True),
        ("1.0.0", "1", True),
        ("1.0", "v1.0", True),
        ("1.0rc1", "1.0.RC.1", True),
        ("1!2.0", "1!2", True),
        ("1!2.0", "2.0", False),
        ("1.0", "1.0.1", False),
        ("1.0", "1.0.post0", False),
        ("1.0", "1.0+local", False),
        ("1.0", "10", False),
        ("not a version", "Not a Version", True),
        ("not a version", "1.0", False),
    ],
)
def test_the_version_is_compared_as_pep_440_does(of_file: str, of_row: str, same: bool) -> None:
    """A row may spell the version otherwise than the file; another version it must not take."""
    history = known(listed(of_file))

    history.rows(row(51, "remove release", of_row))

    assert list(history.states().values()) == ["kept" if same else "live"]
    assert history.kinds() == ["release.deleted"]


def test_a_release_that_lost_its_files_before_is_told_without_any() -> None:
    """Removing the last file leaves an empty release; removing that is an act of its own, about no file."""
    history = known(listed("0.2"), listed("0.2", kind="sdist"))

    history.rows(row(57, "remove file demo-0.2.tar.gz", "0.2"))
    history.rows(row(58, "remove file demo-0.2-py3-none-any.whl", "0.2"))
    history.rows(row(59, "remove release", "0.2"))
    history.rows(row(60, "remove project"))

    assert history.kinds() == ["file.deleted", "file.deleted", "release.deleted", "project.deleted"]
    assert [len(told.files) for told in history.told] == [1, 1, 0, 0]
    departures = {file.departed.serial for file in history.memory.files if file.departed is not None}
    assert departures == {57, 58}


def test_removals_of_an_unknown_project_are_told_without_what_nobody_knows() -> None:
    """Every removal on the index is an event; what follows from files is left unsaid."""
    history = History()

    history.rows(
        row(51, "remove file demo-1.0.tar.gz", "1.0"), row(52, "remove release", "1.0"), row(53, "remove project")
    )

    assert history.kinds() == ["file.deleted", "release.deleted", "project.deleted"]
    assert all(told.files == () and told.remaining_releases is None for told in history.told)
    assert all(told.was_latest is None and told.was_yanked is None for told in history.told)
    assert history.told[0].filename == "demo-1.0.tar.gz"


def test_a_row_from_the_future_is_read_as_of_now() -> None:
    """A clock that is ahead upstream makes no young file look old."""
    history = known(listed("1.0", uploaded=NOW - timedelta(hours=1)))

    history.rows(row(51, "remove release", "1.0", at=NOW + timedelta(days=365)))

    assert history.states() == {"demo-1.0-py3-none-any.whl": "held young"}
    departed = history.file("demo-1.0-py3-none-any.whl").departed
    assert departed is not None
    assert departed.at == NOW


def test_a_young_file_is_held_when_it_departs() -> None:
    """What was up for less than the minimum age may well have been malware."""
    history = known(listed("1.0"), listed("1.1", uploaded=NOW - timedelta(hours=71)))

    history.rows(row(51, "remove project"))

    assert history.states() == {"demo-1.0-py3-none-any.whl": "kept", "demo-1.1-py3-none-any.whl": "held young"}


def test_additions_only_ask_for_a_newer_page() -> None:
    """Rows of an upload name no digest: nothing is listed and nothing told before the page says so."""
    history = known(listed("1.0"))

    history.rows(row(51, "new release", "1.1"), row(52, "add py3 file demo-1.1-py3-none-any.whl", "1.1"))

    assert (history.memory.project.wanted_serial, history.memory.project.refresh_at) == (52, NOW)
    assert list(history.states()) == ["demo-1.0-py3-none-any.whl"]
    assert history.told == []


def test_an_unknown_action_asks_for_a_page_and_a_role_does_not() -> None:
    """A page asked for in vain costs little; roles change nothing on the page."""
    history = known(listed("1.0"))

    history.rows(row(51, "invite Owner bob"))
    after_role = history.memory.project.wanted_serial
    history.rows(row(52, "transmogrify release", "1.0"))

    assert after_role is None
    assert history.memory.project.wanted_serial == 52
    assert history.told == []


def test_the_old_spelling_of_removals_still_removes() -> None:
    """`remove` alone was written for releases and for projects until 2018."""
    history = known(listed("1.0"), listed("1.1"))

    history.rows(row(51, "remove", "1.1"))
    history.rows(row(52, "remove"))

    assert history.kinds() == ["release.deleted", "project.deleted"]
    assert set(history.states().values()) == {"kept"}


def test_the_latest_version_is_what_an_installer_would_take() -> None:
    """Neither a pre-release nor a yanked version is the latest while a final one is there."""
    history = known(listed("1.0"), listed("1.1"), listed("2.0rc1"), listed("3.0", yanked="broken"))

    history.rows(row(51, "remove release", "3.0"))
    history.rows(row(52, "remove release", "1.1"))

    assert [(told.was_latest, told.latest_remaining) for told in history.told] == [(False, "1.1"), (True, "1.0")]
    assert history.told[0].was_yanked is True
    assert history.told[0].yanked_reason == "broken"


def test_the_name_lives_again_with_create() -> None:
    """A `create` after the removal begins another life; the files of the first stay what they were."""
    history = known(listed("1.0"))
    history.rows(row(62, "remove project"))

    history.rows(row(65, "create"), row(66, "add Owner mallory"), row(67, "new release", "1.0.1"))

    assert history.kinds() == ["project.deleted", "project.reregistered"]
    assert history.told[-1].serial == 65
    project = history.memory.project
    assert (project.incarnation, project.opened_serial, project.closed_serial) == (2, 65, None)
    assert history.states() == {"demo-1.0-py3-none-any.whl": "kept"}


def test_a_create_of_a_living_name_is_nothing_new() -> None:
    """The first registration is no re-registration."""
    history = known(listed("1.0"))

    history.rows(row(51, "create"))

    assert history.told == []
    assert history.memory.project.incarnation == 1


def test_rows_of_an_earlier_life_do_not_touch_the_present_one() -> None:
    """Rows that are read again change nothing, even when the name has had another life since."""
    history = known(listed("1.0"))
    old = (row(51, "remove release", "1.0"), row(62, "remove project"), row(65, "create"))
    history.rows(*old)
    history.page(page(67, listed("1.0", build="1")))
    before, told = history.memory, len(history.told)

    history.rows(*old)

    assert history.memory == before
    assert len(history.told) == told


def test_batches_do_not_matter() -> None:
    """Rows applied one by one leave the same facts and tellings as rows applied at once."""
    rows = [
        row(51, "yank release", "1.0"),
        row(52, "remove file demo-1.0.tar.gz", "1.0"),
        row(53, "project quarantined"),
        row(54, "project quarantine cleared"),
        row(55, "remove project"),
        row(56, "create"),
    ]
    at_once, one_by_one = (known(listed("1.0"), listed("1.0", kind="sdist")) for _ in range(2))

    at_once.rows(*rows)
    for one in rows:
        one_by_one.rows(one)

    assert at_once.memory == one_by_one.memory
    assert at_once.told == one_by_one.told


def test_a_deletion_tells_the_life_it_ended() -> None:
    """Also where the next life has begun before anyone looked, and where no file was there to tell it."""
    history = known()

    history.rows(row(62, "remove project"), row(65, "create"))

    assert [told.incarnation for told in history.told] == [1, None]
    assert history.memory.project.incarnation == 2
