"""The one door to boto3: a bucket that is asked in a few threads, and whose failures are ours.

All waiting is bounded. Requests that lost their way or met a busy server are repeated by the library, with growing
pauses; everything that is asked here can be asked twice.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session
from botocore.utils import get_environ_proxies

from mirror.errors import StartError, StoreError
from mirror.names import Sha256, sha256
from mirror.setting_sections import Store as StoreSettings
from mirror.store.failures import failure as local_failure
from mirror.store.keys import Blob
from mirror.store.s3.failures import BucketError, failure
from mirror.store.s3.notes import noted

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, ListObjectsV2OutputTypeDef

T = TypeVar("T")

_NOT_FOUND = 404
_BUCKET_TRUSTED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is waited, how often is tried again, and what is done in one piece."""

    threads: int = 8
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    attempts: int = 5
    part_bytes: int = 8 * 2**20
    """Larger objects go up in parts of at least so much."""
    copied_bytes: int = 32 * 2**20
    """Larger objects are copied in parts of so much: a server says nothing before it has copied all of one."""
    listed: int = 1000
    """So many objects are listed by one request."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object of the bucket. `sha256` is there where the server vouches for all of it at once."""

    size: int
    sha256: Sha256 | None
    blob: Blob | None
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it; its path is without the prefix."""

    path: str
    size: int


class Bucket:
    """The objects of a bucket below a prefix. Paths are those below the prefix."""

    def __init__(self, client: "S3Client", pool: ThreadPoolExecutor, url: str, limits: Limits) -> None:
        self.name, _, prefix = url.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.limits = limits
        self._client = client
        self._pool = pool
        self._seen_at = float("-inf")

    @property
    def endpoint_url(self) -> str:
        """Where the server is."""
        return str(self._client.meta.endpoint_url)

    @cached_property
    def proxy(self) -> str | None:
        """The proxy that the environment names for it, which boto3 heeds."""
        proxies: dict[str, str] = get_environ_proxies(self.endpoint_url)
        return proxies.get(self.endpoint_url.partition(":")[0])

    def at(self, path: str) -> str:
        """The name in the bucket of what has this path."""
        return f"{self.prefix}{path}"

    async def ask(self, what: str, call: Callable[["S3Client"], T]) -> T:
        """The answer to a request, as of `call` in a thread. BucketError says that it failed to do `what`."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call, self._client)
        except (BotoCoreError, ClientError) as e:
            raise failure(f"the bucket {self.name} could not {what}", e) from e
        except OSError as e:
            raise local_failure(f"the bucket {self.name} could not be asked to {what}", e) from e

    async def find(self, path: str) -> Found | None:
        """What is known of an object, None where there is none."""
        try:
            answer = await self.ask(
                f"look for {path}",
                lambda s3: s3.head_object(Bucket=self.name, Key=self.at(path), ChecksumMode="ENABLED"),
            )
        except BucketError as e:
            if e.status != _NOT_FOUND:
                raise
            await self.require()
            return None
        return _found(answer)

    async def require(self) -> None:
        """Raises StoreError where the bucket itself is gone: its objects are then not known to be."""
        now = asyncio.get_running_loop().time()
        if now - self._seen_at < _BUCKET_TRUSTED_SECONDS:
            return
        await self.ask("be looked at", lambda s3: s3.head_bucket(Bucket=self.name))
        self._seen_at = now

    async def list(self, below: str) -> AsyncGenerator[Listed, None]:
        """The objects whose paths begin so, in the order of their paths."""
        prefix, after = self.at(below), ""
        while True:
            answer = await self._page(prefix, after)
            entries = answer.get("Contents", [])
            for entry in entries:
                yield Listed(entry["Key"].removeprefix(self.prefix), entry["Size"])
            if not answer.get("IsTruncated"):
                return
            if not entries or entries[-1]["Key"] <= after:
                # Asked like this, such a server would never come to an end.
                raise StoreError(f"the bucket {self.name} lists what begins with {prefix} without getting on")
            after = entries[-1]["Key"]

    async def _page(self, prefix: str, after: str) -> "ListObjectsV2OutputTypeDef":
        return await self.ask(
            f"list what begins with {prefix}",
            lambda s3: s3.list_objects_v2(
                Bucket=self.name, Prefix=prefix, StartAfter=after, MaxKeys=self.limits.listed
            ),
        )

    async def destroy(self, path: str) -> None:
        """Deletes an object with all its versions; harmless where there is none."""
        await self.ask(f"destroy {path}", lambda s3: _destroy(s3, self.name, self.at(path)))

    async def sign(self, path: str, *, seconds: int) -> str:
        """An address at which anybody gets the object for so long."""
        wanted = {
            "Bucket": self.name,
            "Key": self.at(path),
            "ResponseContentType": "application/octet-stream",
            "ResponseContentDisposition": "attachment",
        }
        return await self.ask(
            f"sign an address of {path}",
            lambda s3: s3.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds),
        )


