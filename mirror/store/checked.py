"""Reading whole objects from a store without believing it: what a disk or a bucket has now may not be what was put."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from mirror.errors import StoreError
from mirror.store.interface import Store
from mirror.store.keys import StoreKey


def require_digest(key: StoreKey, digest: str) -> None:
    """Raises StoreError where that is not the digest of the key's bytes."""
    if digest != key.sha256:
        raise StoreError(f"the object {key} holds other bytes than were stored; `everpin verify --repair` mends that")


async def checked(key: StoreKey, size: int, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """The chunks, which are to be the whole object. StoreError comes in the place of the last one where they are not.

    Closing `chunks` stays the caller's.
    """
    digest, received, last = hashlib.sha256(), 0, b""
    async for chunk in chunks:
        received += len(chunk)
        if received > size:
            break
        if last:
            yield last
        last = chunk
        await asyncio.to_thread(digest.update, chunk)
    if received != size:
        raise StoreError(f"the object {key} has {'more' if received > size else 'fewer'} than its {size} bytes")
    require_digest(key, digest.hexdigest())
    if last:
        yield last


async def read_whole(store: Store, key: StoreKey) -> bytes:
    """A small object. Raises NotThereError, and StoreError also where its bytes are not those that were stored."""
    async with aclosing(store.read(key)) as chunks:
        body = b"".join([chunk async for chunk in chunks])
    require_digest(key, await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest()))
    return body
