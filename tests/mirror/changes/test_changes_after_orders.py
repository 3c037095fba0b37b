"""What an operator's release, or a first departure, still means when more happens afterwards."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mirror.advisories import Advisory, read_advisory
from mirror.changes.advisories import by_advisories
from mirror.journal_rows import JournalRow
from mirror.model import DepartureCause, Memory, ProjectStatus
from mirror.states import judged
from tests.mirror.changes.histories import NOW, RULES, History, known, listed, page, row

ONE = "demo-1.0-py3-none-any.whl"
SETTLING = replace(RULES, min_project_age=timedelta(days=90), settle=timedelta(hours=24))


def _advisory() -> Advisory:
    return read_advisory(
        b'{"id":"MAL-2026-1","modified":"2026-08-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"demo"},'
        b'"versions":["1.0"]}]}'
    )


def _marked(history: History, **marks: object) -> None:
    files = tuple(replace(file, **marks) for file in history.memory.files)  # type: ignore[arg-type]  # facts by name
    history.memory = replace(history.memory, files=files)


def _state(memory: Memory) -> str:
    (file,) = judged(memory, rules=RULES, now=NOW + timedelta(days=1)).files
    return str(file.state)


def test_who_vouched_for_a_file_did_not_know_of_a_later_advisory() -> None:
    """It blocks all the same; a release given after it overrules it."""
    history = known(listed("1.0"))
    _marked(history, released_by=7, vouched_by=7)

    after = by_advisories(history.memory, [_advisory()]).memory
    released_again = replace(after, files=tuple(replace(file, released_by=8, vouched_by=8) for file in after.files))

    assert _state(after) == "blocked"
    assert _state(by_advisories(released_again, [_advisory()]).memory) == "live"


def test_nor_of_a_later_quarantine() -> None:
    """Of the project, by row or by page, or of the release."""
    for rows in ([row(60, "project quarantined")], [row(60, "release quarantined", "1.0")]):
        history = known(listed("1.0"))
        _marked(history, released_by=7, vouched_by=7)
        history.rows(*rows)
        assert _state(history.memory) == "blocked"
    history = known(listed("1.0"))
    _marked(history, released_by=7, vouched_by=7)
    history.page(page(60, status=ProjectStatus.QUARANTINED))
    assert _state(history.memory) == "blocked"


@pytest.mark.parametrize("quarantine", [row(60, "project quarantined"), row(60, "release quarantined", "1.0")])
def test_a_page_from_before_a_quarantine_does_not_end_a_vouch_given_after_it(quarantine: JournalRow) -> None:
    """The row is applied once more to what the page shows, but whoever vouched knew of it."""
    history = known(listed("1.0"))
    history.rows(quarantine)
    _marked(history, released_by=7, vouched_by=7)

    history.page(page(50, listed("1.0")))

    assert history.memory.files[0].vouched_by == 7
    assert _state(history.memory) == "live"


def test_a_released_stranger_is_none_when_it_leaves() -> None:
    """An operator knew it; from then on its departure is judged like any other."""
    history = known(listed("1.0"))
    _marked(history, stranger=True, released_by=7)

    history.rows(row(60, "remove release", "1.0"))

    (file,) = history.memory.files
    assert (file.stranger, file.released_by) == (False, None)


def test_one_that_was_not_released_stays_a_stranger() -> None:
    """Being gone makes nothing known."""
    history = known(listed("1.0"))
    _marked(history, stranger=True)

    history.rows(row(60, "remove release", "1.0"))

    assert history.memory.files[0].stranger


def test_what_left_before_its_young_project_settles_with_it() -> None:
    """Whoever removes malware may begin with the release: that must not let it through."""
    history = known(listed("1.0"), listed("1.1"))
    _marked(history, stored_at=NOW)
    history.rows(row(60, "remove release", "1.0"))
    before = judged(history.memory, rules=SETTLING, now=history.now)
    history.rows(row(61, "remove project"))

    first, second = history.memory.files
    assert first.departed is not None
    assert second.departed is not None
    assert (first.departed.serial, first.departed.cause) == (60, DepartureCause.RELEASE)
    assert first.departed.project_gone_at == second.departed.project_gone_at == second.departed.at
    young = replace(SETTLING, min_project_age=timedelta(days=36_500))
    states = [file.cause for file in judged(history.memory, rules=young, now=second.departed.at).files]
    assert [str(file.state) for file in before.files] == ["kept", "live"]
    assert states == ["settling", "settling"]


def test_other_bytes_under_a_name_do_not_make_the_first_go_missing() -> None:
    """The first keeps entry and address; the other waits for an operator."""
    history = known(listed("1.0"))
    for _ in range(3):
        history.page(page(60, listed("1.0", content="other")))
        history.after(hours=2)

    first, second = history.memory.files
    assert (first.listed, first.missing_since, second.replaced) == (True, None, True)
    assert history.states() == {ONE: "live"}
