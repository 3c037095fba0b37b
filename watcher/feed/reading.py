"""The events that a filter admits, page by page, each page with a bounded effort."""

from dataclasses import dataclass

from mirror.catalog import events
from mirror.catalog.database import Connection
from mirror.events import Cursor, Event
from watcher.feed.asking import Resync
from watcher.feed.filters import Filter

MOST_READ = 5_000
"""How many events one page looks at, however few of them are admitted."""
_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """Events in the order of their numbers. `end` is where to go on; `more`, whether there was more when it was read.

    Where much had to be looked at, there may be more though few events are here, or none.
    """

    events: tuple[Event, ...]
    end: int
    more: bool


async def page_after(conn: Connection, number: int, *, epoch: int, wanted: Filter, limit: int) -> Page:
    """The oldest events after the number that the filter admits, at most `limit`.

    Who goes on from each page's end gets every event once, however many are told meanwhile. Raises Resync where some of
    those after the number are not held any more.
    """
    # Looked at first: up to here, nothing that is told meanwhile can be passed over by the filter's end.
    last = (await events.held(conn)).last
    page = await _page(conn, number, epoch=epoch, wanted=wanted, limit=limit, last=last)
    # And at last, since they can have been dropped meanwhile.
    now = await events.held(conn)
    if now.epoch != epoch or now.forgotten > number:
        raise Resync(Cursor(now.epoch, now.forgotten))
    return page


async def _page(conn: Connection, number: int, *, epoch: int, wanted: Filter, limit: int, last: int) -> Page:
    admitted: list[Event] = []
    end, left, size = number, MOST_READ, limit + 1
    while True:
        size = min(size, left)
        found = await _after(conn, end, epoch=epoch, wanted=wanted, limit=size)
        for event in found:
            if not wanted.admits(event):
                continue
            if len(admitted) == limit:
                return Page(tuple(admitted), admitted[-1].cursor.number, more=True)
            admitted.append(event)
        end = found[-1].cursor.number if found else end
        if len(found) < size:
            return Page(tuple(admitted), max(end, last), more=False)
        left -= size
        if left == 0:
            return Page(tuple(admitted), end, more=True)
        size = min(2 * size, _AT_A_TIME)


async def _after(conn: Connection, number: int, *, epoch: int, wanted: Filter, limit: int) -> list[Event]:
    projects, kinds = wanted.projects, wanted.kinds
    if (projects is not None and not projects) or (kinds is not None and not kinds):
        return []
    return await events.after(
        conn,
        number,
        limit=limit,
        epoch=epoch,
        projects=sorted(projects or ()),
        # Of a project all are looked at: it can have many events that are of no kind that is wanted.
        kinds=() if projects else sorted(kinds or ()),
    )
