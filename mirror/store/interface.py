"""What every store promises. One suite of tests holds all stores to it."""

from collections.abc import AsyncGenerator, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mirror.names import Sha256
from mirror.store.keys import Blob, StoreKey

LONGEST_ACT = 64 * 2**20
"""No act's note is longer: one that is about a million files comes to that."""

CHUNK = 256 * 2**10
"""Stores hand out bytes in chunks of at most so many."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a store lists it. `blob` is what was noted beside it, None where the store notes nothing."""

    key: StoreKey
    size: int
    is_sealed: bool = False
    blob: Blob | None = None


class Store(Protocol):
    """Keeps whole objects. Not there is None or NotThereError; StoreError always means: could not know or do it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What `check` found to endanger the bytes, in sentences for an operator."""
        ...

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
        """Destroys the object for good, sealed or not, with all its versions; harmless where there is none."""
        ...

    def local_path(self, key: StoreKey) -> Path | None:
        """Where the bytes would be a file on this host, so that the kernel can send them; None where they never are.

        Says nothing about whether the object is there: opening the file does.
        """
        ...

    async def address(self, key: StoreKey) -> str | None:
        """An address outside of this mirror that a client can be sent to, and that works for a minute at most.

        None where clients get the bytes from this mirror. Says nothing about whether the object is there.
        """
        ...

    async def seal(self, key: StoreKey) -> None:
        """Moves the object to where only this mirror reaches it, and `size`, `read` and `address` do not.

        Harmless where there is none or it is sealed. A put of a sealed key does not unseal it.
        """
        ...

    async def unseal(self, key: StoreKey) -> None:
        """Moves a sealed object back; harmless where there is none.

        Not at the same time as it is sealed: of two processes that each delete what the other copied, none keeps it.
        """
        ...

    async def lend(self, key: StoreKey) -> None:
        """Makes a sealed object visible at once, whoever else seals or unseals it; harmless where there is none.

        It may stay sealed as well.
        """
        ...

    def objects(self, *, with_blobs: bool = False) -> AsyncGenerator[StoredObject, None]:
        """All objects, sealed ones included, in the order of their keys.

        What is noted beside each is only looked up `with_blobs`, since a bucket wants to be asked for each.
        """
        ...

    async def digest(self, key: StoreKey) -> Sha256 | None:
        """The sha256 of the bytes that are there now, sealed or not; None: not there.

        They are read, unless the store itself computed it when it took them in.
        """
        ...

    async def write_act(self, name: str, body: bytes) -> None:
        """Notes an operator's act beside the objects, under `acts/`, durably. The same name again replaces it."""
        ...

    def acts(self, *, without: Container[str] = ()) -> AsyncGenerator[tuple[str, bytes], None]:
        """All noted acts but those, as name and body, in the order of their names.

        Of a body that is longer than any act's only the beginning is given.
        """
        ...
