"""What may be done with the newcomers of a name that was registered again: every rule, and its end to the second."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirror.model import Cause, Departure, DepartureCause, FileFacts, Life, ListedFile, ProjectFacts, State
from mirror.names import ProjectName, Serial, Sha256
from mirror.setting_values import Reregistered
from mirror.states import Judgement, Rules, judge

COOLDOWN = timedelta(hours=72)
SECOND = timedelta(seconds=1)
RULES = Rules(min_age=timedelta(0), quarantine_memory=None, reregistered=Reregistered.OWNER, cooldown=COOLDOWN)
SINCE = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
END = SINCE + COOLDOWN
FREED_AT = SINCE - timedelta(days=1)
TAKEN = Life(2, FREED_AT, SINCE, earlier_known=True)
OWNED = replace(TAKEN, same_owner_at=FREED_AT)
PROJECT = ProjectFacts(1, ProjectName("demo"), "demo", SINCE - timedelta(days=900))
LISTED = ListedFile(
    filename="demo-2.0-py3-none-any.whl",
    url="https://files.example.org/demo-2.0-py3-none-any.whl",
    sha256=Sha256("a" * 64),
    version="2.0",
    size=1,
    upload_time=SINCE,
)
NEWCOMER = FileFacts(1, 2, LISTED, first_seen_at=SINCE, first_seen_serial=Serial(1), newcomer_in=2)


def _in_life(life: Life) -> ProjectFacts:
    return replace(PROJECT, incarnation=2, lives=(life,))


@pytest.mark.parametrize(
    ("rule", "life", "held", "until"),
    [
        (Reregistered.OWNER, OWNED, True, END),
        (Reregistered.OWNER, TAKEN, True, None),
        (Reregistered.OWNER, replace(TAKEN, earlier_known=False), True, END),
        (Reregistered.OWNER, replace(OWNED, earlier_known=False), True, END),
        (Reregistered.COOLDOWN, OWNED, True, END),
        (Reregistered.COOLDOWN, TAKEN, True, END),
        (Reregistered.SERVE, TAKEN, False, None),
        (Reregistered.HOLD, OWNED, True, None),
    ],
)
def test_each_rule_holds_newcomers_as_it_says(
    rule: Reregistered, life: Life, held: bool, until: datetime | None
) -> None:
    """Until the cooldown ends where it does, or else for good; an end is an end to the second."""
    rules = replace(RULES, reregistered=rule)
    expected = Judgement(State.HELD, Cause.STRANGER, until) if held else Judgement(State.LIVE)

    assert judge(NEWCOMER, _in_life(life), rules=rules, now=END - SECOND) == expected
    afterwards = judge(NEWCOMER, _in_life(life), rules=rules, now=END)
    assert afterwards == (expected if held and until is None else Judgement(State.LIVE))


@pytest.mark.parametrize(
    ("gone_at", "expected"),
    [
        pytest.param(END - SECOND, Judgement(State.HELD, Cause.STRANGER), id="before the end"),
        pytest.param(END, Judgement(State.KEPT), id="at the end"),
    ],
)
def test_a_newcomer_is_kept_only_if_it_outlasted_its_cooldown(gone_at: datetime, expected: Judgement) -> None:
    """However long ago it departed by now."""
    departed = Departure(gone_at, Serial(60), DepartureCause.RELEASE)
    file = replace(NEWCOMER, stored_at=SINCE, listed=False, departed=departed)

    assert judge(file, _in_life(OWNED), rules=RULES, now=END) == expected
    assert judge(file, _in_life(OWNED), rules=RULES, now=END + timedelta(days=900)) == expected


def test_a_newcomer_is_judged_by_the_life_it_came_in() -> None:
    """Whoever has the name in its third life, what was uploaded in its second stays what it was."""
    project = replace(PROJECT, incarnation=3, lives=(OWNED, replace(TAKEN, number=3)))
    restored = replace(NEWCOMER, incarnation=3)

    assert judge(restored, project, rules=RULES, now=END).state is State.LIVE
    assert judge(replace(restored, newcomer_in=3), project, rules=RULES, now=END).state is State.HELD


def test_a_newcomer_of_a_life_of_which_nothing_is_known_is_held() -> None:
    """What cannot be judged is not served."""
    assert judge(NEWCOMER, PROJECT, rules=RULES, now=END).cause is Cause.STRANGER
