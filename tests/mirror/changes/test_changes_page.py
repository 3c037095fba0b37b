"""Pages, before and after the rows that explain them: which are refused, what they note, whom they hold."""

from dataclasses import replace

import pytest

from mirror.events import EventKind, Evidence
from mirror.model import HashSource, ListedFile, Memory, ProjectStatus, Serial
from tests.mirror.changes.histories import NOW, History, known, listed, page, row

WHEEL = "demo-1.0-py3-none-any.whl"
REBUILT = "demo-1.0-1-py3-none-any.whl"


def _changed(memory: Memory, filename: str, **facts: object) -> Memory:
    files = (replace(f, **facts) if f.filename == filename else f for f in memory.files)  # type: ignore[arg-type] # facts of any type
    return replace(memory, files=tuple(files))


def test_a_new_file_of_a_new_version_is_live() -> None:
    """Most pages bring nothing but new releases, and nothing is told of them."""
    history = known(listed("1.0"))

    history.page(page(52, listed("1.0"), listed("1.1")))

    assert set(history.states().values()) == {"live"}
    assert history.told == []


def test_a_new_file_of_a_listed_version_is_live() -> None:
    """A second wheel joins its siblings."""
    history = known(listed("1.0"))

    history.page(page(52, listed("1.0"), listed("1.0", build="1")))

    assert set(history.states().values()) == {"live"}


def test_a_page_older_than_one_believed_before_is_refused() -> None:
    """It changes nothing and says that it was stale."""
    history = known(listed("1.0"), serial=50)
    before = history.memory

    step = history.page(page(49, listed("0.9")))

    assert step.stale
    assert history.memory == before
    assert history.told == []


def test_a_page_of_the_same_serial_is_believed() -> None:
    """Archiving a project moves no serial."""
    history = known(listed("1.0"), serial=50)

    step = history.page(page(50, listed("1.0"), status=ProjectStatus.ARCHIVED))

    assert not step.stale
    assert history.memory.project.status is ProjectStatus.ARCHIVED


def test_a_page_between_the_known_and_the_wanted_serial_is_believed_but_not_enough() -> None:
    """What it brings counts; the newer page is still wanted, as patiently as before."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(51, "new release", "1.1"), row(60, "new release", "1.2"))
    history.memory = replace(history.memory, project=replace(history.memory.project, attempts=3))

    history.page(page(55, listed("1.0"), listed("1.1")))

    project = history.memory.project
    assert (project.page_serial, project.wanted_serial, project.refresh_at, project.attempts) == (55, 60, NOW, 3)
    assert set(history.states()) == {WHEEL, "demo-1.1-py3-none-any.whl"}


def test_the_wanted_page_ends_the_wanting() -> None:
    """Nothing is asked for any more."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(51, "new release", "1.1"))

    history.page(page(51, listed("1.0"), listed("1.1")))

    project = history.memory.project
    assert (project.wanted_serial, project.refresh_at, project.attempts) == (None, None, 0)


def test_a_page_from_before_a_removal_does_not_bring_the_file_back() -> None:
    """The cached page still lists it; the row is the newer news."""
    history = known(listed("1.0"), listed("1.1"), serial=50)
    history.rows(row(54, "remove release", "1.0"))

    history.page(page(53, listed("1.0"), listed("1.1")))

    assert history.states() == {WHEEL: "kept", "demo-1.1-py3-none-any.whl": "live"}
    assert history.kinds() == ["release.deleted"]


