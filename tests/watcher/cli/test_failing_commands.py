"""What cannot succeed says so in one line and ends with status 2, before it has changed anything."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web

from mirror.catalog import instance
from mirror.catalog.database import Catalog
from mirror.errors import StartError
from tests.pypi_sim import PyPISim
from tests.watcher.cli.shells import COMMANDS, Shell
from watcher.serving import listening_socket, serving

LONG_LIVED = ["mirror", "up", "watch"]
ACTS = ["block", "purge", "release", "unblock", "unpurge"]
SUBJECTS = {
    "check": [str(Path(__file__).parents[3] / "deploy" / "requirements.txt")],
    "explain": ["demo"],
    "import": ["."],
    "keep": ["demo"],
    "redact": ["1-1", "--reason", "so be it"],
    "watchlist": ["list"],
    "webhooks": ["list"],
    **{act: ["demo", "--reason", "so be it"] for act in ACTS},
}
"""What commands cannot do without."""


@pytest.fixture
def free_port() -> int:
    """A loopback port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A loopback port at which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def _ports(port: int) -> dict[str, str]:
    return {"EVERPIN_MIRROR__PORT": str(port), "EVERPIN_WATCHER__PORT": str(port)}


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["up", "--nonsense"],
        ["explain"],
        ["explain", "not a name"],
        ["events", "--kind", "nonsense"],
        ["config", "--config", "/nowhere/everpin.toml"],
        ["config", "--config", "/"],
        ["up", "--data-dir", "/dev/null"],
        ["up", "too", "much"],
    ],
)
async def test_a_command_line_that_makes_no_sense_is_refused(shell: Shell, arguments: list[str]) -> None:
    """One line, whatever is wrong with it."""
    assert await shell.refusal(*arguments)


@pytest.mark.parametrize("command", COMMANDS)
async def test_bad_settings_are_refused_by_every_command(shell: Shell, tmp_path: Path, command: str) -> None:
    """The line names the setting and the file."""
    config = tmp_path / "everpin.toml"
    config.write_text("[mirror]\nprot = 8080\n")
    subject = SUBJECTS.get(command, [])

    said = await shell.refusal(command, *subject, "--config", str(config))

    assert said == f"mirror.prot: unknown setting (in {config} or the environment)"


@pytest.mark.parametrize("command", LONG_LIVED)
async def test_a_port_in_use_is_refused_before_anything_starts(
    shell: Shell, reachable_tmp_path: Path, command: str, busy_port: int
) -> None:
    """The line names address, port and setting; no database was made for nothing."""
    said = await shell.refusal(command, **_ports(busy_port))

    section = "watcher" if command == "watch" else "mirror"
    assert said.startswith(f"cannot listen on 127.0.0.1 port {busy_port} (")
    assert f"change {section}.host or {section}.port" in said
    assert not (reachable_tmp_path / "data").exists()


async def test_of_two_that_start_at_once_one_is_refused(free_port: int) -> None:
    """Both got hold of the port before either listened; the later one is told as if it had come late."""
    bound = [listening_socket("127.0.0.1", free_port, section="mirror") for _ in range(2)]

    async with serving(web.Application(), bound[0], access_log=False):
        with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1 port {free_port} "):
            async with serving(web.Application(), bound[1], access_log=False):
                pytest.fail("two listen on one port")

    bound[1].close()


@pytest.mark.parametrize("command", ["migrate", *LONG_LIVED])
async def test_a_data_directory_that_cannot_be_made_is_refused(
    shell: Shell, reachable_tmp_path: Path, command: str, free_port: int
) -> None:
    """Below a regular file nobody can make a directory, not even root."""
    (reachable_tmp_path / "file").write_text("")

    said = await shell.refusal(command, "--data-dir", f"{reachable_tmp_path}/file/below", **_ports(free_port))

    assert str(reachable_tmp_path / "file") in said
    assert "--data-dir" in said


@pytest.mark.parametrize("command", LONG_LIVED)
async def test_authorities_that_cannot_be_read_are_refused(
    shell: Shell, tmp_path: Path, command: str, free_port: int
) -> None:
    """Before a database is started; the line names the setting and the file."""
    said = await shell.refusal(command, EVERPIN_UPSTREAM__CA_FILE=str(tmp_path / "nowhere.pem"), **_ports(free_port))

    assert "upstream.ca_file" in said
    assert "nowhere.pem" in said


@pytest.mark.parametrize("command", ["mirror", "watch"])
async def test_a_store_that_cannot_be_written_is_refused(
    shell: Shell, reachable_tmp_path: Path, database_url: str, command: str, free_port: int
) -> None:
    """The line names the directory and the setting."""
    (reachable_tmp_path / "file").write_text("")
    store = reachable_tmp_path / "file" / "store"

    said = await shell.refusal(
        command, EVERPIN_DATABASE__URL=database_url, EVERPIN_STORE__URL=f"file:{store}", **_ports(free_port)
    )

    assert str(store) in said
    assert "store.url" in said


