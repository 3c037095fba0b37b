"""What is gone from upstream: young projects that settle, absences without a row, advisories, delays, operators."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirror.model import Cause, Departure, DepartureCause, FileFacts, ListedFile, ProjectFacts, State
from mirror.names import ProjectName, Serial, Sha256
from mirror.setting_values import Reregistered, Unexplained
from mirror.states import Circumstances, Judgement, Rules, judge

GONE_AT = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
RULES = Rules(
    min_age=3 * DAY,
    quarantine_memory=None,
    reregistered=Reregistered.OWNER,
    cooldown=3 * DAY,
    min_project_age=90 * DAY,
    settle=DAY,
)
ADVISED = replace(RULES, reads_advisories=True)
DELAYED = replace(RULES, new_release_delay=5 * DAY)

PROJECT = ProjectFacts(1, ProjectName("demo"), "demo", GONE_AT - 900 * DAY)
LISTED = ListedFile(
    filename="demo-1.0-py3-none-any.whl",
    url="https://files.example.org/demo-1.0-py3-none-any.whl",
    sha256=Sha256("a" * 64),
    version="1.0",
    size=1,
    upload_time=GONE_AT - 10 * DAY,
)
LIVE = FileFacts(1, 1, LISTED, first_seen_at=GONE_AT - 9 * DAY, first_seen_serial=Serial(50), stored_at=GONE_AT)
SETTLING = replace(
    LIVE,
    listed=False,
    departed=Departure(
        GONE_AT, Serial(60), DepartureCause.PROJECT, project_since=GONE_AT - 90 * DAY + SECOND, project_gone_at=GONE_AT
    ),
)
MISSING = replace(
    LIVE,
    listed=False,
    missing_since=GONE_AT,
    missing_seen=GONE_AT + HOUR,
    listed_until=Serial(55),
    disappeared_at=GONE_AT + HOUR,
)
KEPT, LIVES = Judgement(State.KEPT), Judgement(State.LIVE)


def test_files_of_a_young_project_wait_for_a_day() -> None:
    """An owner who removes a new project and somebody who removes malware leave the same row."""
    end = GONE_AT + DAY

    assert judge(SETTLING, PROJECT, rules=RULES, now=end - SECOND) == Judgement(State.HELD, Cause.SETTLING, end)
    assert judge(SETTLING, PROJECT, rules=RULES, now=end) == KEPT


@pytest.mark.parametrize(
    ("departure", "expected"),
    [
        pytest.param({"project_since": GONE_AT - 90 * DAY}, State.KEPT, id="a project exactly old enough"),
        pytest.param({"project_since": None}, State.HELD, id="of unknown age: that of its file counts"),
        pytest.param({"cause": DepartureCause.RELEASE, "project_gone_at": None}, State.KEPT, id="a release"),
        pytest.param({"cause": DepartureCause.FILE, "project_gone_at": None}, State.KEPT, id="a file"),
        pytest.param({"cause": DepartureCause.RELEASE}, State.HELD, id="a release, and then its project"),
    ],
)
def test_only_young_projects_that_are_removed_whole_settle(departure: dict[str, object], expected: State) -> None:
    """Old files of old projects, and what leaves by itself, pass at once."""
    assert SETTLING.departed is not None
    file = replace(SETTLING, departed=replace(SETTLING.departed, **departure))  # type: ignore[arg-type]  # a test's table

    assert judge(file, PROJECT, rules=RULES, now=GONE_AT).state is expected


@pytest.mark.parametrize(
    ("advisories_at", "expected"),
    [
        pytest.param(None, State.HELD, id="never read"),
        pytest.param(GONE_AT - SECOND, State.HELD, id="older than a day at the end"),
        pytest.param(GONE_AT, State.KEPT, id="a day old at the end"),
        pytest.param(GONE_AT + 3 * DAY, State.KEPT, id="read later"),
    ],
)
def test_settling_goes_on_until_advisories_are_recent(advisories_at: datetime | None, expected: State) -> None:
    """Where advisories are read at all, none of today means that nobody can know yet."""
    now, around = GONE_AT + 3 * DAY, Circumstances(advisories_at=advisories_at)

    found = judge(SETTLING, PROJECT, rules=ADVISED, now=now, around=around)

    assert found.state is expected
    assert (found.until is not None and found.until > now) is (expected is State.HELD)


def test_what_has_settled_stays_settled_when_advisories_grow_old() -> None:
    """A source that dies later costs nobody a working build."""
    around = Circumstances(advisories_at=GONE_AT + HOUR)

    assert judge(SETTLING, PROJECT, rules=ADVISED, now=GONE_AT + 900 * DAY, around=around) == KEPT


@pytest.mark.parametrize(
    ("mode", "around", "after", "expected"),
    [
        pytest.param(Unexplained.KEEP, Circumstances(), 9 * DAY, KEPT, id="keep"),
        pytest.param(Unexplained.HOLD, Circumstances(), HOUR, Judgement(State.HELD, Cause.UNEXPLAINED), id="hold"),
        pytest.param(Unexplained.SETTLE, Circumstances(), 9 * DAY, KEPT, id="settle without a journal"),
        pytest.param(
            Unexplained.SETTLE,
            Circumstances(journal_since=Serial(56), journal_at=GONE_AT + 9 * DAY),
            9 * DAY,
            KEPT,
            id="settle with a journal that begins after the last page that listed it",
        ),
        pytest.param(
            Unexplained.SETTLE,
            Circumstances(journal_since=Serial(55), journal_at=GONE_AT + HOUR),
            HOUR,
            Judgement(State.KEPT, until=GONE_AT + DAY),
            id="settle for a day",
        ),
        pytest.param(
            Unexplained.SETTLE,
            Circumstances(journal_since=Serial(55), journal_at=GONE_AT + DAY),
            DAY,
            Judgement(State.HELD, Cause.UNEXPLAINED),
            id="settle is over, and the journal has no row",
        ),
        pytest.param(
            Unexplained.SETTLE,
            Circumstances(journal_since=Serial(55), journal_at=GONE_AT + DAY - SECOND),
            9 * DAY,
            Judgement(State.KEPT, until=GONE_AT + 9 * DAY + HOUR),
            id="the journal could not be read for the whole day: look again",
        ),
    ],
)
def test_an_absence_without_a_row(
    mode: Unexplained, around: Circumstances, after: timedelta, expected: Judgement
) -> None:
    """It is kept as long as a row may still come, and held when a journal that covers the time has none."""
    rules = replace(RULES, unexplained=mode)

    assert judge(MISSING, PROJECT, rules=rules, now=GONE_AT + after, around=around) == expected


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        pytest.param({"quarantined_at": GONE_AT - DAY}, Cause.QUARANTINE, id="quarantined before"),
        pytest.param({"listed_file": replace(LISTED, upload_time=GONE_AT - 3 * DAY + SECOND)}, Cause.YOUNG, id="young"),
        pytest.param({"stranger": True}, Cause.STRANGER, id="a stranger"),
    ],
)
def test_an_absence_is_judged_like_a_removal_otherwise(changes: dict[str, object], cause: Cause) -> None:
    """Whatever `safety.unexplained` says, the rest of the rules holds."""
    file = replace(MISSING, **changes)  # type: ignore[arg-type]  # a test's table
    rules = replace(RULES, unexplained=Unexplained.KEEP)

    assert judge(file, PROJECT, rules=rules, now=GONE_AT + HOUR) == Judgement(State.HELD, cause)


def test_a_missing_file_whose_bytes_are_not_here_is_rescued_and_may_be_lost() -> None:
    """Without bytes nothing is kept."""
    unkept = replace(MISSING, stored_at=None)

    assert judge(unkept, PROJECT, rules=RULES, now=GONE_AT).cause is Cause.RESCUE
    assert judge(replace(unkept, lost_at=GONE_AT), PROJECT, rules=RULES, now=GONE_AT).state is State.LOST


def test_an_advisory_blocks_what_is_live_and_what_is_gone() -> None:
    """Until it is withdrawn."""
    for file in (LIVE, SETTLING, MISSING, replace(LIVE, released_by=7)):
        named = replace(file, advisories=("MAL-2026-1",))
        assert judge(named, PROJECT, rules=RULES, now=GONE_AT) == Judgement(State.BLOCKED, Cause.ADVISORY)


@pytest.mark.parametrize(
    ("file", "project"),
    [
        pytest.param(replace(LIVE, advisories=("MAL-2026-1",)), PROJECT, id="an advisory"),
        pytest.param(replace(LIVE, quarantined_by=Serial(70)), PROJECT, id="the release's quarantine"),
        pytest.param(LIVE, replace(PROJECT, quarantined_by=Serial(70)), id="the project's quarantine"),
    ],
)
def test_an_operator_can_vouch_for_exact_bytes(file: FileFacts, project: ProjectFacts) -> None:
    """A release by digest overrules what upstream and advisories say, but no block of an operator."""
    vouched = replace(file, released_by=7, vouched_by=7)

    assert judge(vouched, project, rules=RULES, now=GONE_AT) == LIVES
    assert judge(replace(vouched, blocked_by=8), project, rules=RULES, now=GONE_AT).state is State.BLOCKED


def test_a_new_file_waits_where_new_files_are_delayed() -> None:
    """Counted from its upload, or from first sight where that was earlier or the upload is not known."""
    end = GONE_AT - 5 * DAY

    assert judge(LIVE, PROJECT, rules=DELAYED, now=end - SECOND) == Judgement(State.HELD, Cause.YOUNG, end)
    assert judge(LIVE, PROJECT, rules=DELAYED, now=end) == LIVES
    assert judge(replace(LIVE, released_by=7), PROJECT, rules=DELAYED, now=end - SECOND) == LIVES
    for upload_time in (None, GONE_AT + 900 * DAY):
        file = replace(LIVE, listed_file=replace(LISTED, upload_time=upload_time))
        assert judge(file, PROJECT, rules=DELAYED, now=end).until == LIVE.first_seen_at + 5 * DAY


@pytest.mark.parametrize(("pattern", "expected"), [("demo", State.LIVE), ("de*", State.LIVE), ("dem", State.HELD)])
def test_some_projects_are_not_delayed(pattern: str, expected: State) -> None:
    """One's own, for instance."""
    rules = replace(DELAYED, undelayed=(pattern,))

    assert judge(LIVE, PROJECT, rules=rules, now=GONE_AT - 6 * DAY).state is expected


def test_what_was_never_served_for_the_delay_is_not_served_because_it_is_gone() -> None:
    """A removal within the delay leaves the file held."""
    gone = replace(LIVE, listed_file=replace(LISTED, upload_time=GONE_AT - 5 * DAY + SECOND), listed=False)
    gone = replace(gone, departed=Departure(GONE_AT, Serial(60), DepartureCause.RELEASE))

    assert judge(gone, PROJECT, rules=DELAYED, now=GONE_AT + 900 * DAY) == Judgement(State.HELD, Cause.YOUNG)
    assert judge(gone, PROJECT, rules=RULES, now=GONE_AT) == KEPT


def test_who_serves_nothing_departed_holds_what_is_kept() -> None:
    """But for what an operator wants listed as it was."""
    rules = replace(RULES, serves_departed=False, min_project_age=timedelta(0))

    assert judge(SETTLING, PROJECT, rules=rules, now=GONE_AT) == Judgement(State.HELD, Cause.SETTING)
    assert judge(replace(SETTLING, released_by=7, as_was=True), PROJECT, rules=rules, now=GONE_AT) == KEPT
