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
        if not blocked and not free:
            return
        # Whatever a crash leaves, what is sealed is known to be, and what is visible is not taken for sealed.
        async with self._catalog.writing() as conn:
            await sealed.announce(conn, [*blocked, *free])
        for digest in blocked:
            await self._move(digest, sealed.is_to_seal, self._store.seal, sealed.note)
        for digest in free:
            await self._move(digest, sealed.is_to_unseal, self._store.unseal, sealed.forget)

    async def _move(
        self,
        digest: Sha256,
        is_due: Callable[[Connection, Sha256], Awaitable[bool]],
        move: Callable[[StoreKey], Awaitable[None]],
        note: Callable[[Connection, Sha256], Awaitable[None]],
    ) -> None:
        """Moves an object, if that is still due: it may take a while until it is an object's turn."""
        try:
            async with self._catalog.writing() as conn:
                # In one transaction with the move: whoever destroys or lends the object waits, or was first.
                if not await sealed.hold(conn, digest) or not await is_due(conn, digest):
                    return
                await move(StoreKey(digest))
                reached("sealing.moved")
                await note(conn, digest)
        except StoreError as e:
            # The next round tries again.
            log.warning("sealing.failed", sha256=digest, error=str(e))
