"""Names that are registered again: who is a newcomer, whom the name belongs to, and from when on a cooldown runs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mirror.model import Life
from tests.mirror.changes.histories import ALICES, NOW, History, alices, listed, page, row, taken

OLD = "demo-1.0-py3-none-any.whl"
NEW = "demo-2.0-py3-none-any.whl"


# Whose name it is.


def test_a_name_that_its_owner_registers_again_cools_down() -> None:
    """Its first new file says when; until then all new files wait, afterwards none does."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    during = history.file(NEW)
    history.after(hours=71)
    history.page(page(66, listed("2.0", uploaded=NOW), listed("2.1", uploaded=history.now)))

    before_the_end = history.states()
    history.after(hours=1)

    assert (during.state, during.cause, during.state_until) == ("held", "stranger", NOW + timedelta(hours=72))
    assert before_the_end == {OLD: "kept", NEW: "held stranger", "demo-2.1-py3-none-any.whl": "held stranger"}
    assert history.states() == {OLD: "kept", NEW: "live", "demo-2.1-py3-none-any.whl": "live"}


def test_a_name_that_others_take_waits_for_an_operator() -> None:
    """The old files go on being kept; no time makes the new ones trusted."""
    history = alices()
    taken(history, 60, "mallory")
    history.page(page(65, listed("2.0", uploaded=NOW)))

    history.after(days=4_000)

    assert history.states() == {OLD: "kept", NEW: "held stranger"}
    assert history.file(NEW).state_until is None


def test_who_takes_a_name_twice_is_still_not_its_owner() -> None:
    """Removing it and creating it again makes nobody the same owner but those who had it before it was taken."""
    history = alices()
    taken(history, 60, "mallory")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    taken(history, 70, "mallory")
    history.page(page(75, listed("3.0", uploaded=NOW)))
    history.store()

    history.after(days=100)
    taken_twice = history.states()
    taken(history, 80, "alice")
    history.page(page(85, listed("4.0", uploaded=history.now)))
    history.after(hours=72)

    third = "demo-3.0-py3-none-any.whl"
    assert taken_twice == {OLD: "kept", NEW: "held stranger", third: "held stranger"}
    assert history.states() == taken_twice | {"demo-4.0-py3-none-any.whl": "live"}
    assert history.memory.project.former_owners == ("alice",)


def test_an_owner_who_returns_later_begins_the_cooldown() -> None:
    """The name was taken for a month: who is back in it needs time to see, and to delete, what others put up."""
    history = alices()
    taken(history, 60, "mallory")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    history.after(days=30)

    history.rows(row(70, "accepted Owner alice", at=history.now))
    at_once = history.states()
    history.after(hours=72)

    assert at_once == {OLD: "kept", NEW: "held stranger"}
    assert history.states() == {OLD: "kept", NEW: "live"}


@pytest.mark.parametrize("owner_is_back_first", [True, False])
def test_what_is_deleted_in_the_course_of_handing_a_name_back_stays_held(owner_is_back_first: bool) -> None:
    """It was never trusted, and an owner's return does not make it so."""
    history = alices()
    taken(history, 60, "mallory")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    history.store()
    history.after(days=30)
    back = row(70 if owner_is_back_first else 72, "accepted Owner alice", at=history.now)
    gone = row(71, "remove release", "2.0", at=history.now)

    history.rows(*sorted((back, gone), key=lambda row: row.serial))
    history.after(days=30)

    assert history.states() == {OLD: "kept", NEW: "held stranger"}


def test_an_owner_who_hands_the_project_on_takes_no_trust_away() -> None:
    """As in a transfer to an organization: it was the same owner who registered the name again."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    history.after(hours=72)

    history.rows(row(70, "add Owner the-team"), row(71, "remove Owner alice"))

    assert history.states()[NEW] == "live"
    assert history.memory.project.owners == ()


# What this mirror knew.


def test_a_name_known_only_in_its_second_life_cools_down_whoever_has_it() -> None:
    """Nothing was ever given out of its first life here, so nothing can be mistaken for it."""
    history = History()
    history.rows(*ALICES)
    taken(history, 60, "mallory")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    during = history.states()

    history.after(hours=72)

    assert (during, history.states()) == ({NEW: "held stranger"}, {NEW: "live"})


def test_a_name_registered_again_years_ago_is_trusted_at_first_sight() -> None:
    """Its upload times say that it has cooled down; only a version of its first life is a stranger."""
    years_ago = NOW - timedelta(days=900)
    history = History()
    history.rows(
        row(30, "new release", "1.0", at=years_ago),
        row(31, "remove project", at=years_ago),
        row(32, "create", at=years_ago),
    )

    history.page(page(65, listed("1.0"), listed("2.0")))

    assert history.states() == {OLD: "held stranger", NEW: "live"}


def test_a_name_that_lies_empty_cools_down_from_its_first_file_on() -> None:
    """Not from its registration."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(62))
    history.after(days=7)
    history.page(page(65, listed("2.0", uploaded=history.now)))

    assert history.file(NEW).state_until == history.now + timedelta(hours=72)


