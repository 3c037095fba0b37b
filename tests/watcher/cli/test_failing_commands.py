"""What cannot succeed says so in one line and ends with status 2; what can be asked for explains itself."""

import asyncio
import json
import os
import socket
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import click
import pytest
import pytest_asyncio
from aiohttp import web

from mirror.catalog import instance
from mirror.catalog.database import Catalog
from mirror.errors import StartError
from mirror.settings import Settings
from tests.pypi_sim import PyPISim
from watcher.cli.group import everpin
from watcher.compose import listening_socket, serving

EVERPIN = str(Path(sys.executable).with_name("everpin"))
COMMANDS = sorted(everpin.commands)
LONG_LIVED = ["mirror", "up", "watch"]
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    status: int | None
    out: str
    err: str


class Shell:
    """Runs `everpin` in an environment of its own, whose index is the simulated one."""

    def __init__(self, data_dir: Path, index_url: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("EVERPIN_")}
        self._environment = kept | {"EVERPIN_DATA_DIR": str(data_dir), "EVERPIN_UPSTREAM__INDEX_URL": index_url}

    async def run(self, *arguments: str, **variables: str) -> Ended:
        """Waits until the command has ended; one that goes on is stopped, and the test fails."""
        process = await asyncio.create_subprocess_exec(
            EVERPIN,
            *arguments,
            env=self._environment | variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Ended(process.returncode, out.decode(), err.decode())

    async def refusal(self, *arguments: str, **variables: str) -> str:
        """The one line with which the command refuses to start, after the name of the program."""
        ended = await self.run(*arguments, **variables)
        (line,) = ended.err.splitlines()
        assert (ended.status, ended.out) == (2, ""), ended
        assert line.startswith("everpin: "), ended
        return line.removeprefix("everpin: ")


@pytest_asyncio.fixture
async def shell(reachable_tmp_path: Path, pypi: PyPISim) -> AsyncIterator[Shell]:
    """Somebody at a terminal, with a data directory that is not there yet."""
    yield Shell(reachable_tmp_path / "data", pypi.index_url)


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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    """`--help` shows a command line that can be copied, and every option says what it does."""
    command = everpin.commands[name]
    with click.Context(command, info_name=f"everpin {name}") as context:
        said = command.get_help(context)

    assert f"Example: everpin {name}" in said
    assert [param.name for param in command.params if isinstance(param, click.Option) and not param.help] == []


async def test_help_and_version_are_answers(shell: Shell) -> None:
    """Both go to standard output and end well."""
    helped = await shell.run("--help")
    versioned = await shell.run("--version")

    assert (helped.status, helped.err) == (0, "")
    assert all(name in helped.out for name in COMMANDS)
    assert (versioned.status, versioned.out.split()[0]) == (0, "everpin,")


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
    subject = ["demo"] if command == "explain" else []

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


@pytest.mark.parametrize("command", ["events", "explain", "migrate", "status", *LONG_LIVED])
async def test_a_database_that_cannot_be_reached_is_refused(shell: Shell, command: str, free_port: int) -> None:
    """The line names the setting and keeps the password."""
    subject = ["demo"] if command == "explain" else []
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


async def test_config_shows_a_file_that_loads_to_the_same_settings(shell: Shell, tmp_path: Path) -> None:
    """What is shown can be saved and used; nothing is left out, and nothing changes on the way."""
    config = tmp_path / "everpin.toml"
    config.write_text(
        '[feed]\ntitle = "Gone \\u007f \\"for good\\" \\\\ ü"\n'
        '[safety]\nmin_age = "36h"\nquarantine_memory = "90d"\n'
        '[upstream]\nallowed_file_hosts = ["files.example.org", "127.0.0.1:8080"]\n'
        "[mirror]\nmemory = 1000\n[log]\naccess = true\n"
    )

    first = await shell.run("config", "--config", str(config))
    config.write_text(first.out)
    second = await shell.run("config", "--config", str(config))
    as_json = await shell.run("config", "--json", "--config", str(config))

    assert (first.status, first.err) == (0, "")
    assert first.out == second.out
    shown = tomllib.loads(first.out)
    assert json.loads(as_json.out) == shown
    assert shown["feed"]["title"] == 'Gone \x7f "for good" \\ ü'
    assert shown["safety"] == {"min_age": "36h", "quarantine_memory": "90d"}
    assert list(shown) == list(Settings.model_fields)


async def test_config_masks_secrets(shell: Shell, tmp_path: Path) -> None:
    """A password shows neither from the environment nor from a file of its own, whose name does."""
    secret = tmp_path / "url"
    secret.write_text("postgresql://everpin:hush@127.0.0.1/everpin")

    in_variable = await shell.run("config", EVERPIN_DATABASE__URL="postgresql://everpin:hush@127.0.0.1/everpin")
    in_file = await shell.run("config", EVERPIN_DATABASE__URL_FILE=str(secret))

    assert tomllib.loads(in_variable.out)["database"] == {"url": "**********", "pool_size": 8}
    assert tomllib.loads(in_file.out)["database"] == {"url_file": str(secret), "pool_size": 8}
    assert "hush" not in in_variable.out + in_variable.err + in_file.out + in_file.err
