"""How everpin dies in a history: in the middle of its work, just before or just after one of its commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mirror.catalog.database import Catalog, Connection


class CrashError(Exception):
    """Everpin dies here."""


class CrashingCatalog(Catalog):
    """Fails in one of its transactions: just before the commit, or just after it."""

    def __init__(self, catalog: Catalog, *, transaction: int, before_commit: bool) -> None:
        super().__init__(catalog._pool, catalog.url)
        self._left = transaction
        self._before_commit = before_commit

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        self._left -= 1
        async with super().writing() as conn:
            yield conn
            if self._left == 0 and self._before_commit:
                raise CrashError
        if self._left == 0:
            raise CrashError
