"""Takes in bytes that came from elsewhere: another mirror's tree, a directory of wheels, a cache, a bucket.

Bytes that the catalog knows by their sha256 are adopted whatever they are called; that is how a lost file comes back.
What it does not know enters only where an operator vouches for it, with an act that is recorded and told.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePath

import structlog

from mirror import observe
from mirror.catalog import acts, evictions, files, holdings, projects, rows, sealed
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.files import FoundFile
from mirror.changes.adoptions import adopted, is_blocked, is_quarantined
from mirror.errors import CatalogUnavailableError, EverpinError, RefusedError, StoreError, WrongBytesError
from mirror.events import Act, presentable
from mirror.index.owners import owners_of
from mirror.model import ListedFile, ProjectFacts
from mirror.names import ProjectName, Sha256
from mirror.noted_acts import name_of
from mirror.offers import Digests, Offered
from mirror.states import Rules
from mirror.store import scratch
from mirror.store.interface import Store
from mirror.store.keys import Blob, StoreKey
from mirror.targets import Order, ProjectTarget
from mirror.upstream.versions import Versions, is_distribution

log = structlog.get_logger()

# Each time all files are read; and so many are remembered at most.
_SOUGHT_AT_A_TIME = 50_000
_BANNED = "an operator had these bytes destroyed"
_PRIVATE = "its name is private to this mirror (upstream.private_names)"
_TAKEN = "another file of that name is known"


class Outcome(StrEnum):
    """What became of bytes that were offered."""

    ADOPTED = "adopted"
    HERE = "already here"
    VOUCHED = "vouched for"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Taken:
    """Bytes that were offered and what became of them; `reason` where that needs saying."""

    name: str
    outcome: Outcome
    reason: str = ""


class Adopter:
    """Takes in what is offered, one after the other; what it does not know at once it finds out about in batches.

    `observe_page` asks upstream for the page of a project that is not known yet; it raises what that raises. With
    `vouching`, an order, unknown bytes are taken in, too. Nothing is taken in under a `private` name.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: Store,
        spool_dir: Path,
        rules: Rules,
        now: Callable[[], datetime],
        observe_page: Callable[[ProjectName], Awaitable[object]],
        private: Container[str] = (),
        vouching: Order | None = None,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._spool_dir = spool_dir
        self._rules = rules
        self._now = now
        self._observe_page = observe_page
        self._private = private
        self._vouching = vouching
        self._looked_at: set[ProjectName] = set()
        self._strange: list[tuple[Offered, Digests]] = []

    async def take(self, offered: Offered) -> AsyncIterator[Taken]:
        """What became of it, or, where more had to be looked at to find out, of those before it."""
        digests = await offered.digests()
        ids = await self._known(offered.name, digests)
        if ids:
            yield await self._adopt(offered, digests, ids)
            return
        self._strange.append((offered, digests))
        if len(self._strange) == _SOUGHT_AT_A_TIME:
            async for taken in self.end():
                yield taken

    async def end(self) -> AsyncIterator[Taken]:
        """What became of the rest: known after all, vouched for by the order, or unknown."""
        strangers, self._strange = self._strange, []
        if not strangers:
            return
        async with self._catalog.reading() as conn:
            found = await holdings.with_bytes(conn, {digests.sha256 for _, digests in strangers})
        for offered, digests in strangers:
            try:
                yield await self._decided(offered, digests, found.get(digests.sha256, []))
            except EverpinError as e:
                yield Taken(offered.name, Outcome.FAILED, str(e))

    async def _decided(self, offered: Offered, digests: Digests, ids: list[int]) -> Taken:
        if not ids and self._vouching is not None:
            # The same bytes may have been offered before, under this name or another.
            ids = await self._known(offered.name, digests)
        if ids:
            return await self._adopt(offered, digests, ids)
        if self._vouching is None:
            return Taken(offered.name, Outcome.UNKNOWN)
        return await self._vouch(offered, digests, self._vouching)

    async def _known(self, name: str, digests: Digests) -> list[int]:
        """The files that have these bytes, as far as an index or the name leads to them."""
        async with self._catalog.reading() as conn:
            found = await holdings.at_paths(conn, [(digests.sha256, digests.blake2b)])
        if found:
            return found[digests.sha256]
        for project in owners_of(name) if is_distribution(name) else []:
            ids = await self._in_project(project, digests.sha256)
            if ids:
                return ids
        return []

    async def _in_project(self, name: ProjectName, sha256: Sha256) -> list[int]:
        async with self._catalog.reading() as conn:
            is_known = await projects.find(conn, name) is not None
        if not is_known and name not in self._looked_at:
            self._looked_at.add(name)
            try:
                await self._observe_page(name)
            except EverpinError as e:
                log.info("adoption.page_not_seen", project=name, error=str(e))
        async with self._catalog.reading() as conn:
            return await holdings.in_project(conn, name, sha256)

    async def _adopt(self, offered: Offered, digests: Digests, ids: Iterable[int]) -> Taken:
        async with self._catalog.reading() as conn:
            known = [found for file_id in ids if (found := await files.by_id(conn, file_id)) is not None]
        if not known or any(found.facts.purged_at is not None for found in known):
            return Taken(offered.name, Outcome.REFUSED, _BANNED)
        known = [found for found in known if found.project not in self._private]
        if not known:
            return Taken(offered.name, Outcome.REFUSED, _PRIVATE)
        is_here = offered.is_sealed or await self._store.size(StoreKey(digests.sha256)) == digests.size
        if is_here and all(found.facts.stored_at is not None for found in known):
            return Taken(offered.name, Outcome.HERE)
        first = known[0]
        await self._put(offered, digests, Blob(first.facts.filename, first.project, first.facts.version))
        for found in known:
            if not await self._recorded(found, offered, digests):
                await self._store.delete(StoreKey(digests.sha256))
                return Taken(offered.name, Outcome.REFUSED, _BANNED)
        return Taken(offered.name, Outcome.ADOPTED)

    async def _recorded(self, found: FoundFile, offered: Offered, digests: Digests) -> bool:
        if found.facts.id is None:
            return True
        async with self._catalog.writing() as conn:
            may_stay = await observe.file_stored(
                conn,
                found.facts.id,
                sha256=digests.sha256,
                size=digests.size,
                source=found.facts.hash_source,
                rules=self._rules,
                now=self._now(),
            )
            if may_stay:
                await self._require(conn, offered, digests)
        return may_stay

    async def _require(self, conn: Connection, offered: Offered, digests: Digests) -> None:
        """Has what was to make room stay. Raises StoreError where it is gone already: then nothing is recorded."""
        if offered.is_sealed:
            # Whether it stays so, the files say that have it.
            await sealed.announce(conn, [digests.sha256])
        elif await evictions.reprieve(conn, [digests.sha256]) and not await self._store.size(StoreKey(digests.sha256)):
            raise StoreError("the bytes were taken away while they were being noted; they can be imported again")

    async def _vouch(self, offered: Offered, digests: Digests, order: Order) -> Taken:
        name = PurePath(offered.name).name
        owners = owners_of(name) if is_distribution(name) else []
        version = Versions(owners[0], ()).of(name) if owners else None
        if version is None:
            return Taken(offered.name, Outcome.REFUSED, "its name does not say of which project and version it is")
        project = owners[0]
        listed = ListedFile(name, "", digests.sha256, version, digests.size, None)
        reason = await self._objection(offered, listed, owners)
        if reason is not None:
            return Taken(offered.name, Outcome.REFUSED, reason)
        await self._put(offered, digests, Blob(name, project, version))
        try:
            async with self._catalog.writing() as conn:
                found = await self._vouched(conn, project, listed, replace(order, target=ProjectTarget(project)))
                await self._require(conn, offered, digests)
        except RefusedError as e:
            return Taken(offered.name, Outcome.REFUSED, str(e))
        if found.facts.purged_at is not None:
            await self._store.delete(StoreKey(digests.sha256))
            return Taken(offered.name, Outcome.REFUSED, _BANNED)
        return Taken(offered.name, Outcome.VOUCHED, f"{project} {version}, {found.facts.state}")

    async def _objection(self, offered: Offered, listed: ListedFile, owners: Sequence[ProjectName]) -> str | None:
        """What speaks against taking in what only an operator vouches for."""
        if any(owner in self._private for owner in owners):
            return _PRIVATE
        async with self._catalog.reading() as conn:
            standing = await acts.standing(conn, owners[0], [listed.sha256])
            if listed.sha256 in standing.tombstones:
                return _BANNED
            if offered.is_sealed and not is_blocked(listed, owners[0], standing, self._now()):
                return "it was blocked, and nothing says any more by whom"
            if await holdings.is_taken(conn, owners[0], listed.filename):
                return _TAKEN
            is_known = await projects.find(conn, owners[0]) is not None
            if not is_known and is_quarantined(await rows.of_project(conn, owners[0]), listed.version or ""):
                return "upstream quarantined it and never took that back"
        return None

    async def _vouched(self, conn: Connection, project: ProjectName, listed: ListedFile, order: Order) -> FoundFile:
        """The file that this order made known. Raises RefusedError where another one has its name."""
        now = self._now()
        # For orders that are being given at the same time: they find what is stored here.
        await acts.keep_in_view(conn)
        if not await projects.lock(conn, [project]):
            await projects.insert(conn, ProjectFacts(None, project, project, now, absent_since=now))
        number = await acts.record(conn, order, name=name_of(now, secrets.token_hex(6)), at=now)
        if number is None:
            raise CatalogUnavailableError("two acts were given the same name; import it again")
        done = await observe.order(
            conn,
            Act(number, order.verb, str(order.target), order.reason),
            [project],
            target=order.target,
            obey=lambda memory, _: adopted(memory, [listed], number, now),
            rules=self._rules,
            now=now,
        )
        ids = await holdings.in_project(conn, project, listed.sha256) if done and listed.sha256 else []
        found = await files.by_id(conn, ids[-1]) if ids else None
        if found is None:
            raise RefusedError(_TAKEN)
        await acts.set_digests(conn, number, [listed.sha256] if listed.sha256 else [])
        await acts.settle(conn, number, now=now)
        return found

    async def _put(self, offered: Offered, digests: Digests, blob: Blob) -> None:
        """Puts a copy of the bytes into the store, checked once more: nobody else may change what was checked."""
        if offered.is_stored:
            return
        path, descriptor = await asyncio.to_thread(scratch.create, self._spool_dir, "import")
        try:
            sha256 = hashlib.sha256()
            async with aclosing(offered.chunks()) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(_append, descriptor, chunk, sha256)
            if sha256.hexdigest() != digests.sha256:
                raise WrongBytesError(f"{presentable(offered.name)} changed while it was read")
            await self._store.put(path, StoreKey(digests.sha256), blob=blob)
        except OSError as e:
            raise StoreError(f"there is no copying to {self._spool_dir}: {e.strerror}") from e
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def _append(descriptor: int, chunk: bytes, sha256: "hashlib._Hash") -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    sha256.update(chunk)