@pytest.mark.parametrize(
    "command",
    ["block", "check", "events", "explain", "import", "keep", "migrate", "status", "verify", "watchlist", *LONG_LIVED],
)
async def test_a_database_that_cannot_be_reached_is_refused(shell: Shell, command: str, free_port: int) -> None:
    """The line names the setting and keeps the password."""
    subject = SUBJECTS.get(command, [])
    url = f"postgresql://everpin:hush@127.0.0.1:{free_port}/everpin"

    said = await shell.refusal(command, *subject, EVERPIN_DATABASE__URL=url, **_ports(free_port))

    assert said.startswith("the database cannot be reached (")
    assert said.endswith("; check database.url")
    assert "hush" not in said


@pytest.mark.parametrize("url", ["nonsense", "postgresql://everpin:hush/!@127.0.0.1/everpin", "mysql://hush@h/d"])
async def test_a_database_url_that_is_none_is_refused_without_being_quoted(shell: Shell, url: str) -> None:
    """Whatever is wrong with it, part of it may be a password."""
    said = await shell.refusal("status", EVERPIN_DATABASE__URL=url)

    assert said.startswith("database.url is not a usable PostgreSQL URL")
    assert "hush" not in said


@pytest.fixture
def unmigrated_url(postgres_url: str) -> str:
    """The address of a database in which no migration has run."""
    head, _, tail = postgres_url.partition("/everpin?")
    return f"{head}/unmigrated?{tail}"


@pytest_asyncio.fixture
async def unmigrated(postgres_url: str, unmigrated_url: str) -> AsyncIterator[str]:
    """A database in which no migration has run."""
    conn = await asyncpg.connect(postgres_url)
    try:
        await conn.execute("create database unmigrated")
        yield unmigrated_url
        await conn.execute("drop database unmigrated with (force)")
    finally:
        await conn.close()


@pytest.mark.parametrize("command", ["events", "status", "mirror", "watch"])
async def test_a_database_without_the_schema_is_refused(
    shell: Shell, unmigrated: str, command: str, free_port: int
) -> None:
    """Only `everpin migrate` and `everpin up` change the schema of a database that is not everpin's own."""
    said = await shell.refusal(command, EVERPIN_DATABASE__URL=unmigrated, **_ports(free_port))

    assert "is not migrated" in said
    assert "everpin migrate" in said


async def test_migrate_can_be_repeated(shell: Shell, unmigrated: str) -> None:
    """The first time names what ran, the second time there is nothing to do; nobody has started here yet."""
    first = await shell.run("migrate", EVERPIN_DATABASE__URL=unmigrated)
    second = await shell.run("migrate", EVERPIN_DATABASE__URL=unmigrated)

    assert (first.status, first.out) == (second.status, second.out) == (0, "the database is up to date\n")
    assert "0001_create.sql" in first.err
    assert second.err == ""
    assert "the database is empty" in await shell.refusal("status", EVERPIN_DATABASE__URL=unmigrated)


@pytest.mark.parametrize("command", LONG_LIVED)
async def test_a_database_of_another_index_is_refused(
    shell: Shell, catalog: Catalog, pypi: PyPISim, command: str, free_port: int
) -> None:
    """What was remembered of one index must not be served as another's; both are named."""
    other = "https://index.example.org/simple/"
    async with catalog.writing() as conn:
        await instance.ensure(conn, other, now=pypi.now())

    said = await shell.refusal(command, EVERPIN_DATABASE__URL=catalog.url, **_ports(free_port))

    assert said.startswith(f"this database mirrors {other}, not {pypi.index_url};")


@pytest.mark.parametrize("command", [["status"], ["events"], ["explain", "demo"]])
async def test_asking_where_nothing_is_makes_nothing(
    shell: Shell, reachable_tmp_path: Path, command: list[str]
) -> None:
    """A question asked of the wrong directory must not leave a database there."""
    (reachable_tmp_path / "data").mkdir()

    said = await shell.refusal(*command)

    assert said.startswith(f"there is no database in {reachable_tmp_path}/data;")
    assert "--data-dir" in said
    assert list((reachable_tmp_path / "data").iterdir()) == []


async def test_debug_shows_where_it_failed(shell: Shell) -> None:
    """Who asks for the traceback gets it."""
    ended = await shell.run("status", "--debug")

    assert ended.status not in (0, None)
    assert "Traceback" in ended.err
    assert "StartError" in ended.err
