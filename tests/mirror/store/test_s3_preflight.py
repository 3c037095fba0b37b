"""A bucket is looked over before the first use: what cannot work stops the start, what endangers the bytes is told."""

import pytest
from structlog.testing import capture_logs

from mirror.errors import StartError
from mirror.store.s3.lifecycle import Expiry, expiries
from tests.mirror.store.conftest import key_of, s3_store
from tests.mirror.store.faulty_proxy import Fault, faulty_proxy
from tests.s3_server import S3Server


async def refusal(s3: S3Server, place: str, *, endpoint_url: str = "") -> str:
    """Why a store there refuses to start: one line."""
    with pytest.raises(StartError) as raised:
        async with s3_store(s3, place, endpoint_url=endpoint_url) as store:
            await store.check()
    assert "\n" not in str(raised.value)
    return str(raised.value)


async def test_a_bucket_that_is_not_there_refuses_the_start(s3: S3Server) -> None:
    """The sentence says what to do."""
    assert "make it, or set store.url to another" in await refusal(s3, "never-made/prefix")


async def test_wrong_credentials_refuse_the_start(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what they must be allowed, and does not show them."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mistaken")

    told = await refusal(s3, s3.place())

    assert "with these credentials: check them, and allow them s3:ListBucket" in told
    assert "mistaken" not in told


async def test_missing_credentials_refuse_the_start(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the variables."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in await refusal(s3, s3.place())


async def test_half_of_the_credentials_refuses_the_start(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when one of two variables was forgotten."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    told = await refusal(s3, s3.place())

    assert "missing: AWS_SECRET_ACCESS_KEY): mend it, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in told


async def test_a_server_that_cannot_be_reached_refuses_the_start(s3: S3Server) -> None:
    """The sentence names the setting."""
    told = await refusal(s3, s3.place(), endpoint_url="http://127.0.0.1:9")

    assert "start it, or set store.endpoint_url" in told


async def test_rules_that_delete_objects_are_told(s3: S3Server) -> None:
    """Some have lost what they kept to one that somebody had set up for something else."""
    bucket = s3.bucket(versioned=True)
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": "ever"}, "Expiration": {"Days": 7}}
    s3.client.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={"Rules": [rule]},  # type: ignore[list-item]  # a literal is not seen to fit
    )

    async with s3_store(s3, f"{bucket}/everpin") as store:
        with capture_logs() as logs:
            await store.check()
        warnings = store.warnings

    assert warnings == ('the bucket\'s lifecycle rule "tidy" deletes objects after 7 days',)
    assert [log for log in logs if log["log_level"] == "warning"] == [
        {"event": "store.lifecycle_expires", "log_level": "warning", "bucket": bucket, "rule": "tidy", "days": 7}
    ]


async def test_a_bucket_without_versions_is_told(s3: S3Server) -> None:
    """Nobody can undo there what deletes by mistake."""
    async with s3_store(s3, s3.place()) as store:
        with capture_logs() as logs:
            await store.check()

    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["store.not_versioned"]


async def test_a_server_that_takes_in_anything_is_told(s3: S3Server) -> None:
    """Digests are then read, never taken from it."""
    async with faulty_proxy(s3.endpoint_url) as proxy:
        proxy.always["PUT"] = Fault.WELCOMED
        async with s3_store(s3, s3.place(), endpoint_url=proxy.url) as store:
            await store.check()

            assert store.warnings == (
                "the bucket's server takes in objects whose digest is not the one it was told",
                "the bucket's server replaces objects although it was told not to",
            )


async def test_what_was_tried_out_is_cleared_away(s3: S3Server) -> None:
    """With all its versions."""
    bucket = s3.bucket(versioned=True)
    async with s3_store(s3, bucket) as store:
        await store.check()
        assert await store.size(key_of(b"")) is None

    assert s3.keys(bucket) == []


def test_rules_are_told_that_are_about_our_objects() -> None:
    """Those for other prefixes, for tags, for old versions, and those that are off, delete nothing of ours."""
    rules = [
        {"ID": "all", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}},
        {"ID": "above", "Status": "Enabled", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 2}},
        {"ID": "within", "Status": "Enabled", "Prefix": "a/b/files/", "Expiration": {"Date": "2030-01-01"}},
        {
            "ID": "size",
            "Status": "Enabled",
            "Filter": {"And": {"Prefix": "a/b/", "ObjectSizeGreaterThan": 5}},
            "Expiration": {"Days": 4},
        },
        {"ID": "off", "Status": "Disabled", "Filter": {}, "Expiration": {"Days": 1}},
        {"ID": "beside", "Status": "Enabled", "Filter": {"Prefix": "a/c"}, "Expiration": {"Days": 1}},
        {"ID": "tag", "Status": "Enabled", "Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Expiration": {"Days": 1}},
        {"ID": "old", "Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"ID": "markers", "Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}},
    ]

    found = expiries(rules, "a/b/")  # type: ignore[arg-type]  # literals are not seen to fit

    assert found == [Expiry("all", 1), Expiry("above", 2), Expiry("within", None), Expiry("size", 4)]
