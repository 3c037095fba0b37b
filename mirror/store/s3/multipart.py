"""Objects that are put together in the bucket from parts, and seen by nobody before they are whole."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from mirror.errors import StoreError
from mirror.store.s3.bucket import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CompleteMultipartUploadRequestTypeDef

log = structlog.get_logger()

T = TypeVar("T")

AT_ONCE = 4
_MOST_PARTS = 10_000
_ROUND = 2**20
_LAST_WORDS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Span:
    """A part: its number, counted from 1, and its bytes in the whole."""

    number: int
    start: int
    stop: int


def spans(size: int, part_bytes: int) -> Iterator[Span]:
    """Cuts a whole of this size into parts, larger ones where there would be more than a bucket takes."""
    length = part_bytes
    if size > length * _MOST_PARTS:
        least = -(-size // _MOST_PARTS)
        length = -(-least // _ROUND) * _ROUND
    for number, start in enumerate(range(0, size, length), 1):
        yield Span(number, start, min(size, start + length))


@dataclass(frozen=True, slots=True)
class Assembly:
    """An object in the making."""

    bucket: Bucket
    path: str
    upload: str

    async def complete(self, parts: "list[CompletedPartTypeDef]", *, only_if_absent: bool) -> None:
        """Makes the object of its parts, which is when it can be seen."""
        wanted: CompleteMultipartUploadRequestTypeDef = {
            "Bucket": self.bucket.name,
            "Key": self.bucket.at(self.path),
            "UploadId": self.upload,
            "MultipartUpload": {"Parts": parts},
        }
        if only_if_absent:
            wanted["IfNoneMatch"] = "*"
        await self.bucket.ask(f"complete {self.path}", lambda s3: s3.complete_multipart_upload(**wanted))

    async def abandon(self) -> None:
        """Frees what the parts take; what cannot be freed now is at a start to come."""
        try:
            await self.bucket.ask(
                f"abandon {self.path}",
                lambda s3: s3.abort_multipart_upload(
                    Bucket=self.bucket.name, Key=self.bucket.at(self.path), UploadId=self.upload
                ),
            )
        except StoreError as e:
            log.warning("store.parts_left", path=self.path, reason=str(e))


@asynccontextmanager
async def assembled(bucket: Bucket, path: str, metadata: dict[str, str]) -> AsyncIterator[Assembly]:
    """An object in the making, to be completed; abandoned where that does not come about."""
    answer = await bucket.ask(
        f"begin {path}",
        lambda s3: s3.create_multipart_upload(
            Bucket=bucket.name,
            Key=bucket.at(path),
            ContentType="application/octet-stream",
            Metadata=metadata,
            ChecksumAlgorithm="SHA256",
        ),
    )
    assembly = Assembly(bucket, path, answer["UploadId"])
    try:
        yield assembly
    except BaseException:
        await assembly.abandon()
        raise


async def in_turn(work: AsyncIterable[Coroutine[Any, Any, T]], *, at_once: int = AT_ONCE) -> AsyncIterator[T]:
    """Does several pieces of work at a time and hands out their results in their order."""
    running: deque[asyncio.Task[T]] = deque()
    try:
        async for piece in work:
            running.append(asyncio.ensure_future(piece))
            if len(running) >= at_once:
                yield await running.popleft()
        while running:
            yield await running.popleft()
    finally:
        if running:
            # Threads cannot be stopped; a part that arrives after the rest was abandoned would stay.
            await asyncio.wait(running, timeout=_LAST_WORDS_SECONDS)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
