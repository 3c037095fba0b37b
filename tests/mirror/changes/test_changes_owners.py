"""Who owns a name, as far as the journal's rows of roles tell."""

import pytest

from tests.mirror.changes.histories import ALICES, NOW, alices, known, listed, page, row, taken

NEW = "demo-2.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("roles", "owners"),
    [
        (["add Owner Bob"], ("alice", "bob")),
        (["accepted Owner bob"], ("alice", "bob")),
        (["add Maintainer bob"], ("alice",)),
        (["add Maintainer bob", "change Maintainer bob to Owner"], ("alice", "bob")),
        (["change Owner alice to Maintainer"], ()),
        (["remove Owner ALICE"], ()),
        (["remove Maintainer alice"], ("alice",)),
        (["invite Owner bob"], ("alice",)),
        (["invite Owner bob", "revoke_invite Owner bob"], ("alice",)),
        (["add Owner alice", "add Owner alice"], ("alice",)),
    ],
)
@pytest.mark.parametrize("known_before", [True, False], ids=["as they come", "at first sight"])
def test_only_roles_that_took_effect_make_owners(roles: list[str], owners: tuple[str, ...], known_before: bool) -> None:
    """Whether the rows are read one by one or are remembered when the project is first seen."""
    rows = [row(51 + n, text) for n, text in enumerate(roles)]
    history = alices() if known_before else known(listed("1.0"), serial=60, journal=(*ALICES, *rows))
    if known_before:
        history.rows(*rows)

    assert history.memory.project.owners == owners


def test_rows_that_are_applied_again_change_no_owner() -> None:
    """A page older than rows has them applied once more."""
    history = alices()
    history.rows(row(51, "add Owner bob"), row(52, "remove Owner alice"), row(53, "add Owner alice"))
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
