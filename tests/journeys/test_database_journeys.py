"""The database dies under load and comes back: what was true stays true, and everything goes on by itself."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

from tests.journeys.crowds import Crowd, crowd
from tests.journeys.database_servers import database_server, postmaster_of
from tests.journeys.installers import Installer
from tests.journeys.processes import Everpin, Told, running, until
from tests.pypi_sim import File, PyPISim

_BETWEEN_ACTS_SECONDS = 0.05
_VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")


async def test_everything_goes_on_when_the_embedded_database_is_killed(
    pypi: PyPISim, reachable_tmp_path: Path, database_url: str, installers: tuple[Installer, ...]
) -> None:
    """It is started again; the events equal those of an everpin beside it whose database was spared."""
    disturbed = Everpin.of("up", reachable_tmp_path / "disturbed", index_url=pypi.index_url)
    spared = Everpin.of("up", reachable_tmp_path / "spared", index_url=pypi.index_url, database__url=database_url)
    async with running(spared), running(disturbed):
        known = await _known_to(pypi, spared, disturbed)
        async with crowd(disturbed, known[::2]) as clients:
            for half in (known[::2], known[1::2]):
                deleting = asyncio.create_task(_busy_upstream(pypi, half, clients))
                await clients.more("page", "file")
                killed = postmaster_of(disturbed.data_dir)
                os.kill(killed, signal.SIGKILL)
                await clients.more("503", times=1)
                await _until_another_answers(disturbed, killed)
                await deleting
            await clients.more("page", "file", times=100)

        await _assert_nothing_was_lost(pypi, disturbed, spared, known, clients.files, installers)
        assert disturbed.log.count("postgres.died") == 2


async def test_everything_goes_on_when_the_database_of_others_was_down(
    pypi: PyPISim, reachable_tmp_path: Path, database_url: str, installers: tuple[Installer, ...]
) -> None:
    """Not ready meanwhile, then ready without a restart; who is told of deletions is told again."""
    async with database_server(reachable_tmp_path / "server") as server:
        disturbed = Everpin.of(
            "up", reachable_tmp_path / "disturbed", index_url=pypi.index_url, database__url=server.url
        )
        spared = Everpin.of("up", reachable_tmp_path / "spared", index_url=pypi.index_url, database__url=database_url)
        async with running(spared), running(disturbed):
            known = await _known_to(pypi, spared, disturbed)
            async with crowd(disturbed, known[::2]) as clients:
                deleting = asyncio.create_task(_busy_upstream(pypi, known, clients))
                await clients.more("page", "file")
                await server.stop_immediately()
                await _until_ready_is(disturbed, 503)
                await deleting
                await clients.more("503", times=50)
                assert (await disturbed.get("/healthz")).status == 200
                await server.start()
                await _until_ready_is(disturbed, 200)
                await clients.more("page", "file", times=100)

            await _assert_nothing_was_lost(pypi, disturbed, spared, known, clients.files, installers)
            await _assert_deletions_are_heard(pypi, disturbed)


async def _known_to(pypi: PyPISim, *everpins: Everpin) -> list[File]:
    """Files of two projects, old enough to be kept; each everpin has the pages, and the bytes of every other file."""
    uploaded_at = pypi.now() - timedelta(days=200)
    files = [pypi.upload(name, version, uploaded_at=uploaded_at) for version in _VERSIONS for name in ("one", "two")]
    for everpin in everpins:
        for file in files[::2]:
            assert (await everpin.get(await everpin.file_url(file.project, file.filename))).body == file.content
        for file in files[1::2]:
            assert file.filename in await everpin.listed(file.project)
    return files


async def _busy_upstream(pypi: PyPISim, doomed: list[File], clients: Crowd) -> None:
    """Deletes these files' releases one after the other, and uploads a new project after each."""
    for file in doomed:
        pypi.delete_release(file.project, file.version)
        # Nobody has asked for its page or its bytes yet.
        clients.files.append(pypi.upload(f"new-{len(clients.files)}", "1.0", payload_size=200_000))
        await asyncio.sleep(_BETWEEN_ACTS_SECONDS)


async def _until_another_answers(everpin: Everpin, killed: int) -> None:
    async def answers() -> bool:
        return (await everpin.get("/readyz")).status == 200 and postmaster_of(everpin.data_dir) != killed

    await until(answers)


async def _until_ready_is(everpin: Everpin, status: int) -> None:
    async def is_so() -> bool:
        return (await everpin.get("/readyz")).status == status

    await until(is_so)


async def _assert_nothing_was_lost(
    pypi: PyPISim,
    disturbed: Everpin,
    spared: Everpin,
    known: list[File],
    served: list[File],
    installers: tuple[Installer, ...],
) -> None:
    """The same events as if nothing had been, nothing waits for ever, and everything that was there installs."""
    for everpin in (disturbed, spared):
        await _until_all_is_told_and_kept(pypi, everpin, known)
    assert _by_journal(await disturbed.told()) == _by_journal(await spared.told())
    assert len(_by_journal(await disturbed.told())) == len(known)
    assert disturbed.scratch_files() == []
    for file in (*known, *served):
        assert (await disturbed.get(await disturbed.file_url(file.project, file.filename))).body == file.content
    wanted = [known[0], known[-1], served[-1]]
    for installer in installers:
        await installer.gets(disturbed.index_url, wanted, *(f"{file.project}=={file.version}" for file in wanted))


async def _until_all_is_told_and_kept(pypi: PyPISim, everpin: Everpin, doomed: list[File]) -> None:
    async def is_done() -> bool:
        told = await everpin.told(kind="release.deleted")
        reads = await everpin.figure("everpin_journal_serial")
        return (
            len(told) >= len(doomed)
            and reads == pypi.last_serial
            and await everpin.figure("everpin_backlog_files") == 0
        )

    await until(is_done)


async def _assert_deletions_are_heard(pypi: PyPISim, everpin: Everpin) -> None:
    """A page in memory changes because of a notice: the index answers for it no more."""
    file = pypi.upload("heard", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    assert (await everpin.get(await everpin.file_url("heard", file.filename))).body == file.content
    assert await everpin.listed("heard") == {file.filename: False}
    pypi.faults.page("heard", "503html")
    pypi.delete_release("heard", "1.0")
    await everpin.until_told("release.deleted", "heard")

    async def is_heard() -> bool:
        return "kept by this mirror" in str((await everpin.listed("heard"))[file.filename])

    await until(is_heard)


def _by_journal(told: list[Told]) -> list[Told]:
    """What rows of the journal caused, in its order; that bytes were rescued is told whenever they came."""
    return [event for event in told if event.kind != "rescued"]
