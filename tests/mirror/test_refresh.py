"""How patiently a newer page is asked for."""

from datetime import timedelta
from itertools import count

from mirror.refresh import next_try


def _waits() -> list[timedelta]:
    waits: list[timedelta] = []
    for attempts in count():
        wait = next_try(attempts)
        if wait is None:
            return waits
        waits.append(wait)
    raise AssertionError("patience never ends")


def test_the_first_waits_double_up_to_a_minute() -> None:
    """Most old pages are gone at the second look."""
    assert [wait.total_seconds() for wait in _waits()[:8]] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_after_ten_minutes_it_is_asked_every_half_hour() -> None:
    """Quick tries fill ten minutes; after them nobody is bothered more than twice an hour."""
    waits = _waits()
    quick = [wait for wait in waits if wait < timedelta(minutes=30)]

    assert sum(quick[:-1], timedelta()) < timedelta(minutes=10) <= sum(quick, timedelta())
    assert set(waits[len(quick) :]) == {timedelta(minutes=30)}


def test_patience_outlasts_a_day_and_ends() -> None:
    """A CDN keeps a page that was never purged for a day; after that nothing better will come."""
    total = sum(_waits(), timedelta())

    assert timedelta(hours=25) <= total < timedelta(hours=26)


def test_who_gave_up_does_not_begin_again() -> None:
    """However many tries are counted, the answer stays no."""
    assert next_try(len(_waits())) is None
    assert next_try(1_000) is None
