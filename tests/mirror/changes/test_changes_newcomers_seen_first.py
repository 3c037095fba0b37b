"""Newcomers that a page shows before the rows are read which end one life of the name and begin the next."""

from datetime import timedelta

from tests.mirror.changes.histories import ALICES, NOW, History, alices, listed, page, row, taken

OLD = "demo-1.0-py3-none-any.whl"
NEW = "demo-2.0-py3-none-any.whl"


def test_a_version_that_only_rows_knew_is_had_by_the_life_before() -> None:
    """Another file of it is a stranger, whether the page comes before or after the rows."""
    shown = page(65, listed("1.1", build="1", uploaded=NOW), listed("2.0", uploaded=NOW))
    early, late = alices(), alices()
    for history in (early, late):
        history.rows(row(55, "new release", "1.1"), row(56, "add py3 file demo-1.1-py3-none-any.whl", "1.1"))

    taken(early, 60, "alice")
    early.page(shown)
    late.page(shown)
    taken(late, 60, "alice")
    for history in (early, late):
        history.after(days=30)

    assert late.states() == early.states()
    assert late.states()["demo-1.1-1-py3-none-any.whl"] == "held stranger"


def test_what_a_page_of_no_certain_age_showed_is_no_proof_for_the_life_before() -> None:
    """It was there after the name had been taken: that it is listed again restores nothing."""
    history = alices()
    history.now += timedelta(minutes=1)
    history.page(page(None, listed("2.0", uploaded=NOW)))
    taken(history, 60, "mallory")

    history.page(page(None, listed("2.0", uploaded=NOW)))

    assert history.states() == {OLD: "kept", NEW: "held stranger"}
    assert "restored" not in history.kinds()


def test_what_survives_from_a_page_of_no_certain_age_is_a_newcomer() -> None:
    """A page with a serial lists it still, and then the rows come."""
    history = alices()
    history.now += timedelta(minutes=1)
    history.page(page(None, listed("2.0", uploaded=NOW)))
    history.page(page(65, listed("2.0", uploaded=NOW)))

    taken(history, 60, "mallory")

    assert history.states() == {OLD: "kept", NEW: "held stranger"}


def test_at_first_sight_a_page_of_no_certain_age_shows_the_present_life() -> None:
    """Every row may be about what it shows; an old life ended long ago takes nothing away from it."""
    years_ago = NOW - timedelta(days=900)
    history = History()
    history.rows(*ALICES)
    history.rows(row(51, "remove project", at=years_ago), row(52, "create", at=years_ago))

    history.page(page(None, listed("2.0")))

    assert history.states() == {NEW: "live"}


def test_at_first_sight_a_page_of_no_certain_age_brings_newcomers() -> None:
    """They are held, and seeing them again changes nothing."""
    history = History()
    history.rows(*ALICES)
    taken(history, 60, "mallory")

    history.page(page(None, listed("2.0", uploaded=NOW)))
    first = history.states()
    history.page(page(None, listed("2.0", uploaded=NOW)))

    assert first == history.states() == {NEW: "held stranger"}


def test_restored_bytes_of_an_earlier_life_are_no_newcomers_in_a_third() -> None:
    """An administrator brings them back there, and a page shows them before the rows are read."""
    history = alices()
    taken(history, 60, "alice")
    history.page(page(65, listed("2.0", uploaded=NOW)))
    history.page(page(75, listed("1.0"), listed("3.0", uploaded=NOW)))

    taken(history, 70, "alice")
    history.after(days=30)

    assert history.states()[OLD] == "live"
    assert [file.newcomer_in for file in history.memory.files if file.filename == OLD] == [None, None]
