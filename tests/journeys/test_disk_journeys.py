"""The disk is full for a while: what does not fit is passed on and not kept, all else goes on, nothing is lost."""

from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.journeys.crowds import crowd
from tests.journeys.installers import Installer
from tests.journeys.processes import Everpin, running, until
from tests.journeys.small_disks import SmallDisk, with_small_disk
from tests.pypi_sim import PyPISim

_LARGE = 4_000_000
# Many more than a table's last block has room for.
_MANY_VERSIONS = tuple(f"1.{number}" for number in range(300))


async def test_a_full_disk_stops_keeping_and_not_serving(
    pypi: PyPISim, database_url: str, reachable_tmp_path: Path, installers: tuple[Installer, ...]
) -> None:
    """Clients get what upstream still has; and what left it meanwhile is rescued when there is room again."""
    uploaded_at = pypi.now() - timedelta(days=200)
    warm, cold, large, departed, left = (
        pypi.upload(project, version, uploaded_at=uploaded_at, payload_size=size)
        for project, version, size in (
            ("warm", "1.0", 1_000),
            ("cold", "1.0", 1_000),
            ("large", "1.0", _LARGE),
            ("departed", "1.0", _LARGE),
            ("departed", "1.1", 1_000),
        )
    )
    everpin = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url, database__url=database_url)
    everpin.data_dir.mkdir()
    disk = with_small_disk(everpin, everpin.data_dir, size="16m")
    async with running(everpin):
        address = {file: await everpin.file_url(file.project, file.filename) for file in (warm, cold, large, departed)}
        assert (await everpin.get(address[warm])).body == warm.content
        disk.fill(but=1_000_000)
        pypi.delete_release("departed", "1.0")
        await everpin.until_told("release.deleted", "departed")

        async def rescue_failed() -> bool:
            return await everpin.figure("everpin_keep_failures_total", reason="retried") > 0

        async def nothing_is_wanted() -> bool:
            return await everpin.figure("everpin_backlog_files") == 0

        await until(rescue_failed)
        assert pypi.fetches(large.filename) == pypi.fetches(departed.filename) == 0
        for file in (large, departed):
            assert (await everpin.get(address[file])).body == file.content
            refused = await everpin.get(address[file], Range="bytes=0-9")
            assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        for installer in installers:
            await installer.gets(everpin.index_url, [large], "large")
        assert await everpin.figure("everpin_keep_failures_total", reason="no_room") > 0
        await installers[0].gets(everpin.index_url, [warm, cold, left], "warm", "cold", "departed")
        assert (await everpin.get("/readyz")).status == 200

        disk.clear()
        await everpin.until_told("rescued", "departed")
        for file in (warm, cold, large, departed):
            assert (await everpin.get(address[file])).body == file.content
        for installer in installers:
            await installer.gets(everpin.index_url, [large, departed], "large", "departed==1.0")
        assert await everpin.figure("everpin_rescues_total", outcome="lost") == 0
        await until(nothing_is_wanted)
        assert list(disk.path().rglob("*.part")) == []


async def test_a_full_store_on_a_disk_of_its_own_costs_no_client_anything(
    pypi: PyPISim, database_url: str, reachable_tmp_path: Path
) -> None:
    """What cannot be stored is fetched as often as it is asked for, until there is room again."""
    large = pypi.upload("large", "1.0", uploaded_at=pypi.now() - timedelta(days=200), payload_size=_LARGE)
    small = pypi.upload("small", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    store = reachable_tmp_path / "store"
    store.mkdir()
    settings = {"database__url": database_url, "store__url": f"file:{store}"}
    everpin = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url, **settings)
    disk = with_small_disk(everpin, store, size="16m")
    async with running(everpin):
        address = await everpin.file_url("large", large.filename)
        disk.fill(but=1_000_000)
        for _ in range(2):
            assert (await everpin.get(address)).body == large.content
        assert (await everpin.get(address, Range="bytes=0-9")).status == 503
        assert (await everpin.get(await everpin.file_url("small", small.filename))).body == small.content

        disk.clear()
        assert (await everpin.get(address)).body == large.content
        assert everpin.scratch_files() == list(disk.path().rglob("*.part")) == []


async def test_no_event_is_lost_while_the_database_has_no_room_to_write(
    pypi: PyPISim, database_url: str, reachable_tmp_path: Path, installers: tuple[Installer, ...]
) -> None:
    """What is known is served on; after even a crash of the database, all is caught up with when there is room."""
    uploaded_at = pypi.now() - timedelta(days=200)
    files = [pypi.upload("known", version, uploaded_at=uploaded_at) for version in ("1.0", "1.1", "1.2", "1.3")]
    # Each poll that fails writes to the database's log all the same, until that needs a segment there is no room for.
    seldom = {"watcher__poll_interval": "3s"}
    full = Everpin.of("up", reachable_tmp_path / "full", index_url=pypi.index_url, **seldom)
    spared = Everpin.of("up", reachable_tmp_path / "spared", index_url=pypi.index_url, database__url=database_url)
    full.data_dir.mkdir()
    disk = with_small_disk(full, full.data_dir, size="160m")
    async with running(spared), running(full):
        for everpin in (spared, full):
            for file in files:
                assert (await everpin.get(await everpin.file_url("known", file.filename))).body == file.content
        disk.fill()
        for version in _MANY_VERSIONS:
            pypi.upload("other", version, payload_size=0)
        pypi.delete_release("known", "1.0")
        await _until_logged(full, "No space left on device", "job=poll")
        async with crowd(full, files, clients=4) as clients:
            await clients.more("page", "file")
        assert clients.seen["503"] == 0
        assert await full.told() == []

        pypi.delete_release("known", "1.1")
        await _crash_for_want_of_room(disk)
        # Its recovery needs room as well; the supervisor tries again for as long as there is none.
        await _until_logged(full, "postgres.start_failed", "No space left on device")
        assert (await full.get("/readyz")).status == 503
        pypi.delete_release("known", "1.2")
        disk.clear()
        await full.ready()
        for everpin in (spared, full):
            await _until_read(everpin, pypi)
        assert await full.told() == await spared.told()
        assert [told.version for told in await full.told()] == ["1.0", "1.1", "1.2"]
        for installer in installers:
            await installer.gets(full.index_url, files[:1], "known==1.0")
            await installer.gets(full.index_url, files[3:], "known")


async def _until_logged(everpin: Everpin, *words: str) -> None:
    """Waits for a line with all these words."""

    async def is_logged() -> bool:
        return any(all(word in line for word in words) for line in everpin.log.splitlines())

    await until(is_logged)


async def _until_read(everpin: Everpin, pypi: PyPISim) -> None:
    async def is_read() -> bool:
        return await everpin.figure("everpin_journal_serial") == pypi.last_serial

    await until(is_read)


async def _crash_for_want_of_room(disk: SmallDisk) -> None:
    """Has the database begin new segments of its log, as it does every so often, until it has no room for one."""
    conn = await asyncpg.connect(host=str(disk.path("postgres", "run")), user="postgres", database="everpin")

    async def write_on() -> None:
        while True:
            await conn.execute("select pg_switch_wal()")
            await conn.execute("select pg_logical_emit_message(false, 'everpin', 'a word')")

    try:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await write_on()
    finally:
        conn.terminate()
