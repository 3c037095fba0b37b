"""Who owns a name, as far as the journal's rows of roles tell."""

import pytest

from tests.mirror.changes.histories import ALICES, NOW, alices, known, listed, page, row, taken

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
    assert not life.same_owner


def test_an_account_that_is_called_like_a_former_team_proves_nothing() -> None:
    """Names of teams are no names of accounts: anybody may register one."""
    history = alices()
    history.rows(row(51, "add Owner core-team"))
    taken(history, 60, "core-team")

    (life,) = history.memory.project.lives
    assert not life.same_owner
