"""Carries out what operators order: the act in one transaction, then what can only follow its commit.

What follows: files that were being stored meanwhile are put under the order as well, the objects of purged files are
destroyed, and the act is noted beside the bytes. Until the first two are done the act counts as unsettled; `finish`
makes up for what a crash cut off, and carries out again what stands beside the bytes and the catalog has forgotten.
"""

import secrets
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import structlog

from mirror import observe
from mirror.catalog import acts, redactions, sealed, tombstones
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.files import FoundFile
from mirror.changes.orders import Obeyed, blocked_anew, purged, released, unpurged
from mirror.errors import CatalogUnavailableError, NotThereError, StoreError
from mirror.events import Act, presentable
from mirror.meant import bytes_of, event_of, files_of, projects_of, require_known, siblings_of
from mirror.names import ProjectName, Sha256
from mirror.noted_acts import NotedAct, decode, encode, name_of
from mirror.observe import Obey, Ordered
from mirror.seams import reached
from mirror.states import Rules
from mirror.store.interface import Store
from mirror.store.keys import StoreKey
from mirror.targets import BrakeTarget, EventTarget, FilesTarget, Order, Target, Verb, covers, parse_target

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """The number of an act, and the files that it was about, as they were and as they are."""

    act: int
    files: tuple[Ordered, ...]


