"""All deliveries of one term: a courier for each target, who is started and stopped as targets come and go.

What was sent but could not be recorded is sent again, by the same or the next who leads, under the same id: receivers
get every event at least once, and know by the id what they have.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from mirror.catalog import dead_letters, instance, webhooks
from mirror.catalog.leadership import Led
from mirror.catalog.webhooks import Target
from mirror.errors import EverpinError, NotTheLeaderError
from watcher.webhooks.backoff import wait_after
from watcher.webhooks.courier import Courier
from watcher.webhooks.dispatch import Dispatch, Sessions
from watcher.webhooks.replays import Replays
from watcher.webhooks.targets import Targets

log = structlog.get_logger()

TICK = timedelta(seconds=5)
"""How often is looked whether there are other targets, when nobody says that there is something to deliver."""
REMEMBERED = timedelta(days=30)
"""How long a target that left the settings can come back and go on where it was."""
DEAD_LETTERS_KEPT = timedelta(days=90)
"""How long what was given up can be sent once more."""

_NOTED_EVERY = timedelta(hours=1)


def patient(failures: int) -> timedelta:
    """How long to wait after so many failures."""
    return wait_after(failures, chance=random.random())  # noqa: S311 - it spreads retries and hides nothing


@dataclass(frozen=True, slots=True)
class Post:
    """What delivering takes, whoever leads. `base_url` is where the mirror is reached, if that is set.

    `pace` says how long to wait after so many failures, `tick` how often `Delivery.tick` is called at least.
    """

    targets: Targets
    sessions: Sessions
    base_url: str
    now: Callable[[], datetime]
    pace: Callable[[int], timedelta] = patient
    tick: timedelta = TICK


@dataclass(frozen=True, slots=True)
class _UnderWay:
    courier: Courier
    replays: Replays
    task: asyncio.Task[None]


class Delivery:
    """The couriers of one term. `tick` may be called at any time, but not while it runs.

    `is_over` once nothing is delivered any more: it was closed, or another term has begun.
    """

    def __init__(self, post: Post, catalog: Led) -> None:
        self._post = post
        self._catalog = catalog
        self._dispatch: Dispatch | None = None
        self._couriers: dict[int, _UnderWay] = {}
        self._replays: dict[int, asyncio.Task[None]] = {}
        self._recorded: dict[int, int] = {}
        self._noted_at: datetime | None = None
        self.is_over = False

    async def tick(self) -> None:
        """Has a courier for each target that can be delivered to, and tells all that there may be more events."""
        if self.is_over:
            return
        dispatch = await self._ready()
        is_noted = await self._note()
        async with dispatch.reading() as conn:
            targets = await webhooks.targets(conn)
            to_replay = await dead_letters.to_replay(conn, now=self._post.now())
        await self._dismiss(targets)
        if is_noted:
            await self._look_at_locks(targets)
        for target in targets:
            if target.disabled_at is None and target.id not in self._couriers:
                await self._try_to_employ(dispatch, target)
        for under_way in self._couriers.values():
            under_way.courier.told()
        if not self.is_over:
            for target_id in (to_replay & self._couriers.keys()) - self._replays.keys():
                self._replay(target_id)
        await self._record()

    async def aclose(self) -> None:
        """Stops all of them at once, wherever they are. A tick that still runs has no more begin."""
        self.is_over = True
        tasks = [*(under_way.task for under_way in self._couriers.values()), *self._replays.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ready(self) -> Dispatch:
        async with self._catalog.reading() as conn:
            me = await instance.read(conn)
        if self._dispatch is None or self._dispatch.epoch != me.epoch:
            # With another epoch it is another history: a database was put back from a copy, and its targets with it.
            await self._dismiss([])
            post = self._post
            source = post.base_url or me.uuid.urn
            self._dispatch = Dispatch(self._catalog, post.sessions, me.epoch, source, post.now, post.pace)
        return self._dispatch

    async def _note(self) -> bool:
        """Notes which targets stand in the settings, and forgets what has long left them; says whether it was time."""
        now = self._post.now()
        if self._noted_at is not None and now - self._noted_at < _NOTED_EVERY:
            return False
        async with self._catalog.writing() as conn:
            new = await webhooks.see(conn, self._post.targets.named, now=now)
            forgotten = await webhooks.forget(conn, unseen_since=now - REMEMBERED)
            await dead_letters.forget(conn, before=now - DEAD_LETTERS_KEPT)
        self._noted_at = now
        for name in new:
            log.info("webhook.target_added", target=name)
        for name in forgotten:
            log.info("webhook.target_forgotten", target=name)
        return True

    async def _look_at_locks(self, targets: list[Target]) -> None:
        """A lock's feed is read by those to whom it is pushed, also while there is nothing to push; not by the dead."""
        for target in targets:
            if target.id in self._couriers and target.lock_feed is not None and target.failing_since is None:
                await self._post.targets.chosen(target)

    async def _dismiss(self, targets: list[Target]) -> None:
        """Stops the couriers of targets that are gone, disabled, or enabled anew: those begin once more."""
        standing = {target.id: target for target in targets}
        leaving: list[asyncio.Task[None]] = []
        for target_id, under_way in list(self._couriers.items()):
            target = standing.get(target_id)
            is_as_before = target is not None and target.enabled_at == under_way.courier.enabled_at
            if target is None or not is_as_before or target.disabled_at is not None or under_way.task.done():
                leaving.append(self._couriers.pop(target_id).task)
        leaving += [self._replays.pop(target_id) for target_id in self._replays.keys() - self._couriers.keys()]
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    async def _try_to_employ(self, dispatch: Dispatch, target: Target) -> None:
        try:
            await self._employ(dispatch, target)
        except EverpinError as e:
            log.warning("webhook.not_employed", target=target.name, error=str(e))
        except Exception:
            # What is wrong with one target must not keep those after it from theirs.
            log.exception("webhook.employing_crashed", target=target.name)

    async def _employ(self, dispatch: Dispatch, target: Target) -> None:
        chosen = await self._post.targets.chosen(target)
        if chosen is None:
            # One that left the settings may come back; a lock's feed that is gone does not.
            if target.lock_feed is not None:
                async with self._catalog.writing() as conn:
                    await webhooks.remove_targets_of_lock(conn, target.lock_feed)
                log.info("webhook.target_dropped", target=target.name)
            return
        if self.is_over:
            return
        courier = Courier(dispatch, target, chosen)
        task = asyncio.create_task(self._kept_at(courier.name, courier.deliver), name="webhook courier")
        self._couriers[target.id] = _UnderWay(courier, Replays(dispatch, target, chosen), task)
        self._recorded[target.id] = target.number

    def _replay(self, target_id: int) -> None:
        replays = self._couriers[target_id].replays
        task = asyncio.create_task(self._kept_at(replays.name, replays.send), name="webhook replays")
        self._replays[target_id] = task
        task.add_done_callback(lambda _: self._replays.pop(target_id, None))

    async def _record(self) -> None:
        """Records what couriers passed over, of all in one statement."""
        positions = {target_id: under_way.courier.position for target_id, under_way in self._couriers.items()}
        moved = {target: number for target, number in positions.items() if number > self._recorded[target]}
        if not moved:
            return
        async with self._catalog.writing() as conn:
            await webhooks.pass_over(conn, list(moved.items()))
        self._recorded |= moved

    async def _kept_at(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Goes on with the work after whatever goes wrong, but not when the term is over."""
        while not self.is_over:
            try:
                await work()
            except NotTheLeaderError as e:
                self.is_over = True
                log.info("webhook.not_the_leader", target=name, reason=str(e))
            except EverpinError as e:
                log.warning("webhook.interrupted", target=name, error=str(e))
            except Exception:
                log.exception("webhook.crashed", target=name)
            else:
                return
            await asyncio.sleep(self._post.pace(1).total_seconds())
