"""Compares what the store holds with what the catalog says it holds, and mends what can be mended.

Each object is read, or vouched for by the store itself, and must have the digest that it is named by. What does not is
taken out and, on request, fetched again; a file that upstream no longer has either becomes `lost`, and the operator is
told.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror import observe
from mirror.catalog import backlog, files, holdings
from mirror.catalog.backlog import Priority
from mirror.catalog.database import Catalog
from mirror.catalog.files import FoundFile
from mirror.catalog.holdings import Holding
from mirror.errors import EverpinError, NotThereError, RefusedError, StoreError, WrongBytesError
from mirror.index.paths import Kind
from mirror.model import State
from mirror.names import ProjectName, Sha256
from mirror.states import Rules
from mirror.store.interface import Store
from mirror.store.keys import StoreKey
from mirror.supply import Supply

_AT_A_TIME = 200
_MOST_UNREADABLE = 20


class Damage(StrEnum):
    """What is wrong with an object."""

    MISSING = "missing"
    CHANGED = "changed"
    UNREADABLE = "unreadable"


class Outcome(StrEnum):
    """What became of a damaged object."""

    LEFT = "left"
    REPAIRED = "repaired"
    LOST = "lost"
    NOT_NOW = "not now"


@dataclass(frozen=True, slots=True)
class Finding:
    """An object that is not what it should be, and what became of it; `reason` where it could not be mended."""

    project: ProjectName
    filename: str
    sha256: Sha256
    damage: Damage
    outcome: Outcome
    reason: str = ""


class Verifier:
    """Looks at objects one after the other. With `supply`, it mends."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: Store,
        rules: Rules,
        now: Callable[[], datetime],
        supply: Supply | None = None,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._rules = rules
        self._now = now
        self._supply = supply
        self._unreadable = 0

    async def count(self, most: int | None) -> int:
        """How many files there are to look at, but `most` at most."""
        async with self._catalog.reading() as conn:
            found = await holdings.count(conn)
        return found if most is None else min(found, most)

    async def sample(self, count: int) -> AsyncIterator[tuple[Holding, list[Finding]]]:
        """So many files drawn by lot, each with what was found."""
        async with self._catalog.reading() as conn:
            drawn = await holdings.some(conn, count)
        for holding in drawn:
            yield holding, await self._look_at(holding)

    async def all(self) -> AsyncIterator[tuple[Holding, list[Finding]]]:
        """Every file, each with what was found."""
        last = 0
        while True:
            async with self._catalog.reading() as conn:
                batch = await holdings.after(conn, last, limit=_AT_A_TIME)
            if not batch:
                return
            for holding in batch:
                yield holding, await self._look_at(holding)
            last = batch[-1].file_id

    async def _look_at(self, holding: Holding) -> list[Finding]:
        found = []
        for kind, sha256 in _objects(holding):
            damage, reason = await self._damage(holding, kind, sha256)
            if damage is not None and await self._is_still_wanted(holding, kind, sha256):
                outcome = Outcome.LEFT
                if self._supply is not None and damage is not Damage.UNREADABLE:
                    outcome, reason = await self._mended(holding, kind, sha256, self._supply)
                name = holding.filename + kind.suffix
                found.append(Finding(holding.project, name, sha256, damage, outcome, reason))
        if found:
            async with self._catalog.writing() as conn:
                await holdings.note_failures(conn, len(found))
        return found

    async def _damage(self, holding: Holding, kind: Kind, sha256: Sha256) -> tuple[Damage | None, str]:
        """What is wrong, and with what cannot be read, why. StoreError where one thing after the other cannot be."""
        try:
            damage = await self._seen(holding, kind, StoreKey(sha256))
        except StoreError as e:
            # A bad sector spoils an object; a store that is away has spoilt none.
            self._unreadable += 1
            if self._unreadable > _MOST_UNREADABLE:
                raise
            return Damage.UNREADABLE, str(e)
        self._unreadable = 0
        return damage, ""

    async def _seen(self, holding: Holding, kind: Kind, key: StoreKey) -> Damage | None:
        size = await self._store.size(key)
        if kind is Kind.FILE and size is not None and holding.size not in (None, size):
            return Damage.CHANGED
        digest = await self._store.digest(key)
        if digest is None:
            return Damage.MISSING
        return None if digest == key.sha256 else Damage.CHANGED

    async def _is_still_wanted(self, holding: Holding, kind: Kind, sha256: Sha256) -> bool:
        """Whether the catalog says so still: it may have been purged, or have made room, a moment ago."""
        async with self._catalog.reading() as conn:
            found = await files.by_id(conn, holding.file_id)
        if found is None:
            return False
        facts = found.facts
        if kind is Kind.PROVENANCE:
            return facts.provenance_sha256 == sha256
        stored_at = facts.stored_at if kind is Kind.FILE else facts.metadata_stored_at
        return stored_at is not None

    async def _mended(self, holding: Holding, kind: Kind, sha256: Sha256, supply: Supply) -> tuple[Outcome, str]:
        try:
            return await self._mend(holding, kind, sha256, supply)
        except StoreError as e:
            return Outcome.NOT_NOW, str(e)

    async def _mend(self, holding: Holding, kind: Kind, sha256: Sha256, supply: Supply) -> tuple[Outcome, str]:
        if not await self._is_taken_out(holding, kind, StoreKey(sha256)):
            return Outcome.REPAIRED, "by somebody else"
        found = await self._wanted_again(holding, kind)
        if found is None:
            return Outcome.NOT_NOW, "it is blocked"
        try:
            await supply.fetch(found, kind).finished()
        except (NotThereError, RefusedError, WrongBytesError) as e:
            if kind is Kind.FILE:
                async with self._catalog.writing() as conn:
                    await observe.file_lost(conn, holding.file_id, rules=self._rules, now=self._now())
            return Outcome.LOST, str(e)
        except EverpinError as e:
            return Outcome.NOT_NOW, str(e)
        return Outcome.REPAIRED, ""

    async def _is_taken_out(self, holding: Holding, kind: Kind, key: StoreKey) -> bool:
        """Whether a wrong object is gone now. Looked at once more: another one may have mended it meanwhile."""
        damage = await self._seen(holding, kind, key)
        if damage is Damage.CHANGED:
            await self._store.delete(key)
        return damage is not None

    async def _wanted_again(self, holding: Holding, kind: Kind) -> FoundFile | None:
        """Has the keeper fetch it, too, if this does not come to its end; None where it may not be had."""
        now = self._now()
        async with self._catalog.writing() as conn:
            await observe.not_stored(conn, holding.file_id, kind, rules=self._rules, now=now)
            found = await files.by_id(conn, holding.file_id)
            if found is None or found.facts.state in (State.BLOCKED, State.PURGED):
                return None
            priority = Priority.RESCUE if found.facts.is_gone else Priority.REQUESTED
            await backlog.add(conn, [holding.file_id], priority, now=now)
        return found


def _objects(holding: Holding) -> Iterator[tuple[Kind, Sha256]]:
    pairs = ((Kind.FILE, holding.sha256), (Kind.METADATA, holding.metadata), (Kind.PROVENANCE, holding.provenance))
    for kind, sha256 in pairs:
        if sha256 is not None:
            yield kind, sha256
