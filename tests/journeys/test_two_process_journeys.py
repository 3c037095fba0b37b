"""A mirror and a watcher as two processes that share a database and a store."""

from datetime import timedelta
from pathlib import Path

from tests.journeys.installers import Installer
from tests.journeys.processes import Everpin, running
from tests.pypi_sim import PyPISim


async def test_what_the_watcher_sees_changes_the_page_of_the_mirror(
    pypi: PyPISim, database_url: str, reachable_tmp_path: Path, installers: tuple[Installer, ...]
) -> None:
    """The mirror's page is held in memory and fresh by its age; it changes because it is told, not because it asks."""
    shared = {"database__url": database_url, "store__url": f"file:{reachable_tmp_path}/store"}
    mirror = Everpin.of("mirror", reachable_tmp_path / "mirror", index_url=pypi.index_url, **shared)
    watch = Everpin.of("watch", reachable_tmp_path / "watch", index_url=pypi.index_url, **shared)
    kept = pypi.upload("leftpad", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    rescued = pypi.upload("leftpad", "1.1", uploaded_at=pypi.now() - timedelta(days=200))
    left = pypi.upload("leftpad", "1.2", uploaded_at=pypi.now() - timedelta(days=200))
    async with running(watch), running(mirror):
        for installer in installers:
            await installer.gets(mirror.index_url, [kept], "leftpad==1.0")
        assert set((await mirror.listed("leftpad")).values()) == {False}

        # From here on the index answers for no page: only notices can change what the mirror has.
        pypi.faults.page("leftpad", "503html")
        for version in ("1.0", "1.1"):
            pypi.delete_release("leftpad", version)
        await mirror.until_told("rescued", "leftpad")

        listed = await mirror.listed("leftpad")
        assert listed.pop(left.filename) is False
        assert listed.keys() == {kept.filename, rescued.filename}
        assert all("kept by this mirror" in str(reason) for reason in listed.values())
        assert pypi.fetches(rescued.filename) == 1
        for installer in installers:
            await installer.gets(mirror.index_url, [kept], "leftpad==1.0")
            await installer.gets(mirror.index_url, [rescued], "leftpad==1.1")
            await installer.gets(mirror.index_url, [left], "leftpad")


async def test_the_mirror_goes_on_when_the_watcher_dies_and_is_told_when_it_is_back(
    pypi: PyPISim, database_url: str, reachable_tmp_path: Path, pip: Installer
) -> None:
    """A deletion in the time without a watcher is told once, when there is one again."""
    shared = {"database__url": database_url, "store__url": f"file:{reachable_tmp_path}/store"}
    mirror = Everpin.of("mirror", reachable_tmp_path / "mirror", index_url=pypi.index_url, **shared)
    watch = Everpin.of("watch", reachable_tmp_path / "watch", index_url=pypi.index_url, **shared)
    file = pypi.upload("leftpad", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    async with running(watch), running(mirror):
        await pip.gets(mirror.index_url, [file], "leftpad")

        await watch.kill()
        pypi.delete_release("leftpad", "1.0")
        await pip.gets(mirror.index_url, [file], "leftpad==1.0")
        assert await mirror.told() == []
        await watch.start()
        await mirror.until_told("release.deleted", "leftpad")

        await pip.gets(mirror.index_url, [file], "leftpad==1.0")
        await pip.is_refused(mirror.index_url, "leftpad")
        assert [told.kind for told in await mirror.told()] == ["release.deleted"]
