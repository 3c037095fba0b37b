"""Bytes that can be taken in: files of a directory, objects of a bucket or of this mirror's own store."""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mirror.errors import StoreError, WrongBytesError
from mirror.names import Sha256
from mirror.store.interface import Store, StoredObject

_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Digests:
    """What bytes are known by; PyPI's paths spell the blake2b-256, None where it was not computed."""

    sha256: Sha256
    blake2b: bytes | None
    size: int


class Offered(Protocol):
    """Bytes that lie somewhere else, or that the store holds without the catalog's knowing of it."""

    @property
    def name(self) -> str:
        """What they are called there."""
        ...

    @property
    def is_stored(self) -> bool:
        """Whether this mirror's own store holds them already."""
        ...

    @property
    def is_sealed(self) -> bool:
        """Whether it does, but out of reach, since they were blocked."""
        ...

    async def digests(self) -> Digests:
        """What the bytes that are there now are known by."""
        ...

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """All of them, as often as asked."""
        ...


@dataclass(frozen=True, slots=True)
class OfferedPath:
    """A file of a directory tree."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_stored(self) -> bool:
        return False

    @property
    def is_sealed(self) -> bool:
        return False

    async def digests(self) -> Digests:
        """See `Offered.digests`."""
        return await _digests_of(self.chunks())

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Raises StoreError where it cannot be read, or is no plain file any more."""
        try:
            # Whoever put a pipe there would have this wait for ever.
            descriptor = await asyncio.to_thread(
                os.open, self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise StoreError(f"{self.path} is no plain file")
                while chunk := await asyncio.to_thread(os.read, descriptor, _CHUNK):
                    yield chunk
            finally:
                os.close(descriptor)
        except OSError as e:
            raise StoreError(f"{self.path} cannot be read: {e.strerror}") from e


@dataclass(frozen=True, slots=True)
class OfferedObject:
    """An object of a store; `is_stored` where that is the one that this mirror serves from."""

    store: Store
    found: StoredObject
    is_stored: bool

    @property
    def name(self) -> str:
        return self.found.blob.filename if self.found.blob is not None else self.found.key.sha256

    @property
    def is_sealed(self) -> bool:
        return self.is_stored and self.found.is_sealed

    async def digests(self) -> Digests:
        """See `Offered.digests`. Objects of the own store are not read where the store itself vouches for them."""
        if not self.is_stored:
            return await _digests_of(self.chunks())
        sha256 = await self.store.digest(self.found.key)
        if sha256 != self.found.key.sha256:
            raise WrongBytesError(f"the object {self.found.key} is not what it is named by")
        return Digests(sha256, None, self.found.size)

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """See `Store.read`."""
        return self.store.read(self.found.key)


async def _digests_of(chunks: AsyncGenerator[bytes, None]) -> Digests:
    sha256, blake2b, size = hashlib.sha256(), hashlib.blake2b(digest_size=32), 0
    async with aclosing(chunks):
        async for chunk in chunks:
            await asyncio.to_thread(sha256.update, chunk)
            await asyncio.to_thread(blake2b.update, chunk)
            size += len(chunk)
    return Digests(Sha256(sha256.hexdigest()), blake2b.digest(), size)


def below(directory: Path, unreadable: Callable[[StoreError], None]) -> Iterator[OfferedPath]:
    """Every plain file below the directory; symbolic links are not followed.

    Each directory's files come in order, and before those of the directories in it. What cannot be read is told to
    `unreadable`, and the rest goes on.
    """
    waiting = [str(directory)]
    while waiting:
        parent = waiting.pop()
        try:
            # Names are bytes to the kernel: what is no text is written with escapes, and found by them again.
            with os.scandir(parent) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
            inner = [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
            plain = [entry.path for entry in found if entry.is_file(follow_symlinks=False)]
        except OSError as e:
            unreadable(StoreError(f"{parent} cannot be read: {e.strerror}"))
            continue
        waiting += reversed(inner)
        yield from (OfferedPath(Path(path)) for path in plain)
