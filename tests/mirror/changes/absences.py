"""Histories in which something is missing from the index for long enough to be believed."""

from datetime import timedelta

from mirror.changes.disappearances import Doubt, disappear
from mirror.model import ListedFile
from tests.mirror.changes.histories import History, known, listed, page

OLD, NEW = "demo-1.0-py3-none-any.whl", "demo-1.1-py3-none-any.whl"
_INTERVAL = timedelta(minutes=5)


def believe(history: History, *, begun_by: timedelta = timedelta(0)) -> None:
    """What is missing for long enough is believed; `begun_by` before now."""
    step = disappear(history.memory, Doubt(_INTERVAL, history.now - begun_by), history.now)
    history.memory = step.memory
    history.told.extend(step.tellings)


def gone(history: History, serial: int, *rest: ListedFile) -> None:
    """Two pages list only the rest, the second one after the interval; that is believed."""
    history.page(page(serial, *rest))
    history.after(minutes=6)
    history.page(page(serial, *rest))
    believe(history)


def one_of_two() -> History:
    """1.1 of 1.0 and 1.1 disappeared."""
    history = known(listed("1.0"), listed("1.1"), serial=50)
    gone(history, 50, listed("1.0"))
    return history


def all_of_it() -> History:
    """A project of which upstream said twice that there is none."""
    history = known(listed("1.0"), listed("1.1"), serial=50)
    history.absence()
    history.after(minutes=6)
    history.absence()
    believe(history)
    return history
