"""A removed version's new files are strangers: whether page or row came first, and also at first sight."""

from tests.mirror.changes.histories import History, changed, known, listed, page, row

WHEEL = "demo-1.0-py3-none-any.whl"
REBUILT = "demo-1.0-1-py3-none-any.whl"


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
    history.memory = changed(history.memory, REBUILT, released_by=3)

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
