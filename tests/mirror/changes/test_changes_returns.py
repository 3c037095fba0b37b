"""What was removed and returns: a name in another life, the same file restored or held, other bytes told and held."""

from dataclasses import replace

import pytest

from mirror.events import Evidence
from mirror.model import ProjectStatus
from tests.mirror.changes.histories import NOW, changed, known, listed, page, row

WHEEL = "demo-1.0-py3-none-any.whl"
REBUILT = "demo-1.0-1-py3-none-any.whl"


# Projects that are removed and registered again.


def test_a_removed_projects_lingering_page_is_refused() -> None:
    """Removing a user's projects purges no cache: the old page stays for a day."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(62, "remove project"))

    step = history.page(page(61, listed("1.0")))

    assert step.stale
    assert history.states() == {WHEEL: "kept"}
    assert history.kinds() == ["project.deleted"]


def test_a_page_after_the_removal_begins_another_life_unannounced() -> None:
    """A name can be handed on without a `create`."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(62, "remove project"))

    history.page(page(67, listed("2.0")))

    assert history.kinds() == ["project.deleted", "project.reregistered"]
    assert (history.told[-1].evidence, history.told[-1].serial) == (Evidence.INDEX, None)
    assert history.states() == {WHEEL: "kept", "demo-2.0-py3-none-any.whl": "held stranger"}
    assert history.memory.project.incarnation == 2


def test_a_create_row_after_the_page_adds_nothing_to_tell() -> None:
    """The name's new life was told when its page was seen."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(62, "remove project"))
    history.page(page(67, listed("2.0")))

    history.rows(row(65, "create"), row(66, "new release", "2.0"))

    assert history.kinds() == ["project.deleted", "project.reregistered"]
    assert history.memory.project.incarnation == 2


def test_another_life_seen_first_by_its_page_is_separated_when_the_rows_come() -> None:
    """The old files depart with the old life; what the page lists belongs to the new one and is held."""
    history = known(listed("1.0"), listed("1.1"), serial=50)

    history.page(page(67, listed("2.0")))
    history.rows(row(62, "remove project"), row(65, "create"), row(66, "new release", "2.0"))

    assert history.kinds() == ["project.deleted", "project.reregistered"]
    deleted = history.told[0]
    assert {filename for _, filename, _ in deleted.files} == {WHEEL, "demo-1.1-py3-none-any.whl"}
    assert (deleted.remaining_releases, deleted.latest_remaining, deleted.was_latest) == (0, None, True)
    assert history.states() == {
        WHEEL: "kept",
        "demo-1.1-py3-none-any.whl": "kept",
        "demo-2.0-py3-none-any.whl": "held stranger",
    }
    assert {file.filename: file.incarnation for file in history.memory.files}["demo-2.0-py3-none-any.whl"] == 2
    assert history.memory.project.versions == ("2.0",)


def test_another_life_shown_as_archived_by_a_page_seen_first_is_told_as_archived_once() -> None:
    """The page's status is about the life it shows."""
    history = known(listed("1.0"), serial=50)
    history.page(page(67, listed("2.0"), status=ProjectStatus.ARCHIVED))

    history.rows(row(62, "remove project"), row(65, "create"))
    history.page(page(67, listed("2.0"), status=ProjectStatus.ARCHIVED))

    assert history.kinds() == ["project.status_changed", "project.deleted", "project.reregistered"]


def test_every_file_of_a_name_registered_again_is_held() -> None:
    """Also new versions, also those of later pages."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(62, "remove project"), row(65, "create"))

    history.page(page(67, listed("1.0.1")))
    history.page(page(69, listed("1.0.1"), listed("3.0")))

    assert history.states() == {
        WHEEL: "kept",
        "demo-1.0.1-py3-none-any.whl": "held stranger",
        "demo-3.0-py3-none-any.whl": "held stranger",
    }


# Files that come back.


def test_the_same_file_that_comes_back_is_restored() -> None:
    """Same filename, same digest: it is live again and that is told."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(54, "remove release", "1.0"))

    history.page(page(56, listed("1.0")))

    assert history.states() == {WHEEL: "live"}
    assert history.kinds() == ["release.deleted", "restored"]
    assert history.told[-1].filename == WHEEL
    assert history.file(WHEEL).departed is None


