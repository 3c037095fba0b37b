"""Somebody at a terminal who runs `everpin` as a program."""

import asyncio
import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.watcher.cli.forked import STREAMS, become_everpin
from tests.watcher.houses import House
from watcher.cli.group import everpin

COMMANDS = sorted(everpin.commands)
PATIENCE_SECONDS = 120

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["watcher.cli", become_everpin.__module__])


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

    async def run(self, *arguments: str, given: str = "", **variables: str) -> Ended:
        """Waits until the command has ended; one that goes on is stopped, and the test fails.

        `given` is what is typed.
        """
        with TemporaryDirectory() as place:
            directory = Path(place)
            given_to, out, err = (directory / name for name in STREAMS)
            given_to.write_text(given)
            process = _FORKS.Process(target=become_everpin, args=(arguments, self._environment | variables, directory))
            await asyncio.to_thread(process.start)
            try:
                await asyncio.to_thread(process.join, PATIENCE_SECONDS)
                assert not process.is_alive(), f"everpin {' '.join(arguments)} does not end"
            finally:
                process.kill()
                process.join()
            return Ended(process.exitcode, out.read_text(), err.read_text())

    async def refusal(self, *arguments: str, **variables: str) -> str:
        """The one line with which the command refuses to start, after the name of the program."""
        ended = await self.run(*arguments, **variables)
        (line,) = ended.err.splitlines()
        assert (ended.status, ended.out) == (2, ""), ended
        assert line.startswith("everpin: "), ended
        return line.removeprefix("everpin: ")


class Operator:
    """Runs `everpin` on the data of a house."""

    def __init__(self, shell: Shell, house: House, database_url: str) -> None:
        self._shell = shell
        self._data_dir = str(house.settings.data_dir)
        self._database_url = database_url

    async def says(self, *arguments: str, status: int = 0) -> list[str]:
        """The lines that the command prints; on another exit status than expected the test fails with what it said."""
        ended = await self.does(*arguments)
        assert ended.status == status, ended
        return (ended.out if status == 0 else ended.err).splitlines()

    async def does(self, *arguments: str) -> Ended:
        """Runs the command to its end, whatever that is."""
        return await self._shell.run(
            *arguments, EVERPIN_DATABASE__URL=self._database_url, EVERPIN_DATA_DIR=self._data_dir
        )
