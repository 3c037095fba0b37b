"""Three values: True, False, and None for what is not known."""

from collections.abc import Iterable
from typing import TypeAlias

Truth: TypeAlias = bool | None


def every(conditions: Iterable[Truth]) -> Truth:
    """False as soon as one is known to fail, whatever the others are; of no conditions, True."""
    known = True
    for condition in conditions:
        if condition is False:
            return False
        known = known and condition is not None
    return True if known else None


def some(conditions: Iterable[Truth]) -> Truth:
    """True as soon as one is known to hold, whatever the others are; of no conditions, False."""
    known = True
    for condition in conditions:
        if condition:
            return True
        known = known and condition is not None
    return False if known else None
