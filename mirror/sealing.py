"""Moves the bytes of what is blocked to where only this mirror reaches them, and back when nothing blocks them.

A file is refused from the moment that the catalog says so, whatever is done here. But bytes in a bucket can be had by
others who may read it, and by those who were sent there a moment before. When a block ends, whoever serves the file
first does not wait for this: see `Supply.stored`.
"""

from collections.abc import Awaitable, Callable

import structlog

from mirror.catalog import sealed
from mirror.catalog.database import Catalog, Connection
from mirror.errors import StoreError
from mirror.names import Sha256
from mirror.seams import reached
from mirror.store.interface import Store
from mirror.store.keys import StoreKey

log = structlog.get_logger()

_AT_A_TIME = 500


class Sealer:
    """Seals and unseals what is due, one object after the other. Only one may be at it on a store: the leader's."""

    def __init__(self, catalog: Catalog, store: Store) -> None:
        self._catalog = catalog
        self._store = store

    async def tick(self) -> None:
        """Seals what is blocked and unseals what is not, as far as the store can be reached."""
        async with self._catalog.reading() as conn:
            blocked = await sealed.to_seal(conn, limit=_AT_A_TIME)
            free = await sealed.to_unseal(conn, limit=_AT_A_TIME)
        await self._move(blocked, self._store.seal, sealed.note)
        await self._move(free, self._store.unseal, sealed.forget)

    async def _move(
        self,
        digests: list[Sha256],
        move: Callable[[StoreKey], Awaitable[None]],
        note: Callable[[Connection, list[Sha256]], Awaitable[None]],
    ) -> None:
        for digest in digests:
            try:
                await move(StoreKey(digest))
            except StoreError as e:
                # The next round tries again.
                log.warning("sealing.failed", sha256=digest, error=str(e))
                continue
            reached("sealing.moved")
            async with self._catalog.writing() as conn:
                await note(conn, [digest])
