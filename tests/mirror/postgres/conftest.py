"""Directories and processes for trying the embedded PostgreSQL, as every kind of user we can be.

As root, everything runs twice: once as root (who hands the server to another user) and once as `nobody`, the ordinary
user. As anybody else, once as that user.
"""

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from mirror.postgres.identity import Identity, blocked_at
from tests.reachable import reachable_directory

DEADLINE_SECONDS = 15
PROGRAM = Path(__file__).with_name("hold_postgres.py")
ROOT = Path(__file__).parents[3]
AM_ROOT = os.geteuid() == 0
ACCOUNTS = ("root", "nobody") if AM_ROOT else (pwd.getpwuid(os.geteuid()).pw_name,)


@pytest.fixture(params=ACCOUNTS)
def account(request: pytest.FixtureRequest) -> str:
    """The user everpin runs as."""
    return str(request.param)


@pytest.fixture
def place(account: str) -> Iterator[Path]:
    """An empty directory of the account's, where the server's user may pass (pytest's own are closed to it)."""
    with reachable_directory() as directory:
        if AM_ROOT:
            shutil.chown(directory, account)
        yield directory


@pytest.fixture(scope="session")
def open_interpreter() -> Iterator[str]:
    """An interpreter that `nobody` can run: ours, or a copy of it if ours is in root's closed home."""
    executable = Path(sys.executable).resolve()
    nobody = Identity("nobody", pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid, (), foreign=True)
    if not AM_ROOT or blocked_at(executable, nobody, bits=0o1) is None:
        yield sys.executable
        return
    with tempfile.TemporaryDirectory(prefix="everpin-python-") as directory:
        copy = Path(directory)
        copy.chmod(0o755)
        (copy / "bin").mkdir()
        shutil.copy(executable, copy / "bin")
        library = Path(sysconfig.get_path("stdlib"))
        left_out = shutil.ignore_patterns("site-packages", "test", "config-*", "idlelib", "*.a")
        shutil.copytree(library, copy / "lib" / library.name, ignore=left_out)
        for shared in library.parent.glob("libpython*.so*"):
            shutil.copy(shared, copy / "lib")
        yield str(copy / "bin" / executable.name)


Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(account: str, open_interpreter: str) -> AsyncIterator[Start]:
    """Start `hold_postgres.py` as the account, with variables added to its environment."""
    started: list[Process] = []

    async def _start(data_dir: Path, **variables: str) -> Process:
        entry = pwd.getpwnam(account)
        paths = (variables.pop("PYTHONPATH", ""), str(ROOT), sysconfig.get_path("purelib"))
        process = await asyncio.create_subprocess_exec(
            sys.executable if account == "root" else open_interpreter,
            str(PROGRAM),
            str(data_dir),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | variables,
            user=entry.pw_uid if AM_ROOT else None,
            group=entry.pw_gid if AM_ROOT else None,
            extra_groups=[] if AM_ROOT else None,
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        if process.returncode is not None:
            continue
        async with asyncio.timeout(DEADLINE_SECONDS):
            await process.communicate(b"")  # the end of standard input lets it leave
            await process.wait()


@pytest.fixture
def hold(start: Start) -> Callable[[Path], Awaitable[tuple[Process, str]]]:
    """Start a holder and wait for its DSN."""

    async def _hold(data_dir: Path, **variables: str) -> tuple[Process, str]:
        process = await start(data_dir, **variables)
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            dsn = (await process.stdout.readline()).decode().strip()
            assert dsn, (await process.communicate(b""))[1].decode()
        return process, dsn

    return _hold


@pytest.fixture
def refusal(start: Start) -> Callable[[Path], Awaitable[str]]:
    """Start a holder that is expected to refuse, and return its sentence."""

    async def _refusal(data_dir: Path, **variables: str) -> str:
        process = await start(data_dir, **variables)
        async with asyncio.timeout(DEADLINE_SECONDS):
            _, said = await process.communicate(b"")
        lines = [line for line in said.decode().splitlines() if line.startswith("StartError: ")]
        assert len(lines) == 1, said.decode()
        return lines[0]

    return _refusal


@pytest.fixture
def ask() -> Callable[..., Awaitable[object]]:
    """Run a statement over a connection of its own and return the first value."""

    async def _ask(dsn: str, statement: str) -> object:
        connection = await asyncpg.connect(dsn, timeout=DEADLINE_SECONDS)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return _ask


@pytest.fixture
def ask_patiently(ask: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """Like `ask`, as often as it takes for a server to be there again."""

    async def _ask_patiently(dsn: str, statement: str) -> object:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                try:
                    return await ask(dsn, statement)
                except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
                    await asyncio.sleep(0.05)

    return _ask_patiently
