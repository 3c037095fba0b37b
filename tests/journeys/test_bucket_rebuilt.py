"""The database is lost and the bucket is not: what it holds is served again, and what was ordered is in force."""

from pathlib import Path

from tests.journeys.installers import Installer, pinned_with_hash
from tests.journeys.processes import Everpin, running, until
from tests.journeys.users import commanded, known, state_of, wheels
from tests.pypi_sim import File, PyPISim
from tests.s3_server import REGION, S3Server, s3_environment


def on(bucket: str, s3: S3Server, home: Path, pypi: PyPISim) -> Everpin:
    """An everpin with a database of its own and that bucket as its store."""
    return Everpin.of(
        "up",
        home,
        index_url=pypi.index_url,
        store__url=f"s3://{bucket}/deep",
        store__endpoint_url=s3.endpoint_url,
        store__region=REGION,
    )


async def sealed(s3: S3Server, bucket: str, file: File) -> None:
    """Waits until the file's bytes are out of everybody's reach."""

    async def is_so() -> bool:
        return [key for key in s3.keys(bucket) if file.sha256 in key] == [
            f"deep/sealed/files/{file.sha256[:2]}/{file.sha256[2:4]}/{file.sha256}"
        ]

    await until(is_so)


async def test_a_lost_database_is_made_again_from_the_bucket(
    s3: S3Server, pypi: PyPISim, reachable_tmp_path: Path, installers: tuple[Installer, ...]
) -> None:
    """Pins of what upstream lists and of what it deleted work again, without its files host. What was purged stays
    purged, in all its versions, and what was blocked stays blocked, whether or not upstream still lists it."""
    bucket = s3.bucket(versioned=True)
    address = f"s3://{bucket}/deep"
    demo, bad = wheels(pypi, "demo", "1.0", "2.0", "3.0"), wheels(pypi, "bad", "1.0", "2.0")
    before = on(bucket, s3, reachable_tmp_path / "before", pypi)
    async with running(before, **s3_environment()):
        await known(before, [*demo.values(), *bad.values()])
        await commanded(before, "purge", "demo==3.0", "--reason", "court order", "--yes", **s3_environment())
        await commanded(before, "block", "bad", "--reason", "steals tokens", **s3_environment())
        for file in bad.values():
            await sealed(s3, bucket, file)
        pypi.faults.forget_deleted = True
        pypi.delete_release("demo", "1.0")
        pypi.delete_release("bad", "1.0")
        await before.until_told("release.deleted", "bad")
        await before.kill()
    pypi.faults.files_down = "refuse"

    after = on(bucket, s3, reachable_tmp_path / "after", pypi)
    async with running(after, **s3_environment()):
        first = await commanded(after, "import", address, **s3_environment())
        unvouched = await after.listed("demo")
        second = await commanded(after, "import", address, "--vouch", "--reason", "our bucket", **s3_environment())

        assert {line for line in first.splitlines() if line.startswith(("demo", "bad"))} == {
            f"{demo['1.0'].filename}: unknown",
            f"{demo['2.0'].filename}: adopted",
            f"{bad['1.0'].filename}: unknown",
            f"{bad['2.0'].filename}: adopted",
        }
        assert list(unvouched) == [demo["2.0"].filename]
        assert f"{demo['1.0'].filename}: vouched for (demo 1.0, kept)" in second.splitlines()
        assert f"{bad['1.0'].filename}: vouched for (bad 1.0, blocked)" in second.splitlines()
        lock = reachable_tmp_path / "lock.txt"
        lock.write_text(pinned_with_hash(demo["1.0"]))
        for installer in installers:
            await installer.gets(after.index_url, [demo["1.0"]], "demo==1.0")
            await installer.gets(after.index_url, [demo["1.0"]], "--require-hashes", "-r", str(lock))
            await installer.gets(after.index_url, [demo["2.0"]], "demo")
            await installer.is_refused(after.index_url, "demo==3.0")
            await installer.is_refused(after.index_url, "bad")
            await installer.is_refused(after.index_url, "bad==1.0")
        assert await state_of(after, demo["3.0"]) == "purged"
        assert (await state_of(after, bad["2.0"])).startswith("blocked")
        assert await after.listed("bad") == {}
        assert [key for key in s3.keys(bucket) if demo["3.0"].sha256 in key] == []
        for file in bad.values():
            await sealed(s3, bucket, file)
        metadata = {f["filename"]: f["core-metadata"] for f in (await after.page("demo"))["files"]}
        assert all(metadata[file.filename] for file in (demo["1.0"], demo["2.0"]))
        for file in (demo["1.0"], demo["2.0"]):
            found = await after.get(f"{await after.file_url('demo', file.filename)}.metadata")
            assert (found.status, found.body) == (200, file.metadata)
