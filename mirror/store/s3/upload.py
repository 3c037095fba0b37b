"""The way of a spooled file into the bucket, in one request or in parts.

The server is told the digest of whatever it is sent, so that it takes in nothing else: for a small object that is the
key itself. A large one is read once more on the way, and only completed when its digest is that of the key.
"""

import asyncio
import base64
import hashlib
import io
import os
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mirror.errors import StoreError
from mirror.store.keys import Blob, StoreKey
from mirror.store.s3.bucket import Bucket
from mirror.store.s3.multipart import Assembly, Span, assembled, in_turn, spans
from mirror.store.s3.notes import notes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, PutObjectRequestTypeDef

_READ_AT_ONCE = 2**20
_BUFFER = 256 * 2**10


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


class Upload:
    """Sends the file `spool` of `size` bytes to `path`."""

    def __init__(self, bucket: Bucket, spool: Path, path: str, *, size: int, key: StoreKey, blob: Blob | None) -> None:
        self._bucket = bucket
        self._spool = spool
        self._path = path
        self._size = size
        self._key = key
        self._notes = notes(key, blob)

    async def send(self, *, only_if_absent: bool) -> None:
        """Puts the object there, in the place of another one unless `only_if_absent`."""
        if self._size > self._bucket.limits.part_bytes:
            await self._send_parts(only_if_absent=only_if_absent)
            return
        body = await asyncio.to_thread(self._spool.read_bytes)
        await put_object(
            self._bucket, self._path, body, sha256=self._key.sha256, notes=self._notes, only_if_absent=only_if_absent
        )

    async def _send_parts(self, *, only_if_absent: bool) -> None:
        async with assembled(self._bucket, self._path, self._notes) as assembly:
            whole = hashlib.sha256()
            parts = [part async for part in in_turn(self._parts(assembly, whole))]
            if whole.hexdigest() != self._key.sha256:
                raise StoreError(f"the spool of {self._key} does not hold those bytes any more")
            await assembly.complete(parts, only_if_absent=only_if_absent)

    async def _parts(
        self, assembly: Assembly, whole: _Digest
    ) -> "AsyncIterator[Coroutine[Any, Any, CompletedPartTypeDef]]":
        for span in spans(self._size, self._bucket.limits.part_bytes):
            yield self._send_part(assembly, span, await asyncio.to_thread(_checksum, self._spool, span, whole))

    async def _send_part(self, assembly: Assembly, span: Span, checksum: str) -> "CompletedPartTypeDef":
        def send(s3: "S3Client") -> "CompletedPartTypeDef":
            with _section(self._spool, span) as body:
                answer = s3.upload_part(
                    Bucket=self._bucket.name,
                    Key=self._bucket.at(self._path),
                    UploadId=assembly.upload,
                    PartNumber=span.number,
                    Body=body,
                    ChecksumSHA256=checksum,
                )
            return {"PartNumber": span.number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

        return await self._bucket.ask(f"take part {span.number} of {self._path}", send)


async def put_object(
    bucket: Bucket, path: str, body: bytes, *, sha256: str, notes: dict[str, str], only_if_absent: bool
) -> None:
    """Puts a small object there, which the bucket refuses where the digest is not that of the body."""
    wanted: PutObjectRequestTypeDef = {
        "Bucket": bucket.name,
        "Key": bucket.at(path),
        "Body": body,
        "ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode(),
        "ContentType": "application/octet-stream",
        "Metadata": notes,
    }
    if only_if_absent:
        wanted["IfNoneMatch"] = "*"
    await bucket.ask(f"take {path}", lambda s3: s3.put_object(**wanted))


def _checksum(spool: Path, span: Span, whole: _Digest) -> str:
    """The digest of a part, which also goes into that of the whole."""
    digest = hashlib.sha256()
    with _section(spool, span) as section:
        while chunk := section.read(_READ_AT_ONCE):
            digest.update(chunk)
            whole.update(chunk)
    return base64.b64encode(digest.digest()).decode()


def _section(path: Path, span: Span) -> io.BufferedReader:
    """A part of a file as a file of its own, so that no part is ever in memory."""
    return io.BufferedReader(_Section(path, span), _BUFFER)


class _Section(io.RawIOBase):
    def __init__(self, path: Path, span: Span) -> None:
        super().__init__()
        self._span = span
        self._position = 0
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        start = self._span.start + self._position
        taken = os.preadv(self._descriptor, [view[: self._span.stop - start]], start)
        self._position += taken
        return taken

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        length = self._span.stop - self._span.start
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: length}[whence]
        self._position = min(max(origin + offset, 0), length)
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