def test_a_file_first_seen_on_a_page_from_before_its_removal_departs_at_once() -> None:
    """The row came before the file was ever seen; it was told then, and is applied now."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(52, "new release", "1.1"), row(54, "remove release", "1.1"))

    history.page(page(52, listed("1.0"), listed("1.1")))

    assert history.states()["demo-1.1-py3-none-any.whl"] == "held rescue"
    assert history.kinds() == ["release.deleted"]


def test_a_page_without_a_serial_cannot_overrule_a_row() -> None:
    """Nobody knows how old it is."""
    history = known(listed("1.0"), listed("1.1"))
    history.rows(row(54, "remove release", "1.0"))

    history.page(page(None, listed("1.0"), listed("1.1"), listed("1.2")))

    assert history.states() == {
        WHEEL: "kept",
        "demo-1.1-py3-none-any.whl": "live",
        "demo-1.2-py3-none-any.whl": "live",
    }
    assert history.kinds() == ["release.deleted"]


def test_an_index_without_serials_is_believed_page_by_page() -> None:
    """Without a journal pages are all there is."""
    history = History()
    history.page(page(None, listed("1.0")))

    history.page(page(None, listed("1.1")))

    assert set(history.states().values()) == {"live"}
    assert history.file(WHEEL).missing_since == NOW


def test_a_file_gone_from_the_page_is_noted_and_nothing_else() -> None:
    """A page never says why: the file stays what it was until a row explains it."""
    history = known(listed("1.0"), listed("1.1"))

    history.page(page(52, listed("1.1")))
    history.now += (later := NOW - NOW.replace(hour=11))
    history.page(page(52, listed("1.1")))

    file = history.file(WHEEL)
    assert (file.state, file.departed) == ("live", None)
    assert (file.missing_since, file.missing_seen) == (NOW, NOW + later)
    assert history.told == []


def test_a_missing_file_that_is_back_was_never_gone() -> None:
    """A shrunken page that mends itself leaves no trace."""
    history = known(listed("1.0"), listed("1.1"))

    history.page(page(52))
    history.page(page(52, listed("1.0"), listed("1.1")))

    assert [file.missing_since for file in history.memory.files] == [None, None]
    assert set(history.states().values()) == {"live"}
    assert history.told == []


def test_an_absent_page_is_noted_and_nothing_else() -> None:
    """A 404 is no deletion."""
    history = known(listed("1.0"))

    history.absence()

    assert history.file(WHEEL).missing_since == NOW
    assert history.states() == {WHEEL: "live"}
    assert history.memory.project.closed_serial is None
    assert history.told == []


def test_a_removal_that_the_page_showed_first_has_two_witnesses() -> None:
    """The page lacked the files before the row came."""
    history = known(listed("1.0"), listed("1.1"))
    history.page(page(54, listed("1.1")))

    history.rows(row(54, "remove release", "1.0"))

    (told,) = history.told
    assert (told.kind, told.evidence, len(told.files)) == (EventKind.RELEASE_DELETED, Evidence.BOTH, 1)
    assert history.states()[WHEEL] == "kept"
    assert history.file(WHEEL).missing_since is None


def test_a_row_does_not_take_what_a_newer_page_lists() -> None:
    """The row is older news than the file."""
    history = known(listed("1.0"), serial=60)

    history.rows(row(54, "remove file demo-1.0-py3-none-any.whl", "1.0"))

    assert history.states() == {WHEEL: "live"}
    assert history.kinds() == ["file.deleted"]
    assert history.told[0].files == ()


# A version that is deleted and comes back with a build tag.


def test_a_rebuilt_file_is_a_stranger_when_the_rows_come_first() -> None:
    """The whole version had departed: the newcomer is held, the old one goes on working."""
    history = known(listed("1.0"), serial=50)
    history.rows(
        row(54, "remove release", "1.0"),
        row(55, "new release", "1.0"),
        row(56, "add py3 file demo-1.0-1-py3-none-any.whl", "1.0"),
    )

    history.page(page(56, listed("1.0", build="1")))

    assert history.states() == {WHEEL: "kept", REBUILT: "held stranger"}
    assert history.kinds() == ["release.deleted"]


def test_a_rebuilt_file_is_a_stranger_when_the_page_comes_first() -> None:
    """It is held from the first moment on, and after the rows the old one is kept."""
    history = known(listed("1.0"), serial=50)

    history.page(page(56, listed("1.0", build="1")))
    before = history.states()
    history.rows(
        row(54, "remove release", "1.0"),
        row(55, "new release", "1.0"),
        row(56, "add py3 file demo-1.0-1-py3-none-any.whl", "1.0"),
    )

    assert before == {WHEEL: "live", REBUILT: "held stranger"}
    assert history.states() == {WHEEL: "kept", REBUILT: "held stranger"}
    (told,) = history.told
    assert [filename for _, filename, _ in told.files] == [WHEEL]


def test_an_equal_version_is_the_same_version() -> None:
    """4.60.5 was deleted and 4.60.5.0 uploaded: a pin of the first would take the second."""
    history = known(listed("4.60.5"), serial=50)
    history.rows(row(54, "remove release", "4.60.5"))

    history.page(page(56, listed("4.60.5.0")))

    assert history.states()["demo-4.60.5.0-py3-none-any.whl"] == "held stranger"


def test_a_rebuilt_file_is_a_stranger_though_its_version_was_never_seen() -> None:
    """The project was known, the removed release was not: the row says enough."""
    history = known(listed("0.9"), serial=50)
    history.rows(row(53, "new release", "1.0"), row(54, "remove release", "1.0"), row(55, "new release", "1.0"))

    history.page(page(56, listed("0.9"), listed("1.0", build="1")))

    assert history.states() == {"demo-0.9-py3-none-any.whl": "live", REBUILT: "held stranger"}


def test_a_rebuilt_file_of_a_release_never_seen_is_a_stranger_when_the_row_comes_late() -> None:
    """It looked like any new release until the row said that its version had been removed before."""
    history = known(listed("0.9"), serial=50)

    history.page(page(56, listed("0.9"), listed("1.0", build="1")))
    before = history.states()[REBUILT]
    history.rows(row(54, "remove release", "1.0"))

    assert before == "live"
    assert history.states()[REBUILT] == "held stranger"
    assert history.told[0].files == ()


def test_a_late_row_does_not_take_a_file_that_is_missing_but_younger() -> None:
    """A 404 in between does not make the rebuilt file the one that was removed."""
    history = known(listed("1.0"), serial=50)
    history.page(page(56, listed("1.0", build="1")))
    history.absence()

    history.rows(row(54, "remove release", "1.0"))
    history.page(page(56, listed("1.0", build="1")))

    assert history.states() == {WHEEL: "kept", REBUILT: "held stranger"}
    assert history.kinds() == ["release.deleted"]


def test_a_further_file_of_a_version_that_came_back_is_a_stranger_too() -> None:
    """It joins another stranger, not the files that were there before."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(54, "remove release", "1.0"))
    history.page(page(56, listed("1.0", build="1")))

    history.page(page(58, listed("1.0", build="1"), listed("1.0", build="2")))

    assert history.states()["demo-1.0-2-py3-none-any.whl"] == "held stranger"


