"""A death at any moment costs nothing but the time to start again."""

import asyncio
import signal
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from mirror import seams
from tests.journeys.inhabitants import until_nobody_lives_in
from tests.journeys.installers import Installer
from tests.journeys.processes import Everpin, running, until
from tests.pypi_sim import PyPISim


@pytest.mark.parametrize(("seam", "fetches"), [("keep.spooled", 2), ("keep.put", 1)])
async def test_a_death_while_a_file_is_kept_leaves_nothing_half_done(
    pypi: PyPISim, reachable_tmp_path: Path, installers: tuple[Installer, ...], seam: str, fetches: int
) -> None:
    """What was verified and put is adopted, what was not is fetched once more; the client never gets a wrong end."""
    uploaded_at = pypi.now() - timedelta(days=200)
    file = pypi.upload("leftpad", "1.0", uploaded_at=uploaded_at, payload_size=2_000_000)
    command = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url)
    async with running(command, **{seams.VARIABLE: seam}) as everpin:
        address = await everpin.file_url("leftpad", file.filename)
        with pytest.raises(aiohttp.ClientError):
            await everpin.get(address)
        assert await everpin.ended() == -signal.SIGKILL
        await until_nobody_lives_in(everpin.data_dir)

        await everpin.start()

        assert everpin.scratch_files() == []
        for installer in installers:
            await installer.gets(everpin.index_url, [file], "leftpad")
        assert (await everpin.get(address)).body == file.content
        assert pypi.fetches(file.filename) == fetches
        pypi.delete_release("leftpad", "1.0")
        await everpin.until_told("release.deleted", "leftpad")
        assert [told.kind for told in await everpin.told()] == ["release.deleted"]
        assert everpin.scratch_files() == []


@pytest.mark.parametrize("seam", ["poll.before_commit", "poll.committed"])
async def test_a_death_while_the_journal_is_read_changes_no_event(
    pypi: PyPISim, reachable_tmp_path: Path, uv: Installer, seam: str
) -> None:
    """The events of an everpin that died in the middle equal those of one beside it that did not."""
    uploaded_at = pypi.now() - timedelta(days=200)
    files = [pypi.upload("leftpad", version, uploaded_at=uploaded_at) for version in ("1.0", "1.1", "1.2")]
    killed = Everpin.of("up", reachable_tmp_path / "killed", index_url=pypi.index_url)
    spared = Everpin.of("up", reachable_tmp_path / "spared", index_url=pypi.index_url)
    async with running(spared), running(killed, **{seams.VARIABLE: seam}):
        for everpin in (spared, killed):
            for file in files:
                assert (await everpin.get(await everpin.file_url("leftpad", file.filename))).body == file.content

        pypi.faults.forget_deleted = True
        pypi.delete_file("leftpad", files[0].filename)
        pypi.delete_release("leftpad", "1.1")
        assert await killed.ended() == -signal.SIGKILL
        await until_nobody_lives_in(killed.data_dir)
        await killed.start()

        for everpin in (spared, killed):
            await everpin.until_told("release.deleted", "leftpad")
        assert [told.kind for told in await killed.told()] == ["file.deleted", "release.deleted"]
        assert await killed.told() == await spared.told()
        assert await killed.listed("leftpad") == await spared.listed("leftpad")
        for file in files:
            await uv.gets(killed.index_url, [file], f"leftpad=={file.version}")


def _size(path: Path) -> int:
    """Of small downloads the file may be gone by now, since they are done."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


async def test_a_death_under_load_spoils_no_install(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...]
) -> None:
    """Clients whose download was cut off get an error or, trying on, the right file; afterwards everything installs."""
    uploaded_at = pypi.now() - timedelta(days=200)
    files = [pypi.upload(name, "1.0", uploaded_at=uploaded_at, payload_size=1_500_000) for name in ("one", "two")]
    for file in files:
        pypi.faults.hold(file.filename, after=700_000)
    wanted = [(installer, file) for file in files for installer in installers]
    downloads = [asyncio.create_task(installer.install(everpin.index_url, file.project)) for installer, file in wanted]

    async def all_grow() -> bool:
        return sum(_size(path) >= 500_000 for path in everpin.scratch_files()) == len(files)

    await until(all_grow)
    await everpin.kill()
    await until_nobody_lives_in(everpin.data_dir)
    for file in files:
        pypi.faults.release(file.filename)
    await everpin.start()

    for (_, file), installed in zip(wanted, await asyncio.gather(*downloads), strict=True):
        assert installed.has(file) if installed.succeeded else not list(installed.target.glob("*.py"))
    for installer, file in wanted:
        await installer.gets(everpin.index_url, [file], file.project)
    assert [pypi.fetches(file.filename) for file in files] == [2, 2]
    assert everpin.scratch_files() == []
