"""The newest events at hand: an unbroken run, bounded in every way."""

from mirror.names import Serial
from tests.watcher.feed.told_events import told
from watcher.feed.newest import Newest, Told


def _told(number: int, *, size: int = 10, at: float = 0.0) -> Told:
    return Told(told(number=number, serial=Serial(number)), b"x" * size, at)


def _numbers(newest: Newest, after: int) -> list[int]:
    return [one.event.cursor.number for one in newest.after(after)]


def test_they_are_told_from_any_place_among_them() -> None:
    """From before the first, between two, and after the last."""
    newest = Newest()
    newest.skip_to(4)
    for number in (5, 6, 7):
        newest.add(_told(number))

    assert (newest.start, newest.end) == (4, 7)
    assert [_numbers(newest, after) for after in (4, 6, 7, 9)] == [[5, 6, 7], [7], [], []]


def test_the_oldest_make_room() -> None:
    """By count and by bytes; one is held however large it is."""
    by_count, by_bytes = Newest(most=2), Newest(most_bytes=25)
    for number in (1, 2, 3):
        by_count.add(_told(number))
        by_bytes.add(_told(number))
    few = by_bytes.start, _numbers(by_bytes, 1)
    by_bytes.add(_told(4, size=1000))

    assert (by_count.start, _numbers(by_count, 1)) == (1, [2, 3])
    assert few == (1, [2, 3])
    assert (by_bytes.start, _numbers(by_bytes, 3)) == (3, [4])


def test_what_is_old_is_let_go() -> None:
    """What is told of it from then on, the catalog says."""
    newest = Newest()
    for number in (1, 2, 3):
        newest.add(_told(number, at=float(number)))

    newest.forget_before(3.0)

    assert (newest.start, newest.end, _numbers(newest, 2)) == (2, 3, [3])


def test_there_is_no_hole_and_nothing_twice() -> None:
    """Behind a hole it begins anew; what was passed is not taken in again."""
    newest = Newest()
    for number in (1, 2, 2, 5, 4):
        newest.add(_told(number))

    assert (newest.start, newest.end, _numbers(newest, 4)) == (4, 5, [5])
