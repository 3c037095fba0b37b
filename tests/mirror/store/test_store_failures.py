"""What goes wrong in a store is told in sentences that say what to do, and lack of room is told apart."""

import errno

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from mirror.errors import NoRoomError
from mirror.store.failures import failure as local_failure
from mirror.store.s3.failures import NoCredentialsForBucketError, failure


def refused(status: int, code: str) -> ClientError:
    """A bucket's answer."""
    return ClientError(
        {"Error": {"Code": code, "Message": "<script>"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # what else answers hold is of no matter
        "PutObject",
    )


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (refused(400, "ExpiredToken"), "the credentials have expired (ExpiredToken)"),
        (refused(403, "AccessDenied"), "the credentials do not allow it (AccessDenied)"),
        (refused(403, "SignatureDoesNotMatch"), "the credentials do not allow it (SignatureDoesNotMatch)"),
        (refused(404, "NoSuchBucket"), "there is no such bucket"),
        (refused(503, "SlowDown"), "it asks for less to do (SlowDown)"),
        (refused(400, "BadDigest"), "other bytes arrived than were promised (BadDigest)"),
        (refused(500, "InternalError"), "it answered 500 (InternalError)"),
        (refused(418, "\u202eevil\n"), "it answered 418 (unknown)"),
        (EndpointConnectionError(endpoint_url="x"), "the server cannot be reached (EndpointConnectionError)"),
        (ConnectTimeoutError(endpoint_url="x"), "the server cannot be reached (ConnectTimeoutError)"),
    ],
)
def test_a_failure_is_a_sentence_of_our_own(cause: BotoCoreError | ClientError, told: str) -> None:
    """Nothing of a server's text is passed on but its code."""
    assert str(failure("it failed", cause)) == f"it failed: {told}"


@pytest.mark.parametrize(
    "cause",
    [
        refused(507, "InsufficientStorage"),
        refused(400, "QuotaExceeded"),
        refused(403, "XMinioAdminBucketQuotaExceeded"),
    ],
)
def test_a_full_bucket_is_lack_of_room(cause: ClientError) -> None:
    """Whatever a server calls it."""
    assert isinstance(failure("it failed", cause), NoRoomError)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_lack_of_room(number: int) -> None:
    """As is a quota that is used up."""
    assert isinstance(local_failure("it failed", OSError(number, "full")), NoRoomError)


def test_other_failures_are_no_lack_of_room() -> None:
    """Neither of a bucket nor of a disk."""
    assert not isinstance(local_failure("it failed", OSError(errno.EIO, "broken")), NoRoomError)
    assert not isinstance(failure("it failed", refused(503, "SlowDown")), NoRoomError)
    assert isinstance(failure("it failed", NoCredentialsError()), NoCredentialsForBucketError)
