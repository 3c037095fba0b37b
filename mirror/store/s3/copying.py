"""Copies within the bucket, which no byte of leaves the server for."""

from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

from mirror.store.s3.bucket import Bucket, Found
from mirror.store.s3.multipart import Assembly, Span, assembled, in_turn, spans

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_AT_ONCE = 2


async def copy(bucket: Bucket, source: str, target: str, *, found: Found) -> None:
    """Copies an object with its notes; copying again changes nothing."""
    if found.size <= bucket.limits.copied_bytes:
        await bucket.ask(
            f"copy {source}",
            lambda s3: s3.copy_object(
                Bucket=bucket.name,
                Key=bucket.at(target),
                CopySource={"Bucket": bucket.name, "Key": bucket.at(source)},
            ),
        )
        return
    async with assembled(bucket, target, dict(found.metadata)) as assembly:
        parts = [part async for part in in_turn(_parts(assembly, source, found.size), at_once=_AT_ONCE)]
        await assembly.complete(parts, only_if_absent=False)


async def _parts(
    assembly: Assembly, source: str, size: int
) -> "AsyncIterator[Coroutine[Any, Any, CompletedPartTypeDef]]":
    for span in spans(size, assembly.bucket.limits.copied_bytes):
        yield _copy_part(assembly, source, span)


async def _copy_part(assembly: Assembly, source: str, span: Span) -> "CompletedPartTypeDef":
    bucket = assembly.bucket
    answer = await bucket.ask(
        f"copy part {span.number} of {source}",
        lambda s3: s3.upload_part_copy(
            Bucket=bucket.name,
            Key=bucket.at(assembly.path),
            UploadId=assembly.upload,
            PartNumber=span.number,
            CopySource={"Bucket": bucket.name, "Key": bucket.at(source)},
            CopySourceRange=f"bytes={span.start}-{span.stop - 1}",
        ),
    )
    copied = answer["CopyPartResult"]
    part: CompletedPartTypeDef = {"PartNumber": span.number, "ETag": copied["ETag"]}
    if "ChecksumSHA256" in copied:
        part["ChecksumSHA256"] = copied["ChecksumSHA256"]
    return part
