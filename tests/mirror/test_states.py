"""What may be done with a file, case by case: every rule, its boundary, and which rule goes first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirror.model import Cause, Departure, DepartureCause, FileFacts, ListedFile, Memory, ProjectFacts, State
from mirror.names import ProjectName, Serial, Sha256
from mirror.setting_values import Reregistered
from mirror.states import Judgement, Rules, earliest_end, judge, judged

GONE_AT = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
NOW = GONE_AT + timedelta(hours=1)
MIN_AGE = timedelta(hours=72)
SECOND = timedelta(seconds=1)
COOLDOWN = timedelta(hours=72)
RULES = Rules(min_age=MIN_AGE, quarantine_memory=None, reregistered=Reregistered.OWNER, cooldown=COOLDOWN)

PROJECT = ProjectFacts(1, ProjectName("demo"), "demo", GONE_AT - timedelta(days=900))
QUARANTINED = replace(PROJECT, quarantined_by=Serial(70), quarantined_at=GONE_AT)
LISTED = ListedFile(
    filename="demo-1.0-py3-none-any.whl",
    url="https://files.example.org/demo-1.0-py3-none-any.whl",
    sha256=Sha256("a" * 64),
    version="1.0",
    size=1,
    upload_time=GONE_AT - timedelta(days=400),
)
LIVE = FileFacts(1, 1, LISTED, first_seen_at=GONE_AT - timedelta(days=300), first_seen_serial=Serial(1))
YANKED = replace(LIVE, listed_file=replace(LISTED, yanked="broken"))
STORED = replace(LIVE, stored_at=GONE_AT - timedelta(days=1))
GONE = replace(STORED, listed=False, departed=Departure(GONE_AT, Serial(60), DepartureCause.RELEASE))


def _uploaded(file: FileFacts, upload_time: datetime | None) -> FileFacts:
    return replace(file, listed_file=replace(file.listed_file, upload_time=upload_time))


@pytest.mark.parametrize(
    ("file", "project", "expected"),
    [
        pytest.param(LIVE, PROJECT, Judgement(State.LIVE), id="listed"),
        pytest.param(YANKED, PROJECT, Judgement(State.YANKED), id="listed and yanked"),
        pytest.param(
            replace(LIVE, listed_file=replace(LISTED, yanked="")),
            PROJECT,
            Judgement(State.YANKED),
            id="yanked without a reason",
        ),
        pytest.param(
            replace(LIVE, missing_since=GONE_AT, missing_seen=NOW),
            PROJECT,
            Judgement(State.LIVE),
            id="missing from the page: noted, nothing else",
        ),
        pytest.param(
            replace(LIVE, quarantined_at=GONE_AT),
            PROJECT,
            Judgement(State.LIVE),
            id="listed again after a quarantine was cleared",
        ),
        pytest.param(GONE, PROJECT, Judgement(State.KEPT), id="departed, old, stored"),
        pytest.param(
            replace(GONE, stored_at=None),
            PROJECT,
            Judgement(State.HELD, Cause.RESCUE),
            id="departed unkept",
        ),
        pytest.param(replace(GONE, stored_at=None, lost_at=NOW), PROJECT, Judgement(State.LOST), id="not to be had"),
        pytest.param(replace(GONE, lost_at=NOW), PROJECT, Judgement(State.KEPT), id="what the store has is not lost"),
        pytest.param(
            replace(GONE, quarantined_at=GONE_AT - timedelta(days=5)),
            PROJECT,
            Judgement(State.HELD, Cause.QUARANTINE),
            id="departed after a quarantine",
        ),
        pytest.param(replace(LIVE, stranger=True), PROJECT, Judgement(State.HELD, Cause.STRANGER), id="stranger"),
        pytest.param(
            replace(GONE, stranger=True), PROJECT, Judgement(State.HELD, Cause.STRANGER), id="stranger that departed"
        ),
        pytest.param(replace(LIVE, replaced=True), PROJECT, Judgement(State.HELD, Cause.REPLACED), id="replacement"),
        pytest.param(LIVE, QUARANTINED, Judgement(State.BLOCKED, Cause.QUARANTINE), id="project quarantined by a row"),
        pytest.param(
            LIVE,
            replace(PROJECT, quarantined_by=Serial(0)),
            Judgement(State.BLOCKED, Cause.QUARANTINE),
            id="project quarantined by the page's status alone",
        ),
        pytest.param(
            replace(LIVE, quarantined_by=Serial(70)),
            PROJECT,
            Judgement(State.BLOCKED, Cause.QUARANTINE),
            id="release quarantined",
        ),
        pytest.param(
            replace(GONE, incarnation=1),
            replace(QUARANTINED, incarnation=2),
            Judgement(State.BLOCKED, Cause.QUARANTINE),
            id="a kept copy of an earlier life of a quarantined name",
        ),
        pytest.param(replace(LIVE, blocked_by=3), PROJECT, Judgement(State.BLOCKED, Cause.OPERATOR), id="blocked"),
        pytest.param(replace(GONE, purged_at=NOW), PROJECT, Judgement(State.PURGED), id="purged"),
    ],
)
def test_each_fact_has_its_state(file: FileFacts, project: ProjectFacts, expected: Judgement) -> None:
    """One fact at a time decides as promised."""
    assert judge(file, project, rules=RULES, now=NOW) == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(MIN_AGE + SECOND, Judgement(State.KEPT), id="a second older"),
        pytest.param(MIN_AGE, Judgement(State.KEPT), id="exactly as old"),
        pytest.param(MIN_AGE - SECOND, Judgement(State.HELD, Cause.YOUNG), id="a second younger"),
        pytest.param(-MIN_AGE, Judgement(State.HELD, Cause.YOUNG), id="uploaded in the future"),
    ],
)
def test_a_departed_file_must_have_been_old_enough(age: timedelta, expected: Judgement) -> None:
    """The age counts from upstream's upload time to the departure, however long ago that is by now."""
    file = _uploaded(GONE, GONE_AT - age)

    assert judge(file, PROJECT, rules=RULES, now=NOW) == expected
    assert judge(file, PROJECT, rules=RULES, now=NOW + timedelta(days=900)) == expected


