"""What every store promises. One suite of tests holds all stores to it."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol

from mirror.store.keys import Blob, StoreKey

CHUNK = 256 * 2**10
"""Stores hand out bytes in chunks of at most so many."""


class Store(Protocol):
    """Keeps whole objects. Not there is None or NotThereError; StoreError always means: could not know or do it."""

    async def check(self) -> None:
        """To be called once before use: makes the store ready and clears what interrupted puts left behind.

        Raises StartError with the way out where it cannot be written to.
        """
        ...

    async def put(self, spool: Path, key: StoreKey, *, blob: Blob | None = None) -> None:
        """Stores a copy of the file `spool`, whose bytes were verified and which must never be written to again.

        When it returns, the object is durable and complete; until then it is not visible at all. Putting the same key
        again is harmless. The spool stays the caller's to delete.
        """
        ...

    async def size(self, key: StoreKey) -> int | None:
        """The object's size in bytes, None where there is no such object."""
        ...

    async def adopt(self, key: StoreKey) -> int | None:
        """As `size`, of an object whose put nobody saw end, as after a crash: now it is as durable as after one."""
        ...

    def read(self, key: StoreKey, *, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to but without `stop` (None: the end). Raises NotThereError."""
        ...

    async def delete(self, key: StoreKey) -> None:
        """Destroys the object; harmless where there is none."""
        ...

    def local_path(self, key: StoreKey) -> Path | None:
        """Where the bytes would be a file on this host, so that the kernel can send them; None where they never are.

        Says nothing about whether the object is there: opening the file does.
        """
        ...
