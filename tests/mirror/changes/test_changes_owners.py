"""Who owns a name, as far as the journal's rows of roles tell."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.mirror.changes.histories import ALICES, NOW, History, alices, known, listed, page, row, taken

NEW = "demo-2.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("roles", "owners"),
    [
        (["add Owner Bob"], ("alice",)),
        (["accepted Owner Bob"], ("alice", "bob")),
        (["add Maintainer bob"], ("alice",)),
        (["add Maintainer bob", "change Maintainer bob to Owner"], ("alice",)),
        (["change Owner alice to Maintainer"], ()),
        (["remove Owner ALICE"], ()),
        (["remove Maintainer alice"], ("alice",)),
        (["invite Owner bob"], ("alice",)),
        (["invite Owner bob", "revoke_invite Owner bob"], ("alice",)),
        (["add Owner alice", "add Owner alice"], ("alice",)),
    ],
)
@pytest.mark.parametrize("known_before", [True, False], ids=["as they come", "at first sight"])
def test_who_registered_the_project_or_accepted_an_invitation_owns_it(
    roles: list[str], owners: tuple[str, ...], known_before: bool
) -> None:
    """Other names may be teams'. So it is whether the rows are read one by one or remembered at first sight."""
    rows = [row(51 + n, text) for n, text in enumerate(roles)]
    history = alices() if known_before else known(listed("1.0"), serial=60, journal=(*ALICES, *rows))
    if known_before:
        history.rows(*rows)

    assert history.memory.project.owners == owners


def test_rows_that_are_applied_again_change_no_owner() -> None:
    """A page older than rows has them applied once more."""
    history = alices()
    history.rows(row(51, "accepted Owner bob"), row(52, "remove Owner alice"), row(53, "accepted Owner alice"))
    before = history.memory.project.owners

    history.page(page(50, listed("1.0")))

    assert before == history.memory.project.owners == ("alice", "bob")


def test_an_owner_before_we_read_the_journal_is_not_known() -> None:
    """Nobody can say whether it is the same one."""
    history = known(listed("1.0"), serial=50)
    taken(history, 60, "alice")
    history.page(page(65, listed("2.0", uploaded=NOW)))

    history.after(days=100)

    assert history.states()[NEW] == "held stranger"


@pytest.mark.parametrize("known_before", [True, False], ids=["as they come", "at first sight"])
def test_a_team_that_is_called_like_the_owner_proves_nothing(known_before: bool) -> None:
    """Who takes a name can give it to an organization, and call a team there as they like."""
    taking = (
        row(60, "remove project"),
        row(61, "create"),
        row(62, "add Owner mallory"),
        row(63, "remove Owner mallory"),
        row(64, "add Owner alice"),
    )
    history = alices() if known_before else known(listed("1.0"), serial=70, journal=(*ALICES, *taking))
    if known_before:
        history.rows(*taking)

    assert history.memory.project.former_owners == ("alice",)
    (life,) = history.memory.project.lives
    assert life.same_owner_at is None


def test_an_account_that_is_called_like_a_former_team_proves_nothing() -> None:
    """Names of teams are no names of accounts: anybody may register one."""
    history = alices()
    history.rows(row(51, "add Owner core-team"))
    taken(history, 60, "core-team")

    (life,) = history.memory.project.lives
    assert life.same_owner_at is None


def test_a_team_in_a_project_of_an_organization_proves_nothing() -> None:
    """Organizations register without an owner: who is added later is not the one who registered."""
    history = alices()
    history.rows(row(60, "remove project"), row(61, "create"))
    history.now += timedelta(days=2)

    history.rows(row(90, "add Owner alice", at=history.now))
    history.page(page(95, listed("2.0", uploaded=history.now)))
    history.after(days=30)

    assert history.states()[NEW] == "held stranger"


def test_a_team_of_the_organization_that_had_the_name_first_is_no_user() -> None:
    """An account of the team's name comes to nothing."""
    history = History()
    history.rows(row(40, "create"), row(45, "add Owner core-team", at=NOW + timedelta(seconds=1)))
    history.page(page(50, listed("1.0")))
    taken(history, 60, "core-team")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    history.after(days=30)

    assert history.memory.project.former_owners == ()
    assert history.states()[NEW] == "held stranger"


def test_of_a_life_that_nothing_is_known_of_nobody_was_the_rightful_owner() -> None:
    """As when a process that knows no lives began it."""
    history = alices()
    taken(history, 60, "mallory")
    history.memory = replace(history.memory, project=replace(history.memory.project, lives=()))

    history.rows(row(70, "remove project"))

    assert history.memory.project.former_owners == ("alice",)
