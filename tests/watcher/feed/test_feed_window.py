"""Which events a feed document holds, and what its entries are called."""

import uuid
from datetime import timedelta

from tests.watcher.feed.told_events import FEED_ID, NOON, each_hour, redacted, told
from watcher.feed import entry_id, newest_first, select


def test_a_busy_day_stands_in_the_feed_whole() -> None:
    """A reader who comes once a day misses nothing, however small the page."""
    events = each_hour(72)

    selected = select(events, page_size=5, now=NOON)

    assert selected == events[:24]


def test_quiet_times_still_fill_a_page() -> None:
    """Old events stay until newer ones push them out."""
    events = each_hour(10)

    selected = select(events, page_size=4, now=NOON + timedelta(days=365))

    assert selected == events[:4]


def test_an_event_of_today_behind_an_older_one_is_not_left_out() -> None:
    """Numbers follow the commits; times need not."""
    old = told(number=3, observed_at=NOON - timedelta(days=9))
    young = told(number=2, observed_at=NOON)

    assert select((old, young), page_size=1, now=NOON) == (old, young)


def test_no_events_make_an_empty_window() -> None:
    """An empty catalog has a feed as well."""
    assert select((), page_size=50, now=NOON) == ()


def test_newest_means_told_last() -> None:
    """A later epoch is newer than any number of the one before."""
    first, second = told(number=1), told(number=2)

    assert newest_first((first, second)) == (second, first)


def test_an_entry_keeps_its_name_when_it_is_redacted_and_shares_it_with_no_other() -> None:
    """Readers tell by the name what they have shown already."""
    event = told()

    name = entry_id(FEED_ID, event)

    assert uuid.UUID(name).urn == name
    assert entry_id(FEED_ID, redacted(event)) == name
    assert entry_id(FEED_ID, told(serial=1)) != name
    assert entry_id(f"urn:uuid:{uuid.UUID(int=7)}", event) != name
