"""Three values: what is known already may decide, what is missing may not."""

import itertools

import pytest

from mirror.policy.truth import Truth, every, some

VALUES: tuple[Truth, ...] = (True, False, None)
CASES = [case for count in range(4) for case in itertools.product(VALUES, repeat=count)]


@pytest.mark.parametrize("conditions", CASES)
def test_an_answer_is_given_exactly_when_what_is_missing_cannot_change_it(conditions: tuple[Truth, ...]) -> None:
    """Both agree with trying out every value for what is not known."""
    worlds = list(itertools.product(*((True, False) if value is None else (value,) for value in conditions)))
    all_hold = {all(world) for world in worlds}
    any_holds = {any(world) for world in worlds}

    assert every(conditions) is (all_hold.pop() if len(all_hold) == 1 else None)
    assert some(conditions) is (any_holds.pop() if len(any_holds) == 1 else None)
