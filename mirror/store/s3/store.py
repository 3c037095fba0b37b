"""A store in a bucket.

Objects have the paths of their keys below the prefix, sealed ones below `sealed`, where no address leads. They are
only ever put whole: in one request, or in parts that nobody sees before they are put together.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Container, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from mirror import clock
from mirror.errors import StoreError
from mirror.names import Sha256
from mirror.setting_sections import Store as StoreSettings
from mirror.store.failures import failure
from mirror.store.interface import LONGEST_ACT, StoredObject
from mirror.store.keys import ACTS, FILES, SEALED, Blob, StoreKey, act_path, is_act_name, key_of_path
from mirror.store.s3.bucket import Bucket, Found, Limits, Listed, ca_file, opened_bucket
from mirror.store.s3.copying import copy
from mirror.store.s3.failures import BucketError
from mirror.store.s3.multipart import in_turn
from mirror.store.s3.preflight import Abilities, look_over
from mirror.store.s3.reading import Reading, opened_reading
from mirror.store.s3.upload import Upload, put_object

_LIMITS = Limits()
_LOOKED_AT_ONCE = 4
# Another one is there, another one is being made, ours was made but the answer got lost, or conditions are not known.
_MAYBE_THERE = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload", "NotImplemented"})


class S3Store:
    """Objects in a bucket. Any number of processes may use it at the same time."""

    def __init__(self, bucket: Bucket, reading: Reading, *, redirect_seconds: int | None) -> None:
        self._bucket = bucket
        self._reading = reading
        self._redirect_seconds = redirect_seconds
        self._abilities = Abilities()

    @property
    def warnings(self) -> tuple[str, ...]:
        """See `Store.warnings`."""
        return self._abilities.warnings

    async def check(self) -> None:
        """See `Store.check`."""
        self._abilities = await look_over(self._bucket, self._reading, now=clock.now())

    async def put(self, spool: Path, key: StoreKey, *, blob: Blob | None = None) -> None:
        """See `Store.put`. Where it is sealed by another process at the same time, it has to be sealed again."""
        size = await _size_of(spool)
        sealed = await self._bucket.find(key.sealed)
        place = str(key) if sealed is None else key.sealed
        there = sealed
        if there is None and size > self._bucket.limits.part_bytes:
            # A small object is rather sent in vain.
            there = await self._bucket.find(place)
        if there is not None and there.size == size:
            return
        upload = Upload(self._bucket, spool, place, size=size, key=key, blob=blob)
        if there is None and self._abilities.has_conditions:
            try:
                await upload.send(only_if_absent=True)
            except BucketError as e:
                if e.code not in _MAYBE_THERE:
                    raise
                there = await self._bucket.find(place)
                if there is not None and there.size == size:
                    return
            else:
                return
        await upload.send(only_if_absent=False)

    async def size(self, key: StoreKey) -> int | None:
        """See `Store.size`."""
        found = await self._bucket.find(str(key))
        return found.size if found is not None else None

    async def adopt(self, key: StoreKey) -> int | None:
        """See `Store.adopt`: what can be seen in a bucket is durable."""
        return await self.size(key)

    def read(self, key: StoreKey, *, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Store.read`."""
        return self._reading.read(str(key), start=start, stop=stop)

    async def delete(self, key: StoreKey) -> None:
        """See `Store.delete`."""
        await self._bucket.destroy(str(key))
        await self._bucket.destroy(key.sealed)

    def local_path(self, key: StoreKey) -> Path | None:  # noqa: ARG002 - none of them is a file
        """See `Store.local_path`."""
        return None

    async def address(self, key: StoreKey) -> str | None:
        """See `Store.address`."""
        if self._redirect_seconds is None:
            return None
        return await self._bucket.sign(str(key), seconds=self._redirect_seconds)

    async def seal(self, key: StoreKey) -> None:
        """See `Store.seal`. Cut short, it leaves both, until it is done again."""
        await self._move(str(key), key.sealed)

    async def unseal(self, key: StoreKey) -> None:
        """See `Store.unseal`."""
        await self._move(key.sealed, str(key))

    async def lend(self, key: StoreKey) -> None:
        """See `Store.lend`. Nothing is deleted, so nobody's copy can be the last one."""
        await self._copy(key.sealed, str(key))

    async def objects(self, *, with_blobs: bool = False) -> AsyncGenerator[StoredObject, None]:
        """See `Store.objects`."""
        async for stored in in_turn(self._listed(with_blobs=with_blobs), at_once=_LOOKED_AT_ONCE):
            if stored is not None:
                yield stored

    async def digest(self, key: StoreKey) -> Sha256 | None:
        """See `Store.digest`."""
        for path in (str(key), key.sealed):
            found = await self._bucket.find(path)
            if found is None:
                continue
            if found.sha256 is not None and self._abilities.verifies_digests:
                return found.sha256
            digest = hashlib.sha256()
            async for chunk in self._reading.read(path):
                await asyncio.to_thread(digest.update, chunk)
            return Sha256(digest.hexdigest())
        return None

    async def write_act(self, name: str, body: bytes) -> None:
        """See `Store.write_act`."""
        digest = hashlib.sha256(body).hexdigest()
        await put_object(self._bucket, act_path(name), body, sha256=digest, notes={}, only_if_absent=False)

    async def acts(self, *, without: Container[str] = ()) -> AsyncGenerator[tuple[str, bytes], None]:
        """See `Store.acts`."""
        async for listed in self._bucket.list(f"{ACTS}/"):
            name = listed.path.removeprefix(f"{ACTS}/")
            if is_act_name(name) and name not in without:
                async with aclosing(self._reading.read(listed.path, stop=min(listed.size, LONGEST_ACT))) as chunks:
                    yield name, b"".join([chunk async for chunk in chunks])

    async def _move(self, source: str, target: str) -> None:
        """Copies first and deletes then: whenever that is cut short, doing it again ends it."""
        if await self._copy(source, target):
            await self._bucket.destroy(source)

    async def _copy(self, source: str, target: str) -> bool:
        """Whether there was anything to copy."""
        found = await self._bucket.find(source)
        if found is None:
            return False
        copied = await self._bucket.find(target)
        if copied is None or copied.size != found.size:
            await copy(self._bucket, source, target, found=found)
            copied = await self._bucket.find(target)
        if copied is None or copied.size != found.size:
            raise StoreError(f"the bucket {self._bucket.name} made no proper copy of {source}")
        return True

    async def _listed(self, *, with_blobs: bool) -> AsyncIterator[Coroutine[Any, Any, StoredObject | None]]:
        """Both listings as one, each object with the work that is still to be done for it."""
        open_ones, sealed_ones = self._bucket.list(f"{FILES}/"), self._bucket.list(f"{SEALED}/{FILES}/")
        nearest, sealed = await anext(open_ones, None), await anext(sealed_ones, None)
        while True:
            if nearest is not None and (sealed is None or nearest.path <= sealed.path.removeprefix(f"{SEALED}/")):
                yield self._stored(nearest, is_sealed=False, with_blob=with_blobs)
                nearest = await anext(open_ones, None)
            elif sealed is not None:
                yield self._stored(sealed, is_sealed=True, with_blob=with_blobs)
                sealed = await anext(sealed_ones, None)
            else:
                return

    async def _stored(self, listed: Listed, *, is_sealed: bool, with_blob: bool) -> StoredObject | None:
        """The object, None where what is listed is not one of ours or is gone meanwhile."""
        key = key_of_path(listed.path.removeprefix(f"{SEALED}/") if is_sealed else listed.path)
        if key is None:
            return None
        found: Found | None = None
        if with_blob:
            found = await self._bucket.find(listed.path)
            if found is None:
                return None
        return StoredObject(key, listed.size, is_sealed, found.blob if found is not None else None)


@asynccontextmanager
async def opened(settings: StoreSettings, *, limits: Limits = _LIMITS) -> AsyncIterator[S3Store]:
    """The store that the settings name; nothing is asked of the bucket before `check`."""
    redirect_seconds = int(settings.presign_ttl.total_seconds()) if settings.serve == "redirect" else None
    async with opened_bucket(settings, limits) as bucket, opened_reading(bucket, ca_file=ca_file()) as reading:
        yield S3Store(bucket, reading, redirect_seconds=redirect_seconds)


async def _size_of(spool: Path) -> int:
    try:
        return (await asyncio.to_thread(spool.stat)).st_size
    except OSError as e:
        raise failure("the spool cannot be read", e) from e
