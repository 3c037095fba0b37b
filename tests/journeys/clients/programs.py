"""Programs that resolve, lock, install or mirror, each real and in an environment of its own.

What is needed of each stands, with hashes, below `locks/`: their dependencies contradict each other and ours. They are
installed from wherever pip is configured to install from, and then know no index but the one that a journey gives them.
"""

import asyncio
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.journeys.processes import PATIENCE_SECONDS, plain_environment

_LOCKS = Path(__file__).with_name("locks")
_INSTALLING_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Done:
    """What a program did."""

    status: int
    output: str

    def well(self) -> str:
        """Its output, of a run that succeeded."""
        assert self.status == 0, self.output
        return self.output


@dataclass(frozen=True, slots=True)
class Program:
    """A program, run in `directory` with a home of its own there, so that nothing is remembered elsewhere."""

    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    async def run(self, *arguments: str | Path) -> Done:
        """Runs it to its end. Both of its outputs come as one."""
        home = self.directory / "home"
        home.mkdir(parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *self.command,
            *map(str, arguments),
            cwd=self.directory,
            env=plain_environment() | {"HOME": str(home), "NO_COLOR": "1"} | dict(self.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                output, _ = await process.communicate()
        except BaseException:
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise
        assert process.returncode is not None
        return Done(process.returncode, output.decode(errors="replace"))


def installed(name: str, directory: Path) -> Path:
    """The directory with the scripts of a new environment in which that lock is installed."""
    environment = directory / name
    venv.create(environment, with_pip=False)
    scripts = environment / "bin"
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(scripts / "python"))
    wanted = ("install", "--require-hashes", "--no-compile", "-r", str(_LOCKS / f"{name}.txt"))
    # The caller's environment as it is: it says where packages come from here.
    done = subprocess.run(
        [*pip, *wanted], env=os.environ, capture_output=True, text=True, timeout=_INSTALLING_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return scripts


def fresh_environment(directory: Path, *, with_pip: bool = False) -> Path:
    """A new environment to install into, empty but for pip where that is wanted; its interpreter."""
    venv.create(directory, with_pip=with_pip)
    return directory / "bin" / "python"


def modules_of(interpreter: Path) -> dict[str, bytes]:
    """The top-level modules that were installed there, by name, with what is in them."""
    (packages,) = (interpreter.parent.parent / "lib").glob("python*/site-packages")
    return {path.stem: path.read_bytes() for path in packages.glob("*.py") if not path.stem.startswith("_")}
