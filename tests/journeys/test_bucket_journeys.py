"""Everpin as a process of its own with its bytes in a bucket: several on one of them, through deaths and wrong keys."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.processes import Everpin, running, until
from tests.pypi_sim import PyPISim
from tests.s3_server import REGION, S3Server, s3_environment

_SIZE = 9_000_000
"""More than is put in one request."""


def on(bucket: str, s3: S3Server, verb: str, home: Path, pypi: PyPISim, database_url: str, serve: str) -> Everpin:
    """An everpin with that bucket as its store."""
    return Everpin.of(
        verb,
        home,
        index_url=pypi.index_url,
        database__url=database_url,
        store__url=f"s3://{bucket}/deep/prefix",
        store__endpoint_url=s3.endpoint_url,
        store__region=REGION,
        store__serve=serve,
    )


@pytest.mark.parametrize("serve", ["stream", "redirect"])
async def test_what_one_host_kept_another_serves(
    s3: S3Server, pypi: PyPISim, database_url: str, reachable_tmp_path: Path, serve: str
) -> None:
    """Also when the first is dead and upstream has nothing any more."""
    bucket = s3.bucket(versioned=True)
    uploaded_at = pypi.now() - timedelta(days=200)
    small, large = (
        pypi.upload("demo", version, uploaded_at=uploaded_at, payload_size=size)
        for version, size in (("1.0", 1000), ("2.0", _SIZE))
    )
    first = on(bucket, s3, "up", reachable_tmp_path / "first", pypi, database_url, serve)
    second = on(bucket, s3, "mirror", reachable_tmp_path / "second", pypi, database_url, serve)
    async with running(first, **s3_environment()):
        addresses = {file: await first.file_url("demo", file.filename) for file in (small, large)}
        for file, address in addresses.items():
            assert (await first.get(address)).body == file.content
        pypi.delete_release("demo", "1.0")
        pypi.delete_release("demo", "2.0")
        await first.until_told("release.deleted", "demo")
        await first.kill()

    async with running(second, **s3_environment()):
        for file, address in addresses.items():
            path = address.removeprefix(first.url)
            assert (await second.get(path)).body == file.content
            part = await second.get(path, Range="bytes=10-19")
            assert (part.status, part.body) == (206, file.content[10:20])
        assert pypi.fetches(small.filename) == pypi.fetches(large.filename) == 1


async def test_many_hosts_that_get_the_same_file_at_once_agree(
    s3: S3Server, pypi: PyPISim, database_url: str, reachable_tmp_path: Path
) -> None:
    """Each client gets all of it, and the bucket has it once."""
    bucket = s3.bucket(versioned=True)
    file = pypi.upload("demo", "1.0", uploaded_at=pypi.now() - timedelta(days=200), payload_size=_SIZE)
    hosts = [
        on(bucket, s3, verb, reachable_tmp_path / f"host-{number}", pypi, database_url, "stream")
        for number, verb in enumerate(("up", "mirror"))
    ]
    async with running(hosts[0], **s3_environment()), running(hosts[1], **s3_environment()):
        addresses = [await host.file_url("demo", file.filename) for host in hosts]
        answers = await asyncio.gather(
            *(host.get(address) for host, address in zip(hosts, addresses, strict=True) for _ in range(3))
        )

        assert {answer.body for answer in answers} == {file.content}

        async def is_there_once() -> bool:
            return len([key for key in s3.keys(bucket) if file.sha256 in key]) == 1

        await until(is_there_once)


async def test_a_bucket_that_cannot_be_used_refuses_the_start(
    s3: S3Server, pypi: PyPISim, database_url: str, reachable_tmp_path: Path
) -> None:
    """With status 2 and a line that says what to do."""
    everpin = on("never-made", s3, "up", reachable_tmp_path / "data", pypi, database_url, "stream")
    await everpin.launch(**s3_environment())

    status = await everpin.ended()

    assert status == 2
    assert "make it, or set store.url to another" in everpin.log
    assert "Traceback" not in everpin.log


async def test_an_end_is_as_quick_as_ever(
    s3: S3Server, pypi: PyPISim, database_url: str, reachable_tmp_path: Path
) -> None:
    """Threads that the bucket is asked in hold nothing up."""
    everpin = on(s3.bucket(), s3, "up", reachable_tmp_path / "data", pypi, database_url, "stream")
    pypi.upload("demo", "1.0")
    async with running(everpin, **s3_environment()):
        await everpin.page("demo")
        status = await everpin.stop()

    assert status == 0
