"""A store without files on this host, as one in a bucket is, that notes what is asked of it."""

from collections.abc import AsyncGenerator, Container
from hashlib import sha256
from pathlib import Path

from mirror.errors import NotThereError, StoreError
from mirror.names import Sha256
from mirror.store.interface import CHUNK, StoredObject
from mirror.store.keys import Blob, StoreKey


class FarStore:
    """Objects in memory. With `elsewhere` clients are sent there; `breaks_at` is after how many bytes reading fails."""

    def __init__(self, *, elsewhere: str | None = None) -> None:
        self.elsewhere = elsewhere
        self.breaks_at: int | None = None
        self.reads: list[tuple[int, int | None]] = []
        self.handed_out = 0
        self.is_open = 0
        self._objects: dict[StoreKey, bytes] = {}
        self._acts: dict[str, bytes] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """See `Store.warnings`."""
        return ()

    def add(self, body: bytes) -> StoreKey:
        """Has the store hold these bytes."""
        key = StoreKey(Sha256(sha256(body).hexdigest()))
        self._objects[key] = body
        return key

    def replace(self, key: StoreKey, body: bytes) -> None:
        """Has other bytes in the place of an object, as whoever may write to a bucket can."""
        self._objects[key] = body

    async def check(self) -> None:
        """See `Store.check`."""

    async def put(self, spool: Path, key: StoreKey, *, blob: Blob | None = None) -> None:  # noqa: ARG002 - nothing is noted
        """See `Store.put`."""
        self._objects[key] = spool.read_bytes()  # noqa: ASYNC240 - small ones

    async def size(self, key: StoreKey) -> int | None:
        """See `Store.size`."""
        return len(self._objects[key]) if key in self._objects else None

    async def adopt(self, key: StoreKey) -> int | None:
        """See `Store.adopt`."""
        return await self.size(key)

    async def read(self, key: StoreKey, *, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Store.read`."""
        self.reads.append((start, stop))
        body = self._objects.get(key)
        if body is None:
            raise NotThereError(f"the store has no object {key}")
        self.is_open += 1
        try:
            end = len(body) if stop is None else stop
            for position in range(start, end, CHUNK):
                if self.breaks_at is not None and position >= self.breaks_at:
                    raise StoreError("the bucket went away")
                chunk = body[position : min(position + CHUNK, end)]
                self.handed_out += len(chunk)
                yield chunk
        finally:
            self.is_open -= 1

    async def delete(self, key: StoreKey) -> None:
        """See `Store.delete`."""
        self._objects.pop(key, None)

    def local_path(self, key: StoreKey) -> Path | None:  # noqa: ARG002 - of no object
        """See `Store.local_path`."""
        return None

    async def address(self, key: StoreKey) -> str | None:
        """See `Store.address`."""
        return None if self.elsewhere is None else f"{self.elsewhere}/{key}?signature=abc"

    async def seal(self, key: StoreKey) -> None:
        """See `Store.seal`."""
        await self.delete(key)

    async def unseal(self, key: StoreKey) -> None:
        """See `Store.unseal`."""

    async def lend(self, key: StoreKey) -> None:
        """See `Store.lend`."""

    async def objects(self, *, with_blobs: bool = True) -> AsyncGenerator[StoredObject, None]:  # noqa: ARG002 - there are none
        """See `Store.objects`."""
        for key in sorted(self._objects, key=str):
            yield StoredObject(key, len(self._objects[key]))

    async def digest(self, key: StoreKey) -> Sha256 | None:
        """See `Store.digest`."""
        return Sha256(sha256(self._objects[key]).hexdigest()) if key in self._objects else None

    async def write_act(self, name: str, body: bytes) -> None:
        """See `Store.write_act`."""
        self._acts[name] = body

    async def acts(self, *, without: Container[str] = ()) -> AsyncGenerator[tuple[str, bytes], None]:
        """See `Store.acts`."""
        for name in sorted(self._acts):
            if name not in without:
                yield name, self._acts[name]