def test_the_same_file_is_restored_in_another_life_with_its_bytes() -> None:
    """The name was registered again and upstream put back what it had: no reason to hold it."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(62, "remove project"), row(65, "create"))

    history.page(page(67, listed("1.0"), listed("2.0")))

    back = history.file(WHEEL, incarnation=2)
    assert (back.state, back.stored_at) == ("live", history.file(WHEEL, incarnation=1).stored_at)
    assert history.states()["demo-2.0-py3-none-any.whl"] == "held stranger"
    assert history.kinds() == ["project.deleted", "project.reregistered", "restored"]


@pytest.mark.parametrize("across", [False, True], ids=["same life", "another life"])
def test_what_was_ever_quarantined_is_not_restored(across: bool) -> None:
    """Malware that was quarantined, removed and put back waits for a human."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(54, "release quarantined", "1.0"), row(55, "remove release", "1.0"))
    if across:
        history.rows(row(62, "remove project"), row(65, "create"))

    history.page(page(67, listed("1.0")))

    assert history.file(WHEEL, incarnation=2 if across else 1).state == "held"
    assert "restored" not in history.kinds()


@pytest.mark.parametrize("digest", [None, "somebody's"], ids=["unknown", "known now"])
def test_what_departed_before_anybody_knew_its_digest_is_not_restored(digest: str | None) -> None:
    """Its bytes were never here, and no page told their digest: what has its name now may be anything."""
    before = replace(listed("1.0"), sha256=None)
    history = known(before, serial=50)
    history.memory = changed(history.memory, WHEEL, stored_at=None)
    history.rows(row(55, "remove release", "1.0"))

    history.page(page(67, before if digest is None else listed("1.0", content=digest)))

    assert history.states() == {WHEEL: "held stranger"}
    assert "restored" not in history.kinds()


@pytest.mark.parametrize("mark", [{"blocked_by": 3}, {"purged_at": NOW}], ids=["blocked", "purged"])
@pytest.mark.parametrize("across", [False, True], ids=["same life", "another life"])
def test_what_an_operator_took_away_is_not_restored(mark: dict[str, object], across: bool) -> None:
    """Neither in the same life of the name nor in another."""
    history = known(listed("1.0"), serial=50)
    history.memory = changed(history.memory, WHEEL, **mark)
    history.rows(row(55, "remove release", "1.0"))
    if across:
        history.rows(row(62, "remove project"), row(65, "create"))

    history.page(page(67, listed("1.0")))

    assert history.file(WHEEL, incarnation=2 if across else 1).state in ("held", "blocked", "purged")
    assert "restored" not in history.kinds()


def test_what_was_quarantined_is_held_though_the_page_of_its_return_came_first() -> None:
    """The page of the new life was seen before the rows that ended the old one."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(54, "project quarantined"), row(55, "project quarantine cleared"))
    history.page(page(67, listed("1.0")))

    history.rows(row(62, "remove project"), row(65, "create"))

    assert history.states() == {WHEEL: "held stranger"}


def test_a_stranger_that_comes_back_in_another_life_is_still_a_stranger() -> None:
    """Its return is told, but it was never trusted."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(54, "remove release", "1.0"))
    history.page(page(56, listed("1.0", build="1")))
    history.rows(row(62, "remove project"), row(65, "create"))

    history.page(page(67, listed("1.0", build="1")))

    assert history.file(REBUILT, incarnation=2).state == "held"
    assert history.kinds()[-1] == "restored"


def test_a_stranger_stays_one_when_the_rows_of_another_life_come_late() -> None:
    """It was first seen before the project was removed, and the next life's page was seen before that row."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(54, "remove release", "1.0"))
    history.page(page(56, listed("1.0", build="1")))
    history.page(page(67, listed("1.0", build="1")))

    history.rows(row(62, "remove project"), row(65, "create"))

    assert history.file(REBUILT).state == "held"


@pytest.mark.parametrize("departed", [False, True], ids=["while listed", "after its removal"])
def test_other_bytes_under_the_same_filename_are_a_replacement(departed: bool) -> None:
    """The first keeps the name; the other is told and held."""
    history = known(listed("1.0"), serial=50)
    if departed:
        history.rows(row(54, "remove file demo-1.0-py3-none-any.whl", "1.0"))

    history.page(page(56, listed("1.0", content="other")))

    first, other = history.memory.files
    assert (first.replaced, other.replaced) == (False, True)
    assert history.kinds()[-1] == "file.replaced"
    assert history.states()[WHEEL] == ("kept" if departed else "live")


def test_a_replacement_in_another_life_is_told_as_one() -> None:
    """The newcomer uses an old filename for other bytes."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(62, "remove project"), row(65, "create"))

    history.page(page(67, listed("1.0", content="other")))

    assert history.file(WHEEL, incarnation=2).cause == "replaced"
    assert history.file(WHEEL, incarnation=1).state == "kept"
    assert history.kinds()[-1] == "file.replaced"


def test_a_replacement_is_told_once() -> None:
    """The next page lists it again and adds nothing."""
    history = known(listed("1.0"), serial=50)

    history.page(page(56, listed("1.0", content="other")))
    history.page(page(57, listed("1.0", content="other")))

    assert history.kinds() == ["file.replaced"]
    assert len(history.memory.files) == 2