@asynccontextmanager
async def opened_bucket(settings: StoreSettings, limits: Limits) -> AsyncIterator[Bucket]:
    """The bucket that the settings name. Nothing is asked of it yet."""
    pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="s3")
    try:
        client = await asyncio.get_running_loop().run_in_executor(pool, _client, settings, limits)
    except (BotoCoreError, ValueError) as e:
        pool.shutdown(wait=False)
        raise StartError(
            f"what AWS's configuration or environment says cannot be used ({e}): mend it, or set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY"
        ) from e
    try:
        yield Bucket(client, pool, settings.url, limits)
    finally:
        # What still runs is not repeated any more, so that it ends soon.
        client.meta.events.register_first("before-send.s3", _refuse)
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        client.close()


def _client(settings: StoreSettings, limits: Limits) -> "S3Client":
    session = boto3.session.Session()
    return session.client(
        "s3",
        region_name=settings.region or session.region_name or "us-east-1",
        endpoint_url=settings.endpoint_url or None,
        config=Config(
            signature_version="s3v4",
            connect_timeout=limits.connect_seconds,
            read_timeout=limits.read_seconds,
            retries={"mode": "standard", "total_max_attempts": limits.attempts},
            max_pool_connections=limits.threads,
            # Servers other than AWS's rarely have names of their own for buckets.
            s3={"addressing_style": "path" if settings.endpoint_url else "auto"},
            # Ours are sent with every object; others are more than some servers understand.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _refuse(**_: Any) -> None:
    raise StoreError("the store is closed")


def _destroy(s3: "S3Client", bucket: str, key: str) -> None:
    try:
        for version in _versions(s3, bucket, key):
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    except ClientError as e:
        if e.response.get("Error", {}).get("Code") != "NotImplemented":
            raise
        # A server without versions.
        s3.delete_object(Bucket=bucket, Key=key)


def _versions(s3: "S3Client", bucket: str, key: str) -> Iterator[str]:
    """The versions and delete markers of an object; one called "null" where nothing is versioned."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            if entry["Key"] == key:
                yield entry["VersionId"]


def _found(answer: "HeadObjectOutputTypeDef") -> Found:
    metadata = answer.get("Metadata", {})
    return Found(answer["ContentLength"], _whole_digest(answer), noted(metadata), tuple(sorted(metadata.items())))


def _whole_digest(answer: "HeadObjectOutputTypeDef") -> Sha256 | None:
    """The checksum of all bytes; one made of the checksums of parts says nothing to us."""
    checksum = answer.get("ChecksumSHA256", "")
    if answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    try:
        return sha256(base64.b64decode(checksum, validate=True).hex())
    except ValueError:
        # Such as "...-2", of two parts.
        return None


def ca_file() -> str | None:
    """The file of certificates that boto3 heeds, where its environment or configuration names one."""
    found = get_session().get_config_variable("ca_bundle")
    return str(found) if found else None
