"""What a bucket's refusals mean, in sentences of our own: a server's text goes nowhere."""

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from mirror.errors import NoRoomError, StoreError

_CODE = re.compile(r"[A-Za-z0-9.]{1,60}")
_NO_ROOM = frozenset(
    {"QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull", "StorageFull", "InsufficientStorage"}
)
_BUSY = frozenset({"SlowDown", "ServiceUnavailable", "Throttling", "TooManyRequests", "RequestLimitExceeded"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"})
_WRONG_BYTES = frozenset({"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"})
_INSUFFICIENT_STORAGE = 507


class BucketError(StoreError):
    """The bucket's answer was a refusal: its HTTP status, 0 where no answer came, and S3's word for it."""

    def __init__(self, sentence: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


class FullBucketError(BucketError, NoRoomError):
    """The bucket takes no more."""


class NoCredentialsForBucketError(BucketError):
    """There is nothing to sign requests with."""


def failure(sentence: str, cause: BotoCoreError | ClientError) -> BucketError:
    """The error to raise for what the library raised while it did what the sentence names."""
    if isinstance(cause, NoCredentialsError | PartialCredentialsError | TokenRetrievalError):
        return NoCredentialsForBucketError(f"{sentence}: no credentials were found")
    if not isinstance(cause, ClientError):
        return BucketError(f"{sentence}: the server cannot be reached ({type(cause).__name__})")
    answer = cause.response
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(answer.get("Error", {}).get("Code", ""))
    code = code if _CODE.fullmatch(code) else "unknown"
    kind = FullBucketError if code in _NO_ROOM or status == _INSUFFICIENT_STORAGE else BucketError
    return kind(f"{sentence}: {_meaning(code, status)}", status=status, code=code)


def _meaning(code: str, status: int) -> str:
    if code in _NO_ROOM or status == _INSUFFICIENT_STORAGE:
        return f"there is no room for more ({code})"
    if code in _EXPIRED:
        return f"the credentials have expired ({code})"
    if code == "NoSuchBucket":
        return "there is no such bucket"
    if code in _BUSY or status in (429, 503):
        return f"it asks for less to do ({code})"
    if code in _WRONG_BYTES:
        return f"other bytes arrived than were promised ({code})"
    if status in (401, 403):
        return f"the credentials do not allow it ({code})"
    return f"it answered {status} ({code})"