@pytest.mark.parametrize(
    ("seen_for", "expected"),
    [
        pytest.param(MIN_AGE, Judgement(State.KEPT), id="seen long enough before"),
        pytest.param(MIN_AGE - SECOND, Judgement(State.HELD, Cause.YOUNG), id="seen too late"),
    ],
)
def test_without_an_upload_time_age_counts_from_first_sight(seen_for: timedelta, expected: Judgement) -> None:
    """An index that tells no upload time makes nothing look older than we saw it."""
    file = _uploaded(replace(GONE, first_seen_at=GONE_AT - seen_for), None)

    assert judge(file, PROJECT, rules=RULES, now=NOW) == expected


def test_an_upload_time_counts_even_where_the_file_was_seen_a_moment_before_it_departed() -> None:
    """What was uploaded years ago is old, though nobody asked this mirror for it until today."""
    file = replace(GONE, first_seen_at=GONE_AT - SECOND)

    assert judge(file, PROJECT, rules=RULES, now=NOW) == Judgement(State.KEPT)


def test_a_quarantine_is_forgotten_when_its_memory_ends_and_not_before() -> None:
    """The judgement says until when it holds, and at that very moment it no longer does."""
    memory = timedelta(days=30)
    rules = replace(RULES, quarantine_memory=memory)
    file = replace(GONE, quarantined_at=GONE_AT - timedelta(days=1))
    end = GONE_AT - timedelta(days=1) + memory

    assert judge(file, PROJECT, rules=rules, now=end - SECOND) == Judgement(State.HELD, Cause.QUARANTINE, end)
    assert judge(file, PROJECT, rules=rules, now=end) == Judgement(State.KEPT)


def test_an_endless_memory_has_no_end() -> None:
    """Nothing is to be judged again by the clock where quarantines are remembered for ever."""
    file = replace(GONE, quarantined_at=GONE_AT - timedelta(days=1))

    assert judge(file, PROJECT, rules=RULES, now=NOW + timedelta(days=36_500)).until is None


def test_after_the_memory_ended_the_other_rules_still_hold() -> None:
    """A young file does not become old by having been quarantined."""
    rules = replace(RULES, quarantine_memory=timedelta(days=1))
    file = _uploaded(replace(GONE, quarantined_at=GONE_AT), GONE_AT - timedelta(hours=2))

    assert judge(file, PROJECT, rules=rules, now=GONE_AT + timedelta(days=2)) == Judgement(State.HELD, Cause.YOUNG)


