"""Absences that only the index shows: looked at once more, believed when they last, held back when they are too many.

A page that lacks a file, or upstream's answer that there is no such project, is only noted. After a while the page is
looked at again; what is missing then too is believed, and told as a disappearance. When many projects lack files at
once it is the index that is broken, and none of it is believed: the brake. It lifts when the index recovers, after
a long time of the same picture unless that is far too much, or when an operator says so. Rows of the journal, which
tell of a removal for sure, are never braked.

Every process that lives long does this, one at a time: so it is done wherever only one kind of process runs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from mirror import observe
from mirror.catalog import absences, journal
from mirror.catalog.absences import Look, Picture
from mirror.catalog.database import Catalog, Connection
from mirror.changes.disappearances import Doubt
from mirror.errors import CatalogUnavailableError, EverpinError
from mirror.meanwhile import meanwhile
from mirror.names import ProjectName
from mirror.refresh import LONGEST_LOOK, Refreshed, Refresher, next_try
from mirror.setting_sections import Watcher
from mirror.states import Rules

log = structlog.get_logger()

_AT_A_TIME = 4
_MOST_LOOKS = 20
# How many times more than the threshold is never believed by itself.
_FAR_TOO_MUCH = 10
# What the brake holds back is looked at so many times less often than what is still doubted.
_HELD_BACK_INTERVALS = 6
_LONGEST_TICK = timedelta(seconds=10)
_SHORTEST_TICK = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What one tick did: how many pages it looked at once more, and in how many projects it believed absences."""

    looked: int
    believed: int


class Confirmer:
    """Confirms absences, at each tick what is due."""

    def __init__(
        self, *, catalog: Catalog, refresher: Refresher, watcher: Watcher, rules: Rules, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._refresher = refresher
        self._watcher = watcher
        self._rules = rules
        self._now = now
        self._began_at = now()

    @property
    def every(self) -> timedelta:
        """How often to tick."""
        return max(_SHORTEST_TICK, min(_LONGEST_TICK, self._watcher.confirm_interval / 5))

    async def tick(self) -> Confirmed:
        """Looks at the pages that are due, then believes what can be believed."""
        looked = await self._look_again()
        await self._note_brake()
        believed = 0
        failed: set[ProjectName] = set()
        while (project := await self._believe_one(failed)) is not None:
            believed += project not in failed
        if believed:
            await self._note_brake()
        return Confirmed(looked, believed)

    async def _look_again(self) -> int:
        now, interval = self._now(), self._watcher.confirm_interval
        async with self._catalog.writing() as conn:
            if not await absences.claim_confirming(conn):
                return 0
            looks = await absences.take_looks(
                conn,
                interval=interval,
                again=interval * _HELD_BACK_INTERVALS,
                until=now + LONGEST_LOOK * _MOST_LOOKS,
                now=now,
                limit=_MOST_LOOKS,
            )
        places = asyncio.Semaphore(_AT_A_TIME)

        async def one(look: Look) -> None:
            async with places:
                await self._look(look)

        async with asyncio.TaskGroup() as group:
            for look in looks:
                group.create_task(one(look))
        return len(looks)

    async def _look(self, look: Look) -> None:
        may_ask = await self._refresher.index.turns.take()
        outcome = await self._refresher.look(look.project) if may_ask else None
        try:
            async with self._catalog.writing() as conn:
                if outcome is None or outcome is Refreshed.STALE:
                    wait = next_try(look.attempts) or self._watcher.confirm_interval
                    await absences.postpone_look(conn, look.project, until=self._now() + wait)
                else:
                    await absences.end_look(conn, look.project)
        except EverpinError as e:
            log.warning("confirm.not_noted", project=look.project, error=str(e))

    async def _note_brake(self) -> None:
        """Notes, and says once whoever finds it out, when the brake engages or lifts."""
        async with self._catalog.writing() as conn:
            if not await absences.claim_confirming(conn):
                return
            picture = await self._picture(conn)
            if picture.is_too_much == (picture.engaged_at is not None):
                return
            await absences.note_engaged(conn, self._now() if picture.is_too_much else None)
        if picture.is_too_much:
            log.error("brake.engaged", projects=picture.projects, threshold=picture.threshold)
        else:
            log.warning("brake.lifted", projects=picture.projects, threshold=picture.threshold)

    async def _believe_one(self, failed: set[ProjectName]) -> ProjectName | None:
        """Believes the absences of one project and returns its name; None where nothing is left to do."""
        project = None
        try:
            async with self._catalog.writing() as conn:
                if not await absences.claim_confirming(conn):
                    return None
                doubt = await self._doubt(conn)
                if doubt is None:
                    return None
                project = await absences.settled(
                    conn, interval=doubt.interval, begun_by=doubt.begun_by, but=sorted(failed)
                )
                if project is None:
                    return None
                if not await observe.disappearances(conn, project, doubt, rules=self._rules, now=self._now()):
                    failed.add(project)  # others have dealt with it, or it cannot be dealt with
        except CatalogUnavailableError:
            raise
        except Exception:
            if project is None:
                raise
            # One project that cannot be digested must not keep all others from being dealt with.
            log.exception("confirm.crashed", project=project)
            failed.add(project)
        return project

    async def _picture(self, conn: Connection) -> Picture:
        return await absences.picture(conn, self._watcher.brake, since=self._now() - self._watcher.brake_hold)

    async def _doubt(self, conn: Connection) -> Doubt | None:
        """What is asked of an absence now, None where none is believed."""
        now = self._now()
        picture = await self._picture(conn)
        begun_by = await self._covered_until(conn, now) - self._watcher.confirm_interval
        if picture.is_too_much:
            limit = _held_until(picture, now - self._watcher.brake_hold)
            if limit is None:
                return None
            begun_by = min(begun_by, limit)
        return Doubt(self._watcher.confirm_interval, begun_by)

    async def _covered_until(self, conn: Connection, now: datetime) -> datetime:
        """Up to when the journal was read, since its rows explain most absences; if it is not well, up to a while ago.

        After a start it may have much to catch up with.
        """
        position = await journal.position(conn)
        if position is None:
            return now
        patience = self._watcher.patience
        if now - self._began_at < patience:
            return position.checked_at
        return max(position.checked_at, now - patience)


@asynccontextmanager
async def confirming(confirmer: Confirmer) -> AsyncIterator[None]:
    """Ticks again and again until the end."""
    async with meanwhile(_go_on(confirmer), name="confirm absences"):
        yield


async def _go_on(confirmer: Confirmer) -> None:
    while True:
        try:
            await confirmer.tick()
        except EverpinError as e:
            log.warning("confirm.failed", error=str(e))
        except Exception:
            # Without this, absences would wait for the next start.
            log.exception("confirm.crashed")
        await asyncio.sleep(confirmer.every.total_seconds())


def _held_until(picture: Picture, hold: datetime) -> datetime | None:
    """Absences that began until then are believed though the brake is on; None where there is no such time."""
    limits = [] if picture.released_at is None else [picture.released_at]
    if picture.projects <= _FAR_TOO_MUCH * picture.threshold:
        limits.append(hold)
    return max(limits, default=None)
