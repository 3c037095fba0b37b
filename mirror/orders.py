"""Carries out what operators order: the act in one transaction, then what can only follow its commit.

What follows: files that were being stored meanwhile are put under the order as well, and the objects of purged files
are destroyed. Until that is done the act counts as unsettled; `finish` makes up for what a crash cut off.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import structlog

from mirror import observe
from mirror.catalog import acts, files, projects, tombstones
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.files import FoundFile
from mirror.changes.orders import Obeyed, blocked_anew, purged, released, unpurged
from mirror.errors import NotThereError, StoreError
from mirror.events import Act
from mirror.model import FileFacts
from mirror.names import ProjectName, Sha256
from mirror.observe import Obey, Ordered
from mirror.states import Rules
from mirror.store.interface import Store
from mirror.store.keys import StoreKey
from mirror.targets import BrakeTarget, BytesTarget, FilesTarget, Order, Target, Verb, covers, parse_target

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
        log.debug("order.carried_out", act=done.act, verb=order.verb, target=str(order.target), files=len(done.files))
        try:
            await self._settle(done.act, order.verb, order.target)
        except StoreError as e:
            raise StoreError(
                f"act {done.act} is in force, but its bytes are only destroyed at the next start: {e}"
            ) from e
        return done

    async def would_purge(self, target: FilesTarget) -> list[FoundFile]:
        """The files that a purge of the target would destroy, also those that have the same bytes elsewhere."""
        async with self._catalog.reading() as conn:
            digests, names = await _bytes_of(conn, target, is_purged=False)
            found = [file for name in names for file in await _files_of(conn, name)]
            await _require_known(conn, target, names)
        return [
            file
            for file in found
            if file.facts.purged_at is None
            and (file.facts.sha256 in digests or covers(target, file.project, file.facts))
        ]

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
                    await self._store.delete(StoreKey(digest))

    async def _carry_out(self, conn: Connection, order: Order) -> CarriedOut:
        number = await acts.record(conn, order, now=self._now())
        target = order.target
        if isinstance(target, BrakeTarget):
            return await self._obeyed(conn, order, number, (), lambda memory, _: Obeyed(memory, ()))
        match order.verb:
            case Verb.BLOCK | Verb.UNBLOCK:
                return await self._change_blocks(conn, order, number, target)
            case Verb.RELEASE:
                names = await _projects_of(conn, target)
                await _require_known(conn, target, names)
                as_was = order.as_was
                return await self._obeyed(
                    conn, order, number, names, lambda memory, _: released(memory, target, number, as_was=as_was)
                )
            case Verb.PURGE:
                return await self._purge(conn, order, number, target)
            case Verb.UNPURGE:
                return await self._unpurge(conn, order, number, target)
            case _:
                assert_never(order.verb)

    async def _change_blocks(self, conn: Connection, order: Order, number: int, target: FilesTarget) -> CarriedOut:
        names = await _projects_of(conn, target)
        if order.verb is Verb.BLOCK:
            await acts.add_block(conn, number, target)
        elif not await acts.remove_blocks(conn, target):
            await _require_known(conn, target, names)
        return await self._obeyed(
            conn, order, number, names, lambda memory, standing: blocked_anew(memory, target, standing)
        )

    async def _purge(self, conn: Connection, order: Order, number: int, target: FilesTarget) -> CarriedOut:
        now = self._now()
        digests, names = await _bytes_of(conn, target, is_purged=False)
        await _require_known(conn, target, names)
        await tombstones.bury(conn, digests, act=number, now=now)
        done = await self._obeyed(conn, order, number, names, lambda memory, _: purged(memory, target, digests, now))
        await tombstones.condemn(conn, digests | _siblings_of(done.files), act=number)
        return done

    async def _unpurge(self, conn: Connection, order: Order, number: int, target: FilesTarget) -> CarriedOut:
        digests, names = await _bytes_of(conn, target, is_purged=True)
        await _require_known(conn, target, names)
        await tombstones.exhume(conn, digests)
        return await self._obeyed(conn, order, number, names, lambda memory, _: unpurged(memory, target, digests))

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
            if verb in (Verb.BLOCK, Verb.UNBLOCK) and not isinstance(target, BrakeTarget):
                return await _projects_of(conn, target)
        return []

    async def _destroy(self, digest: Sha256, *, is_needed: bool) -> None:
        # The row is gone only with the commit, and nobody can take the ban back before that.
        async with self._catalog.writing() as conn:
            if await tombstones.reprieve(conn, digest) and not is_needed:
                await self._store.delete(StoreKey(digest))


async def _projects_of(conn: Connection, target: FilesTarget) -> list[ProjectName]:
    if isinstance(target, BytesTarget):
        return await tombstones.projects_with(conn, [target.sha256])
    return [target.project]


async def _files_of(conn: Connection, name: ProjectName) -> list[FoundFile]:
    project = await projects.find(conn, name)
    return [FoundFile(name, facts) for facts in await files.of_project(conn, project)] if project else []


async def _bytes_of(
    conn: Connection, target: FilesTarget, *, is_purged: bool
) -> tuple[frozenset[Sha256], list[ProjectName]]:
    """The bytes of those files of the target that are purged, or are not, and all projects that have such bytes."""
    if isinstance(target, BytesTarget):
        return frozenset({target.sha256}), await _projects_of(conn, target)
    digests = frozenset(
        file.facts.sha256
        for file in await _files_of(conn, target.project)
        if file.facts.sha256 is not None
        and (file.facts.purged_at is not None) is is_purged
        and covers(target, file.project, file.facts)
    )
    return digests, sorted({target.project, *await tombstones.projects_with(conn, digests)})


async def _require_known(conn: Connection, target: FilesTarget, names: Iterable[ProjectName]) -> None:
    for name in names:
        if any(covers(target, name, file.facts) for file in await _files_of(conn, name)):
            return
    raise NotThereError(f"no file is known here that {target} could mean; `everpin explain` says what is known")


def _siblings_of(done: Iterable[Ordered]) -> frozenset[Sha256]:
    return frozenset(digest for file in done for digest in _siblings(file.before))


def _siblings(file: FileFacts) -> Iterator[Sha256]:
    metadata = file.listed_file.core_metadata
    if file.metadata_stored_at is not None and isinstance(metadata, str):
        yield metadata
    if file.provenance_sha256 is not None:
        yield file.provenance_sha256