_EVERYTHING_WRONG = replace(
    GONE,
    purged_at=NOW,
    blocked_by=1,
    quarantined_by=Serial(70),
    replaced=True,
    stranger=True,
    newcomer_in=2,
    quarantined_at=GONE_AT,
    stored_at=None,
    lost_at=NOW,
    listed_file=replace(LISTED, upload_time=GONE_AT, yanked="broken"),
)


def test_the_rules_bind_in_their_order() -> None:
    """Taking away what binds first uncovers what binds next, down to what upstream itself says."""
    file, found = _EVERYTHING_WRONG, []
    for mend in (
        {"purged_at": None},
        {"blocked_by": None},
        {"quarantined_by": None},
        {"replaced": False},
        {"stranger": False},
        {"newcomer_in": None},
        {"quarantined_at": None},
        {"listed_file": replace(LISTED, yanked="broken")},
        {"lost_at": None},
        {"stored_at": GONE_AT},
        {"departed": None},
        {"listed_file": LISTED},
    ):
        found.append(judge(file, PROJECT, rules=RULES, now=NOW))
        file = replace(file, **mend)
    found.append(judge(file, PROJECT, rules=RULES, now=NOW))

    assert [(judgement.state, judgement.cause) for judgement in found] == [
        (State.PURGED, None),
        (State.BLOCKED, Cause.OPERATOR),
        (State.BLOCKED, Cause.QUARANTINE),
        (State.HELD, Cause.REPLACED),
        (State.HELD, Cause.STRANGER),
        (State.HELD, Cause.STRANGER),
        (State.HELD, Cause.QUARANTINE),
        (State.HELD, Cause.YOUNG),
        (State.LOST, None),
        (State.HELD, Cause.RESCUE),
        (State.KEPT, None),
        (State.YANKED, None),
        (State.LIVE, None),
    ]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        pytest.param(replace(LIVE, stranger=True), State.LIVE, id="a stranger"),
        pytest.param(replace(LIVE, newcomer_in=2), State.LIVE, id="a newcomer"),
        pytest.param(replace(YANKED, replaced=True), State.YANKED, id="a replacement"),
        pytest.param(_uploaded(GONE, GONE_AT), State.KEPT, id="a young one"),
        pytest.param(replace(GONE, quarantined_at=GONE_AT), State.KEPT, id="one that was quarantined"),
        pytest.param(replace(GONE, stranger=True, stored_at=None), State.HELD, id="one whose bytes are missing"),
    ],
)
def test_an_operators_release_frees_what_is_held(file: FileFacts, expected: State) -> None:
    """Released is released, whatever it was held for; only bytes that are not here cannot be served."""
    assert judge(replace(file, released_by=7), PROJECT, rules=RULES, now=NOW).state is expected


@pytest.mark.parametrize(
    ("file", "project", "expected"),
    [
        pytest.param(LIVE, QUARANTINED, State.BLOCKED, id="a quarantine that is in force"),
        pytest.param(replace(LIVE, quarantined_by=Serial(9)), PROJECT, State.BLOCKED, id="that of a release"),
        pytest.param(replace(LIVE, blocked_by=8), PROJECT, State.BLOCKED, id="an operator's block"),
        pytest.param(replace(GONE, purged_at=NOW), PROJECT, State.PURGED, id="a purge"),
    ],
)
def test_a_release_does_not_overrule_a_block(file: FileFacts, project: ProjectFacts, expected: State) -> None:
    """What is blocked now stays blocked, though it was released before."""
    assert judge(replace(file, released_by=7), project, rules=RULES, now=NOW).state is expected


def test_a_memory_is_judged_whole() -> None:
    """Every file gets its state, cause and end; what was right already is left as the very same object."""
    rules = replace(RULES, quarantine_memory=timedelta(days=30))
    held = replace(GONE, quarantined_at=GONE_AT)

    after = judged(Memory(PROJECT, (LIVE, held)), rules=rules, now=NOW)

    assert after.files[0] is LIVE
    assert (after.files[1].state, after.files[1].cause) == (State.HELD, Cause.QUARANTINE)
    assert after.files[1].state_until == GONE_AT + timedelta(days=30)
    assert earliest_end(after.files) == GONE_AT + timedelta(days=30)
    assert judged(after, rules=rules, now=NOW) == after


def test_nothing_ends_where_no_state_has_an_end() -> None:
    """Without states that pass there is nothing to wait for."""
    assert earliest_end((LIVE, GONE)) is None