class Orders:
    """Carries out orders. Any number of processes may, at the same time."""

    def __init__(self, *, catalog: Catalog, store: Store, rules: Rules, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._store = store
        self._rules = rules
        self._now = now

    async def carry_out(self, order: Order) -> CarriedOut:
        """Carries out the order to its end. Raises NotThereError, and changes nothing, where no known file is meant.

        A block may be on what is not known yet. StoreError: it is in force, but bytes are still to be destroyed.
        """
        async with self._catalog.writing() as conn:
            done = await self._carry_out(conn, order)
        if done is None:
            raise CatalogUnavailableError("two acts were given the same name; order it again")
        reached("order.recorded")
        log.debug("order.carried_out", act=done.act, verb=order.verb, target=str(order.target), files=len(done.files))
        try:
            await self._settle(done.act, order.verb, order.target)
        except StoreError as e:
            raise StoreError(
                f"act {done.act} is in force, but its bytes are only destroyed at the next start: {e}"
            ) from e
        try:
            await self._note()
        except StoreError as e:
            # In force it is all the same; the next start notes it.
            log.warning("order.not_noted", act=done.act, error=str(e))
        return done

    async def would_purge(self, target: FilesTarget) -> list[FoundFile]:
        """The files that a purge of the target would destroy, also those that have the same bytes elsewhere."""
        async with self._catalog.reading() as conn:
            digests, names = await bytes_of(conn, target, is_purged=False)
            found = [file for name in names for file in await files_of(conn, name)]
            await require_known(conn, target, names)
        return [
            file
            for file in found
            if file.facts.purged_at is None
            and (file.facts.sha256 in digests or covers(target, file.project, file.facts))
        ]

    async def event_of(self, text: str) -> EventTarget:
        """The event that an id or a cursor names. Raises NotThereError where none that is held has it."""
        async with self._catalog.reading() as conn:
            return await event_of(conn, text)

    async def finish(self) -> None:
        """Does what earlier orders have left to be done; to be called at each start."""
        async with self._catalog.reading() as conn:
            left = await acts.unsettled(conn)
            buried = await tombstones.all_buried(conn)
        for act in left:
            await self._settle(act.number, act.verb, parse_target(act.target))
            log.info("order.finished_late", act=act.number, verb=act.verb)
        # A process that died after it had stored banned bytes, and before it was told so, left them there.
        for digest in buried:
            async with self._catalog.writing() as conn:
                if await tombstones.hold(conn, digest):
                    await sealed.forget(conn, digest)
                    await self._store.delete(StoreKey(digest))
        await self._note()
        await self._carry_out_again()

    async def _note(self) -> None:
        """Notes beside the bytes the acts that do not stand there yet."""
        async with self._catalog.reading() as conn:
            missing = await acts.not_noted(conn)
        for act in missing:
            await self._store.write_act(act.name, encode(act))
            reached("order.noted")
            async with self._catalog.writing() as conn:
                await acts.noted(conn, act.number, now=self._now())

    async def _carry_out_again(self) -> None:
        """Carries out what stands beside the bytes and is not in the catalog, as after its loss, in the order of time.

        A release is for the files that it was given for: as long as none of them is known, it waits for a later start.
        """
        async with self._catalog.reading() as conn:
            known = await acts.names(conn)
        # In the order of their names, which is that of time.
        async with aclosing(self._store.acts(without=known)) as notes:
            async for name, body in notes:
                act = decode(name, body)
                if act is None:
                    log.warning("order.note_unreadable", name=presentable(name))
                else:
                    await self._carry_out_noted(act)

    async def _carry_out_noted(self, act: NotedAct) -> None:
        try:
            async with self._catalog.writing() as conn:
                done = await self._carry_out(conn, act.order, noted=act)
                if done is None:
                    return  # another process was first
                await acts.noted(conn, done.act, now=self._now())
        except NotThereError as e:
            log.info("order.still_waits", name=act.name, verb=act.order.verb, reason=str(e))
            return
        await self._settle(done.act, act.order.verb, act.order.target)
        log.info("order.carried_out_again", act=done.act, verb=act.order.verb, target=str(act.order.target))

    async def _carry_out(self, conn: Connection, order: Order, noted: NotedAct | None = None) -> CarriedOut | None:
        """What was done; None where that very act is known already."""
        at = noted.at if noted is not None else self._now()
        name = noted.name if noted is not None else name_of(at, secrets.token_hex(6))
        number = await acts.record(conn, order, name=name, at=at)
        if number is None:
            return None
        target = order.target
        if isinstance(target, BrakeTarget):
            return await self._obeyed(conn, order, number, (), lambda memory, _: Obeyed(memory, ()))
        if isinstance(target, EventTarget):
            return await self._redact(conn, order, number, target, at=at)
        match order.verb:
            case Verb.BLOCK | Verb.UNBLOCK:
                return await self._change_blocks(conn, order, number, target, is_again=noted is not None)
            case Verb.RELEASE:
                return await self._release(conn, order, number, target, noted)
            case Verb.PURGE:
                return await self._purge(conn, order, number, target, noted)
            case Verb.UNPURGE:
                return await self._unpurge(conn, order, number, target, noted)
            case Verb.ADOPT:
                # What was adopted is more than an order says: whoever still has the bytes can import them again.
                raise NotThereError(f"{target} is imported again, or not at all")
            case Verb.REDACT:
                raise NotThereError(f"{target} is no event")
            case _:
                assert_never(order.verb)

    async def _change_blocks(
        self, conn: Connection, order: Order, number: int, target: FilesTarget, *, is_again: bool
    ) -> CarriedOut:
        names = await projects_of(conn, target)
        if order.verb is Verb.BLOCK:
            await acts.add_block(conn, number, target)
        elif not await acts.remove_blocks(conn, target) and not is_again:
            await require_known(conn, target, names)
        return await self._obeyed(
            conn, order, number, names, lambda memory, standing: blocked_anew(memory, target, standing)
        )

    async def _release(
        self, conn: Connection, order: Order, number: int, target: FilesTarget, noted: NotedAct | None
    ) -> CarriedOut:
        names = await projects_of(conn, target)
        await require_known(conn, target, names)
        only = noted.digests if noted is not None else None
        done = await self._obeyed(
            conn,
            order,
            number,
            names,
            lambda memory, _: released(memory, target, number, as_was=order.as_was, only=only),
        )
        digests = {file.after.sha256 for file in done.files if file.after.sha256 is not None}
        if only is not None and not digests:
            raise NotThereError(f"of what {target} meant then nothing is known here")
        await acts.set_digests(conn, number, only if only is not None else digests)
        return done

    async def _purge(
        self, conn: Connection, order: Order, number: int, target: FilesTarget, noted: NotedAct | None
    ) -> CarriedOut:
        now = self._now()
        if noted is None:
            digests, names = await bytes_of(conn, target, is_purged=False)
            await require_known(conn, target, names)
        else:
            digests, names = noted.digests, await tombstones.projects_with(conn, noted.digests)
        await acts.set_digests(conn, number, digests)
        await tombstones.bury(conn, digests, act=number, now=now)
        done = await self._obeyed(conn, order, number, names, lambda memory, _: purged(memory, target, digests, now))
        await tombstones.condemn(conn, digests | siblings_of(done.files), act=number)
        return done

    async def _unpurge(
        self, conn: Connection, order: Order, number: int, target: FilesTarget, noted: NotedAct | None
    ) -> CarriedOut:
        if noted is None:
            digests, names = await bytes_of(conn, target, is_purged=True)
            await require_known(conn, target, names)
        else:
            digests, names = noted.digests, await tombstones.projects_with(conn, noted.digests)
        await acts.set_digests(conn, number, digests)
        await tombstones.exhume(conn, digests)
        return await self._obeyed(conn, order, number, names, lambda memory, _: unpurged(memory, target, digests))

    async def _redact(
        self, conn: Connection, order: Order, number: int, target: EventTarget, *, at: datetime
    ) -> CarriedOut:
        if not await redactions.redact(conn, target.id, act=number, now=at):
            raise NotThereError(f"no event of that id is held: {target.id}")
        done = await self._obeyed(conn, order, number, (), lambda memory, _: Obeyed(memory, ()))
        # The head of the events is locked by now, and nothing else may be after that.
        await redactions.count(conn)
        return done

    async def _obeyed(
        self, conn: Connection, order: Order, number: int, names: Iterable[ProjectName], obey: Obey
    ) -> CarriedOut:
        about = await observe.order(
            conn,
            Act(number, order.verb, str(order.target), order.reason),
            names,
            target=order.target,
            obey=obey,
            rules=self._rules,
            now=self._now(),
        )
        return CarriedOut(number, about)

    async def _settle(self, number: int, verb: Verb, target: Target) -> None:
        async with self._catalog.writing() as conn:
            await acts.see_all_in_view(conn)
        for name in await self._overlooked(number, verb, target):
            async with self._catalog.writing() as conn:
                await observe.overlooked(conn, [name], rules=self._rules, now=self._now())
        async with self._catalog.reading() as conn:
            condemned = await tombstones.condemned(conn)
            needed = await tombstones.still_needed(conn, condemned)
        for digest in condemned:
            await self._destroy(digest, is_needed=digest in needed)
        async with self._catalog.writing() as conn:
            await acts.settle(conn, number, now=self._now())

    async def _overlooked(self, number: int, verb: Verb, target: Target) -> list[ProjectName]:
        """The projects in which there may be files that were stored as if the order had not been given."""
        async with self._catalog.reading() as conn:
            if verb is Verb.PURGE:
                return await tombstones.projects_with(conn, await tombstones.of_act(conn, number))
            if verb in (Verb.BLOCK, Verb.UNBLOCK) and not isinstance(target, BrakeTarget | EventTarget):
                return await projects_of(conn, target)
        return []

    async def _destroy(self, digest: Sha256, *, is_needed: bool) -> None:
        # The row is gone only with the commit, and nobody can take the ban back before that.
        async with self._catalog.writing() as conn:
            if await tombstones.reprieve(conn, digest) and not is_needed:
                # Whoever is moving the object is waited for, and nobody will.
                await sealed.forget(conn, digest)
                await self._store.delete(StoreKey(digest))
