"""Whether a bucket can keep the promises of a store, found out by trying before the first use.

What cannot work is a StartError with the way out. What endangers the bytes is a warning, once at each start; where the
credentials do not allow to look, that is said instead.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from mirror.errors import EverpinError, NoRoomError, StartError, StoreError
from mirror.store.s3.bucket import Bucket
from mirror.store.s3.failures import BucketError, NoCredentialsForBucketError
from mirror.store.s3.lifecycle import Expiry, expiries
from mirror.store.s3.reading import Reading
from mirror.store.s3.upload import put_object

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef

log = structlog.get_logger()

_PROBE = b"Can this bucket keep what it is given?"
_LEFT_AFTER = timedelta(days=1)
_DENIED = frozenset({401, 403})
_NOT_FOUND, _PRECONDITION_FAILED = 404, 412
_ACTIONS = (
    "s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucketVersions and s3:DeleteObjectVersion"
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the bucket turned out to do, and what an operator should know, in sentences."""

    verifies_digests: bool = False
    has_conditions: bool = True
    warnings: tuple[str, ...] = ()


async def look_over(bucket: Bucket, reading: Reading, *, now: datetime) -> Abilities:
    """Tries everything once. Raises StartError where the bucket cannot be used."""
    try:
        found = await _tried(bucket, reading)
    except NoRoomError as e:
        # What is there can still be read, and deleting makes room.
        log.warning("store.full", bucket=bucket.name, reason=str(e))
        found = Abilities(warnings=("the bucket is full",))
    except EverpinError as e:
        raise StartError(_way_out(bucket, e)) from e
    expiring = await _of_lifecycle(bucket)
    await _look_at_versioning(bucket)
    await _free_parts(bucket, now)
    return replace(found, warnings=(*found.warnings, *expiring))


async def _tried(bucket: Bucket, reading: Reading) -> Abilities:
    path = f"probe/{secrets.token_hex(16)}"
    await bucket.ask("be looked at", lambda s3: s3.head_bucket(Bucket=bucket.name))
    # Without the right to list objects a bucket never says that there is none.
    await bucket.find(path)
    await _put(bucket, path, only_if_absent=False)
    has_conditions = not await _takes(bucket, path, _PROBE, only_if_absent=True)
    verifies_digests = not await _takes(bucket, f"{path}-wrong", _PROBE[::-1], only_if_absent=False)
    returned = b"".join([chunk async for chunk in reading.read(path)])
    await bucket.destroy(path)
    await bucket.destroy(f"{path}-wrong")
    if returned != _PROBE:
        raise StoreError("it does not hand out what it was given")
    warnings = _of_abilities(bucket, verifies_digests=verifies_digests, has_conditions=has_conditions)
    return Abilities(verifies_digests, has_conditions, tuple(warnings))


async def _put(bucket: Bucket, path: str, body: bytes = _PROBE, *, only_if_absent: bool) -> None:
    digest = hashlib.sha256(_PROBE).hexdigest()
    await put_object(bucket, path, body, sha256=digest, notes={}, only_if_absent=only_if_absent)


async def _takes(bucket: Bucket, path: str, body: bytes, *, only_if_absent: bool) -> bool:
    """Whether the bucket takes in what it should refuse."""
    try:
        await _put(bucket, path, body, only_if_absent=only_if_absent)
    except BucketError as e:
        if e.code == "NotImplemented":
            return True
        if e.status in _DENIED or e.status == 0 or e.status >= 500:
            raise
        return False
    return True


def _of_abilities(bucket: Bucket, *, verifies_digests: bool, has_conditions: bool) -> list[str]:
    warnings = []
    if not verifies_digests:
        log.warning("store.digests_unverified", bucket=bucket.name)
        warnings.append("the bucket's server takes in objects whose digest is not the one it was told")
    if not has_conditions:
        log.warning("store.conditions_unheeded", bucket=bucket.name)
        warnings.append("the bucket's server replaces objects although it was told not to")
    return warnings


async def _of_lifecycle(bucket: Bucket) -> list[str]:
    try:
        answer = await bucket.ask(
            "show its lifecycle", lambda s3: s3.get_bucket_lifecycle_configuration(Bucket=bucket.name)
        )
    except BucketError as e:
        if e.status != _NOT_FOUND:
            log.info("store.lifecycle_unknown", bucket=bucket.name, reason=str(e))
        return []
    found = expiries(answer["Rules"], bucket.prefix)
    for expiry in found:
        log.warning("store.lifecycle_expires", bucket=bucket.name, rule=expiry.rule, days=expiry.days)
    return [_told(expiry) for expiry in found]


def _told(expiry: Expiry) -> str:
    when = f"after {expiry.days} days" if expiry.days is not None else "at a date"
    return f'the bucket\'s lifecycle rule "{expiry.rule}" deletes objects {when}'


async def _look_at_versioning(bucket: Bucket) -> None:
    try:
        answer = await bucket.ask("say if it keeps versions", lambda s3: s3.get_bucket_versioning(Bucket=bucket.name))
    except BucketError as e:
        log.info("store.versioning_unknown", bucket=bucket.name, reason=str(e))
        return
    if answer.get("Status") != "Enabled":
        log.warning("store.not_versioned", bucket=bucket.name)


async def _free_parts(bucket: Bucket, now: datetime) -> None:
    """Frees what uploads that nobody ended take, once they are old enough to be nobody's."""
    try:
        answer = await bucket.ask(
            "list unfinished uploads",
            lambda s3: s3.list_multipart_uploads(Bucket=bucket.name, Prefix=bucket.prefix),
        )
        for upload in answer.get("Uploads", []):
            if upload["Initiated"].astimezone(UTC) < now - _LEFT_AFTER:
                await _abort(bucket, upload)
    except BucketError as e:
        log.info("store.unfinished_unknown", bucket=bucket.name, reason=str(e))


async def _abort(bucket: Bucket, upload: "MultipartUploadTypeDef") -> None:
    await bucket.ask(
        "abandon an upload",
        lambda s3: s3.abort_multipart_upload(Bucket=bucket.name, Key=upload["Key"], UploadId=upload["UploadId"]),
    )
    log.info("store.unfinished_abandoned", path=upload["Key"].removeprefix(bucket.prefix))


def _way_out(bucket: Bucket, error: EverpinError) -> str:
    start = f"the bucket {bucket.name} at {bucket.endpoint_url} cannot be used"
    if isinstance(error, NoCredentialsForBucketError):
        return f"{start}, since no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if isinstance(error, BucketError):
        if error.status == 0:
            return f"{start}, since the server cannot be reached: start it, or set store.endpoint_url"
        if error.code == "NoSuchBucket" or error.status == _NOT_FOUND:
            return f"{start}, since there is none of that name: make it, or set store.url to another"
        if error.status in _DENIED:
            return f"{start} with these credentials: check them, and allow them {_ACTIONS}"
    return f"{start} ({error}): set store.url to another"
