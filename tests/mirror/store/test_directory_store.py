"""What only the store in a directory promises: whole files by any way in, whatever dies meanwhile."""

import asyncio
import hashlib
import os
import signal
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mirror.errors import StartError, StoreError
from mirror.names import Sha256
from mirror.store.directory import DirectoryStore
from mirror.store.keys import StoreKey
from tests.mirror.store.conftest import Starter, until_third_put

BODY = b"leftpad" * 100_000
KEY = StoreKey(Sha256(hashlib.sha256(BODY).hexdigest()))


@pytest.fixture
async def store(tmp_path: Path) -> DirectoryStore:
    made = DirectoryStore(tmp_path / "store")
    await made.check()
    return made


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "spool"
    path.write_bytes(BODY)
    path.chmod(0o600)
    return path


def local_path(store: DirectoryStore) -> Path:
    path = store.local_path(KEY)
    assert path is not None
    return path


def objects(root: Path) -> list[Path]:
    return [path for path in (root / "files").rglob("*") if path.is_file()]


def incoming(root: Path) -> list[Path]:
    return list((root / "incoming").iterdir())


async def test_objects_can_be_read_by_other_users(store: DirectoryStore, spool: Path) -> None:
    """A web server beside this one may serve them."""
    await store.put(spool, KEY)

    assert stat.S_IMODE(local_path(store).stat().st_mode) == 0o644


async def test_a_spool_on_the_same_file_system_is_not_copied(store: DirectoryStore, spool: Path) -> None:
    """The object is the spooled file under a second name."""
    await store.put(spool, KEY)

    assert local_path(store).samefile(spool)


async def test_an_object_that_was_cut_short_is_replaced(store: DirectoryStore, spool: Path) -> None:
    """By a copy that appears at once and as a whole."""
    damaged = local_path(store)
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(BODY[:1000])

    await store.put(spool, KEY)

    assert damaged.read_bytes() == BODY
    assert not damaged.samefile(spool)
    assert stat.S_IMODE(damaged.stat().st_mode) == 0o644
    assert incoming(damaged.parents[3]) == []


async def test_a_spool_that_is_gone_leaves_nothing(store: DirectoryStore, tmp_path: Path) -> None:
    """The failure is told, and the store is as before."""
    with pytest.raises(StoreError, match="No such file"):
        await store.put(tmp_path / "missing", KEY)

    assert await store.size(KEY) is None
    assert incoming(tmp_path / "store") == []


async def test_what_cannot_be_read_is_not_called_absent(store: DirectoryStore, tmp_path: Path) -> None:
    """A file where a directory should be is no answer to whether an object is there."""
    (tmp_path / "store" / "files").write_text("in the way")

    with pytest.raises(StoreError):
        await store.size(KEY)
    with pytest.raises(StoreError):
        _ = [chunk async for chunk in store.read(KEY)]