def test_a_further_file_joins_strangers_before_any_row_has_come() -> None:
    """Only pages were seen: the first that brought the version back, and now another."""
    history = known(listed("1.0"), serial=50)
    history.page(page(56, listed("1.0", build="1")))

    history.page(page(58, listed("1.0", build="1"), listed("1.0", build="2")))

    assert history.states() == {WHEEL: "live", REBUILT: "held stranger", "demo-1.0-2-py3-none-any.whl": "held stranger"}


def test_a_file_that_joins_a_released_stranger_is_live() -> None:
    """An operator has said that this is the version now."""
    history = known(listed("1.0"), serial=50)
    history.page(page(56, listed("1.0", build="1")))
    history.memory = _changed(history.memory, REBUILT, released_by=3)

    history.page(page(58, listed("1.0", build="1"), listed("1.0", build="2")))

    assert history.states()["demo-1.0-2-py3-none-any.whl"] == "live"


def test_a_file_of_a_version_whose_files_were_all_removed_is_a_stranger() -> None:
    """File by file or at once: what was known of the version is gone."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(54, "remove file demo-1.0-py3-none-any.whl", "1.0"))

    history.page(page(56, listed("1.0", build="1")))

    assert history.states()[REBUILT] == "held stranger"


# First sight.


def test_rows_before_first_sight_make_strangers() -> None:
    """The version was removed before anyone here had asked for it."""
    history = History()
    history.rows(row(54, "remove release", "1.0"))

    history.page(page(56, listed("1.0", build="1"), listed("1.1")))

    assert history.states() == {REBUILT: "held stranger", "demo-1.1-py3-none-any.whl": "live"}
    assert history.kinds() == ["release.deleted"]


def test_rows_newer_than_the_first_page_are_applied_to_it() -> None:
    """The first page came from a cache; the removal was told before and counts now."""
    history = History()
    history.rows(row(51, "yank release", "1.1"), row(54, "remove release", "1.0"), row(55, "new release", "1.2"))

    history.page(page(50, listed("1.0"), listed("1.1")))
    history.store()

    assert history.states() == {WHEEL: "kept", "demo-1.1-py3-none-any.whl": "yanked"}
    assert history.kinds() == ["release.yanked", "release.deleted"]
    assert history.memory.project.wanted_serial == 55


def test_a_first_page_from_before_the_projects_removal_shows_what_is_gone() -> None:
    """The page lingers in a cache after `remove project`: everything on it has departed."""
    history = History()
    history.rows(row(54, "remove project"))

    history.page(page(50, listed("1.0")))

    assert history.states() == {WHEEL: "held rescue"}
    assert history.memory.project.closed_serial == 54


def test_a_name_seen_first_in_its_second_life_holds_what_was_in_its_first() -> None:
    """It was registered anew before anyone here had asked for it; which life it is in is remembered."""
    history = History()
    history.rows(row(54, "remove project"), row(57, "create"), row(58, "new release", "1.0"))

    history.page(page(60, listed("1.0")))

    assert history.states() == {WHEEL: "held stranger"}
    assert (history.memory.project.incarnation, history.memory.project.opened_serial) == (2, 57)


def test_a_name_whose_removal_is_read_after_first_sight_is_in_its_second_life() -> None:
    """The first page was newer than the row: nothing known departed, and what is listed is a newcomer's."""
    history = History()
    history.page(page(60, listed("1.0")))

    history.rows(row(54, "remove project"), row(57, "create"))

    assert history.kinds() == ["project.deleted", "project.reregistered"]
    assert history.told[0].files == ()
    assert (history.told[0].remaining_releases, history.told[0].incarnation) == (0, 1)
    assert history.states() == {WHEEL: "held stranger"}
    assert history.memory.project.incarnation == 2


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


