"""Retries come soon at first, then later and later, for three days."""

from datetime import UTC, datetime, timedelta

import pytest

from watcher.webhooks.backoff import GIVEN_UP_AFTER, asked_wait, next_try, wait_after

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_the_first_retry_comes_within_seconds_and_the_last_after_three_days(chance: float) -> None:
    """Whatever chance makes of the waits, and with a number of tries that nobody minds."""
    now, failures, waits = NOW, 0, []
    while (
        again := next_try(
            failures + 1, told_at=NOW, failing_since=NOW, now=now, wait=wait_after(failures + 1, chance=chance)
        )
    ) is not None:
        failures += 1
        waits.append(again - now)
        now = again

    assert timedelta(seconds=5) <= waits[0] <= timedelta(seconds=15)
    assert waits[:5] == sorted(waits[:5])
    assert now - NOW == GIVEN_UP_AFTER
    assert 12 <= failures <= 30


def test_those_who_failed_together_do_not_come_back_together() -> None:
    """Chance spreads them."""
    waits = {wait_after(5, chance=chance / 10) for chance in range(11)}

    assert len(waits) == 11


@pytest.mark.parametrize(
    ("failures", "age", "asked", "expected"),
    [
        (1, MINUTE, None, MINUTE),
        (1, MINUTE, HOUR, HOUR),
        # A receiver that wants to be asked again at once, and fails all the same, is not taken at its word for ever.
        (5, MINUTE, timedelta(seconds=1), timedelta(seconds=1)),
        (6, MINUTE, timedelta(seconds=1), MINUTE),
        # The last try comes when the time is over, and what failed then is given up.
        (9, 3 * DAY - MINUTE / 2, None, MINUTE / 2),
        (9, 3 * DAY, None, None),
        (1, 4 * DAY, None, None),
        # Who only asks for a pause would otherwise lose all that is old.
        (1, 4 * DAY, HOUR, HOUR),
        (10, 4 * DAY, HOUR, None),
    ],
)
def test_when_an_event_is_tried_again(
    failures: int, age: timedelta, asked: timedelta | None, expected: timedelta | None
) -> None:
    """By its age, the number of its failures and the wish of the receiver; the usual wait is a minute here."""
    again = next_try(failures, told_at=NOW - age, failing_since=NOW - age, now=NOW, wait=MINUTE, asked=asked)

    assert again == (None if expected is None else NOW + expected)


def test_what_is_old_is_not_given_up_while_its_receiver_restarts() -> None:
    """Who was off for a week comes back with old events only, and perhaps before the receiver does."""
    began = [NOW, NOW - HOUR + MINUTE, NOW - HOUR]

    again = [next_try(1, told_at=NOW - 7 * DAY, failing_since=each, now=NOW, wait=2 * MINUTE) for each in began]

    assert again == [NOW + 2 * MINUTE, NOW + MINUTE, None]


@pytest.mark.parametrize(
    ("status", "retry_after", "expected"),
    [
        (429, "120", 2 * MINUTE),
        (503, "Sun, 01 Nov 2026 12:05:00 GMT", 5 * MINUTE),
        (429, "0", None),
        (503, "86400", HOUR),
        (500, "120", None),
        (503, None, None),
        (None, None, None),
        (429, "soon", MINUTE),
    ],
)
def test_what_the_receiver_wants(status: int | None, retry_after: str | None, expected: timedelta | None) -> None:
    """Only who is busy is asked when to come back, and nobody is believed to be busy for more than an hour."""
    assert asked_wait(status, retry_after, NOW) == expected
