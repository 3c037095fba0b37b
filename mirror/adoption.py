"""Takes in bytes that came from elsewhere: another mirror's tree, a directory of wheels, a cache, a bucket.

Bytes that the catalog knows by their sha256 are adopted whatever they are called; that is how a lost file comes back.
What it does not know enters only where an operator vouches for it, with an act that is recorded and told.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePath

import structlog

from mirror import observe
from mirror.catalog import acts, files, holdings, projects, tombstones
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.files import FoundFile
from mirror.changes.adoptions import adopted
from mirror.errors import EverpinError, StoreError, WrongBytesError
from mirror.events import Act, presentable
from mirror.index.owners import owners_of
from mirror.model import ListedFile, ProjectFacts
from mirror.names import ProjectName, Sha256
from mirror.noted_acts import name_of
from mirror.observe import Ordered
from mirror.offers import Digests, Offered
from mirror.states import Rules
from mirror.store import scratch
from mirror.store.interface import Store
from mirror.store.keys import Blob, StoreKey
from mirror.targets import Order, ProjectTarget
from mirror.upstream.versions import Versions, is_distribution

log = structlog.get_logger()

_SCANNED_AT_A_TIME = 10_000


class Outcome(StrEnum):
    """What became of bytes that were offered."""

    ADOPTED = "adopted"
    HERE = "already here"
    VOUCHED = "vouched for"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Taken:
    """Bytes that were offered and what became of them; `reason` where that needs saying."""

    name: str
    outcome: Outcome
    reason: str = ""


class Adopter:
    """Takes in what is offered, one after the other, and remembers what it did not know until `end`.

    `observe_page` asks upstream for the page of a project that is not known yet; it raises what that raises.
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
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._spool_dir = spool_dir
        self._rules = rules
        self._now = now
        self._observe_page = observe_page
        self._looked_at: set[ProjectName] = set()
        self._strange: list[tuple[Offered, Digests]] = []

    async def take(self, offered: Offered) -> Taken | None:
        """Adopts bytes that the catalog knows; None where more must be looked at to find out, at the end."""
        digests = await offered.digests()
        ids = await self._known(offered.name, digests)
        if not ids:
            self._strange.append((offered, digests))
            return None
        return await self._adopt(offered, digests, ids)

    async def end(self, *, vouching: Order | None = None) -> AsyncIterator[Taken]:
        """What became of the rest: known after all, vouched for by the order, or unknown."""
        strangers, self._strange = self._strange, []
        for start in range(0, len(strangers), _SCANNED_AT_A_TIME):
            batch = strangers[start : start + _SCANNED_AT_A_TIME]
            async with self._catalog.reading() as conn:
                found = await holdings.with_bytes(conn, {digests.sha256 for _, digests in batch})
            for offered, digests in batch:
                if ids := found.get(digests.sha256):
                    yield await self._adopt(offered, digests, ids)
                elif vouching is None:
                    yield Taken(offered.name, Outcome.UNKNOWN)
                else:
                    yield await self._vouch(offered, digests, vouching)

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
            project = await projects.find(conn, name)
        if project is None and name not in self._looked_at:
            self._looked_at.add(name)
            try:
                await self._observe_page(name)
            except EverpinError as e:
                log.info("adoption.page_not_seen", project=name, error=str(e))
            async with self._catalog.reading() as conn:
                project = await projects.find(conn, name)
        if project is None:
            return []
        async with self._catalog.reading() as conn:
            known = await files.of_project(conn, project)
        return [file.id for file in known if file.sha256 == sha256 and file.id is not None]

    async def _adopt(self, offered: Offered, digests: Digests, ids: Iterable[int]) -> Taken:
        async with self._catalog.reading() as conn:
            known = [found for file_id in ids if (found := await files.by_id(conn, file_id)) is not None]
        if not known or any(found.facts.purged_at is not None for found in known):
            return Taken(offered.name, Outcome.REFUSED, "an operator had these bytes destroyed")
        is_here = await self._store.size(StoreKey(digests.sha256)) == digests.size
        if is_here and all(found.facts.stored_at is not None for found in known):
            return Taken(offered.name, Outcome.HERE)
        first = known[0]
        await self._put(offered, digests, Blob(first.facts.filename, first.project, first.facts.version))
        for found in known:
            if not await self._recorded(found, digests):
                await self._store.delete(StoreKey(digests.sha256))
                return Taken(offered.name, Outcome.REFUSED, "an operator had these bytes destroyed")
        return Taken(offered.name, Outcome.ADOPTED)

    async def _recorded(self, found: FoundFile, digests: Digests) -> bool:
        async with self._catalog.writing() as conn:
            return found.facts.id is None or await observe.file_stored(
                conn,
                found.facts.id,
                sha256=digests.sha256,
                size=digests.size,
                source=found.facts.hash_source,
                rules=self._rules,
                now=self._now(),
            )

    async def _vouch(self, offered: Offered, digests: Digests, order: Order) -> Taken:
        name = PurePath(offered.name).name
        owners = owners_of(name) if is_distribution(name) else []
        version = Versions(owners[0], ()).of(name) if owners else None
        if version is None:
            return Taken(offered.name, Outcome.REFUSED, "its name does not say of which project and version it is")
        async with self._catalog.reading() as conn:
            if await tombstones.is_buried(conn, digests.sha256):
                return Taken(offered.name, Outcome.REFUSED, "an operator had these bytes destroyed")
        project = owners[0]
        await self._put(offered, digests, Blob(name, project, version))
        listed = ListedFile(name, "", digests.sha256, version, digests.size, None)
        async with self._catalog.writing() as conn:
            done = await self._vouched(conn, project, listed, replace(order, target=ProjectTarget(project)))
        if not done:
            return Taken(offered.name, Outcome.REFUSED, "another file of that name is known")
        if any(file.after.purged_at is not None for file in done):
            await self._store.delete(StoreKey(digests.sha256))
            return Taken(offered.name, Outcome.REFUSED, "an operator had these bytes destroyed")
        state = done[0].after.state
        return Taken(offered.name, Outcome.VOUCHED, f"{project} {version}, {state}")

    async def _vouched(
        self, conn: Connection, project: ProjectName, listed: ListedFile, order: Order
    ) -> tuple[Ordered, ...]:
        now = self._now()
        if not await projects.lock(conn, [project]):
            await projects.insert(conn, ProjectFacts(None, project, project, now, absent_since=now))
        number = await acts.record(conn, order, name=name_of(now, secrets.token_hex(6)), at=now)
        done = await observe.order(
            conn,
            Act(number, order.verb, str(order.target), order.reason),
            [project],
            target=order.target,
            obey=lambda memory, _: adopted(memory, [listed], number, now),
            rules=self._rules,
            now=now,
        )
        await acts.set_digests(conn, number, [listed.sha256] if listed.sha256 else [])
        await acts.settle(conn, number, now=now)
        return done

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