@pytest.mark.parametrize("uploaded", [NOW - timedelta(days=400), NOW + timedelta(days=400), None])
def test_an_upload_time_outside_of_the_life_is_not_believed(uploaded: None) -> None:
    """A file from before the name was free, or from the future, or of unknown age: first sight counts."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(65, listed("2.0", uploaded=uploaded)))

    assert history.file(NEW).state_until == NOW + timedelta(hours=72)


# What came of it.


def test_what_is_removed_during_its_cooldown_stays_held() -> None:
    """It was never trusted, and being gone does not make it so; what had cooled down is kept."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(65, listed("2.0", uploaded=NOW), listed("2.1", uploaded=NOW)))
    history.store()
    history.rows(row(66, "remove release", "2.0"))
    history.after(hours=80)

    history.rows(row(67, "remove release", "2.1", at=history.now))

    assert history.states() == {OLD: "kept", NEW: "held stranger", "demo-2.1-py3-none-any.whl": "kept"}


def test_trusted_files_stay_kept_when_others_take_the_name_afterwards() -> None:
    """Each life is judged by what is known of that life."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    history.store()
    history.after(hours=80)
    history.rows(row(70, "remove project", at=history.now), row(71, "create"), row(72, "add Owner mallory"))

    history.page(page(75, listed("3.0", uploaded=history.now)))

    assert history.states() == {OLD: "kept", NEW: "kept", "demo-3.0-py3-none-any.whl": "held stranger"}


def test_a_newcomer_that_comes_back_in_another_life_is_what_it_was_in_its_own() -> None:
    """Mallory's file, put back while alice has the name, does not become hers."""
    history = alices()
    taken(history, 60, "mallory")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    taken(history, 70, "alice")

    history.page(page(75, listed("2.0", uploaded=NOW), listed("3.0", uploaded=NOW)))
    history.after(hours=80)

    assert history.file(NEW, incarnation=3).state == "held"
    assert history.states()["demo-3.0-py3-none-any.whl"] == "live"
    assert history.kinds()[-1] == "restored"


def test_a_version_of_the_first_life_is_a_stranger_in_the_second() -> None:
    """Whoever has the name now and however long: other bytes under that version wait for a human."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(65, listed("1.0", build="1", uploaded=NOW), listed("2.0", uploaded=NOW)))

    history.after(days=100)

    assert history.states() == {OLD: "kept", "demo-1.0-1-py3-none-any.whl": "held stranger", NEW: "live"}


def test_a_version_of_the_first_life_stays_closed_though_its_old_files_came_back() -> None:
    """What is first seen beside them came after the whole version had gone."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(65, listed("1.0")))

    history.page(page(66, listed("1.0"), listed("1.0", build="1", uploaded=NOW)))
    history.after(days=100)

    assert history.states() == {OLD: "live", "demo-1.0-1-py3-none-any.whl": "held stranger"}


def test_another_life_seen_first_by_its_page_is_the_same_when_the_rows_come() -> None:
    """Newcomers and strangers, owners and cooldown, as if the rows had come first."""
    shown = page(65, listed("1.0", build="1", uploaded=NOW), listed("2.0", uploaded=NOW))
    early, late = alices(), alices()
    taken(early, 60, "alice")
    early.page(shown)

    late.page(shown)
    taken(late, 60, "alice")

    assert late.states() == early.states()
    assert late.memory.project.lives == early.memory.project.lives
    assert {f.filename: f.newcomer_in for f in late.memory.files} == {
        OLD: None,
        "demo-1.0-1-py3-none-any.whl": 2,
        NEW: 2,
    }


def test_lives_without_a_trace_are_forgotten() -> None:
    """A name can be registered and removed as often as somebody likes."""
    history = alices()
    for serial in range(60, 160, 10):
        taken(history, serial, "mallory")
    history.page(page(165, listed("2.0", uploaded=NOW)))

    assert history.memory.project.lives == (Life(11, NOW, NOW, earlier_known=True),)


def test_an_operators_release_ends_the_wait() -> None:
    """What others uploaded under the name was looked at, and is good."""
    history = alices()
    taken(history, 60, "mallory")
    history.page(page(65, listed("2.0", uploaded=NOW)))

    released = tuple(replace(file, released_by=3) for file in history.memory.files)
    history.memory = replace(history.memory, files=released)

    assert history.states()[NEW] == "live"