@pytest.mark.parametrize("mark", [{"blocked_by": 3}, {"purged_at": NOW}], ids=["blocked", "purged"])
@pytest.mark.parametrize("across", [False, True], ids=["same life", "another life"])
def test_what_an_operator_took_away_is_not_restored(mark: dict[str, object], across: bool) -> None:
    """Neither in the same life of the name nor in another."""
    history = known(listed("1.0"), serial=50)
    history.memory = _changed(history.memory, WHEEL, **mark)
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


# What else a page says.


def test_archiving_is_told_once() -> None:
    """The journal does not know of it: the page's status alone does."""
    history = known(listed("1.0"), serial=50)

    for _ in range(2):
        history.page(page(50, listed("1.0"), status=ProjectStatus.ARCHIVED))
    history.page(page(50, listed("1.0")))

    assert history.kinds() == ["project.status_changed", "project.status_changed"]
    assert [told.status for told in history.told] == ["archived", "active"]


def test_a_project_first_seen_as_archived_has_not_changed() -> None:
    """Only a change is told."""
    history = History()

    history.page(page(50, listed("1.0"), status=ProjectStatus.ARCHIVED))

    assert history.told == []
    assert history.memory.project.status is ProjectStatus.ARCHIVED


def test_the_upload_time_stays_as_first_heard() -> None:
    """An index that moves it could make young files old."""
    history = known(listed("1.0", uploaded=NOW))

    history.page(page(56, listed("1.0")))

    assert history.file(WHEEL).listed_file.upload_time == NOW


def _bare(version: str) -> ListedFile:
    return replace(listed(version), sha256=None, size=None, core_metadata=True)


def test_what_we_found_out_ourselves_survives_a_page_that_does_not_say_it() -> None:
    """Digest, size and metadata digest of an index that publishes none."""
    history = known(_bare("1.0"))
    learned = replace(_bare("1.0"), sha256=listed("1.0").sha256, size=7, core_metadata=listed("2.0").sha256 or True)
    history.memory = _changed(history.memory, WHEEL, listed_file=learned, hash_source=HashSource.SELF)

    history.page(page(56, _bare("1.0")))

    assert history.file(WHEEL).listed_file == learned


def test_a_digest_that_upstream_says_later_is_no_replacement() -> None:
    """The file was never fetched: nothing contradicts what is now said of it."""
    history = known(_bare("1.0"))

    history.page(page(56, listed("1.0")))

    assert len(history.memory.files) == 1
    assert history.file(WHEEL).sha256 == listed("1.0").sha256
    assert history.told == []


def test_a_page_moves_the_serial_forward_only() -> None:
    """Also where a row had moved it."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(62, "remove project"), row(65, "create"))

    step = history.page(page(64, listed("2.0")))

    assert step.stale
    assert history.memory.project.page_serial == Serial(65)