async def test_a_directory_that_cannot_be_used_refuses_the_start(tmp_path: Path) -> None:
    """The sentence says which directory and what to do."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StartError, match=r"file/store cannot be used .*: make it writable"):
        await DirectoryStore(tmp_path / "file" / "store").check()


async def test_many_puts_of_one_object_at_the_same_time_agree(store: DirectoryStore, tmp_path: Path) -> None:
    """Whoever is first, the object is whole for everybody."""
    spools = [tmp_path / f"spool-{number}" for number in range(8)]
    for path in spools:
        path.write_bytes(BODY)

    await asyncio.gather(*(store.put(path, KEY) for path in spools))

    assert local_path(store).read_bytes() == BODY
    assert incoming(tmp_path / "store") == []


async def test_death_right_before_an_object_appears_leaves_what_was_there(tmp_path: Path, start_child: Starter) -> None:
    """The copy of a dead process is never visible, and the next start clears it away."""
    root, spools = tmp_path / "store", tmp_path / "spools"
    spools.mkdir()
    first = (0).to_bytes(8, "big") * 1000
    key = StoreKey(Sha256(hashlib.sha256(first).hexdigest()))
    damaged = root / str(key)
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"cut short")

    child = await start_child(str(root), str(spools), "8000", kill_at="store.copied")
    assert await child.wait() == -signal.SIGKILL

    assert damaged.read_bytes() == b"cut short"
    assert len(incoming(root)) == 1
    await DirectoryStore(root).check()
    assert incoming(root) == []


@pytest.mark.parametrize("spools_in", ["the same file system", "memory"])
async def test_death_at_any_moment_leaves_whole_objects_only(
    tmp_path: Path, start_child: Starter, spools_in: str
) -> None:
    """What was reported as put is there, and whatever is visible is complete."""
    root = tmp_path / "store"
    place = tmp_path if spools_in == "the same file system" else "/dev/shm"  # noqa: S108 - another file system is the point
    for _ in range(4):
        with TemporaryDirectory(dir=place) as spools:
            child = await start_child(str(root), spools, str(8 * 2**20))
            reported = await until_third_put(child)
            # Whatever the third put is doing right now.
            child.kill()
            await child.wait()

        visible = objects(root)
        assert {str(path.relative_to(root)) for path in visible} >= reported
        assert len(reported) == 2
        for path in visible:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
            path.unlink()
    await DirectoryStore(root).check()
    assert incoming(root) == []


async def test_a_put_in_progress_is_not_mistaken_for_a_leftover(tmp_path: Path, start_child: Starter) -> None:
    """A start beside a working process clears nothing that the other still needs."""
    root, spools = tmp_path / "store", tmp_path / "spools"
    spools.mkdir()
    other = DirectoryStore(root)
    await other.check()
    with other._temporary() as (path, _):
        await DirectoryStore(root).check()

        assert path.exists()


async def test_what_is_adopted_is_flushed_like_what_was_put(
    store: DirectoryStore, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of an object that was put by a process which died right then may be in memory only."""
    await store.put(spool, KEY)
    place = store.local_path(KEY)
    assert place is not None
    flushed: list[int] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)

    assert await store.adopt(KEY) == len(BODY)

    above = [directory for directory in place.parents if directory.is_relative_to(tmp_path / "store")]
    assert flushed == [directory.stat().st_ino for directory in above]


async def test_nothing_is_adopted_where_nothing_is(store: DirectoryStore) -> None:
    """Not there is no failure."""
    assert await store.adopt(KEY) is None


async def test_an_object_of_five_gigabytes_is_kept_like_any_other(store: DirectoryStore, tmp_path: Path) -> None:
    """Its spool becomes the object without a copy; what lies beyond 4 GiB can be read."""
    size, end = 5 * 10**9, b"the end"
    spool = tmp_path / "large"
    with spool.open("wb") as file:
        file.seek(size - len(end))
        file.write(end)

    # Its digest is of no matter here, and would take long to compute.
    await store.put(spool, KEY)

    assert await store.size(KEY) == size
    assert b"".join([chunk async for chunk in store.read(KEY, start=size - 10)]) == bytes(3) + end
    assert local_path(store).samefile(spool)


async def test_sealing_an_object_flushes_both_names(
    store: DirectoryStore, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut it is where it was moved to, and nowhere else."""
    await store.put(spool, KEY)
    flushed: list[int] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)

    await store.seal(KEY)

    places = [local_path(store), tmp_path / "store" / KEY.sealed]
    assert {place.parent.stat().st_ino for place in places} <= set(flushed)


async def test_puts_and_seals_at_the_same_time_leave_one_object(store: DirectoryStore, tmp_path: Path) -> None:
    """Whoever is first: never two, and never none."""
    spools = [tmp_path / f"spool-{number}" for number in range(12)]
    for path in spools:
        path.write_bytes(BODY)
    others = [DirectoryStore(tmp_path / "store") for _ in range(4)]

    await asyncio.gather(
        *(store.put(path, KEY) for path in spools),
        *(other.seal(KEY) for other in others),
        *(other.unseal(KEY) for other in others),
    )

    assert [(one.key, one.size) async for one in store.objects()] == [(KEY, len(BODY))]
    assert await store.digest(KEY) == KEY.sha256


async def test_a_store_whose_disk_is_gone_knows_nothing(store: DirectoryStore, tmp_path: Path, spool: Path) -> None:
    """As when it is not mounted: nothing is called absent, and nothing is put into the directory beneath."""
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    (tmp_path / "store").mkdir()

    for attempt in (store.size(KEY), store.adopt(KEY), store.delete(KEY), store.seal(KEY), store.put(spool, KEY)):
        with pytest.raises(StoreError):
            await attempt
    for listing in (store.objects(), store.acts()):
        with pytest.raises(StoreError):
            await anext(listing)
    assert list((tmp_path / "store").iterdir()) == []
