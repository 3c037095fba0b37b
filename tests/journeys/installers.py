"""Real pip and real uv as clients, each installing into a fresh directory and knowing no index but the given one."""

import asyncio
import hashlib
import io
import itertools
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.journeys.processes import PATIENCE_SECONDS, plain_environment
from tests.pypi_sim import File, module_name

_numbers = itertools.count(1)

_PIP = (
    *(sys.executable, "-m", "pip", "--isolated", "--no-input", "--disable-pip-version-check", "install"),
    *("--no-cache-dir", "--no-compile"),
)
_UV = (str(Path(sys.executable).with_name("uv")), "pip", "install", "--no-cache", "--python", sys.executable)


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installer did."""

    status: int
    output: str
    target: Path

    @property
    def succeeded(self) -> bool:
        return self.status == 0

    def has(self, file: File) -> bool:
        """Whether what was installed came, byte for byte, from this file."""
        module = self.target / f"{module_name(file.project)}.py"
        return module.is_file() and module.read_bytes() == module_in(file)


@dataclass(frozen=True, slots=True)
class Installer:
    """pip or uv."""

    name: str
    command: tuple[str, ...]
    index_option: str
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def impatient(self) -> "Installer":
        """The same, trying only twice where an index fails; by default each tries several times, waiting longer."""
        if self.name == "pip":
            return replace(self, command=(*self.command, "--retries", "1"))
        return replace(self, environment={"UV_HTTP_RETRIES": "1"})

    async def install(self, index_url: str, *arguments: str) -> Installed:
        """Installs into a directory of its own with `index_url` as the only index."""
        target = self.directory / f"{self.name}-{next(_numbers)}"
        target.mkdir()
        command = [*self.command, self.index_option, index_url, "--target", str(target), *arguments]
        process = await asyncio.create_subprocess_exec(
            *command,
            env=plain_environment() | dict(self.environment),
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
        return Installed(process.returncode, output.decode(errors="replace"), target)

    async def gets(self, index_url: str, files: Sequence[File], *arguments: str) -> None:
        """Installs and asserts that it got exactly these files' contents."""
        done = await self.install(index_url, *arguments)
        assert done.succeeded, f"{self.name}: {done.output}"
        for file in files:
            assert done.has(file), f"{self.name} did not install {file.filename}: {done.output}"
        modules = {path.stem for path in done.target.glob("*.py")}
        assert modules == {module_name(file.project) for file in files}

    async def is_refused(self, index_url: str, *arguments: str) -> str:
        """Tries to install, asserts that nothing was installed, and returns what it printed."""
        done = await self.install(index_url, *arguments)
        assert not done.succeeded, f"{self.name}: {done.output}"
        assert not list(done.target.glob("*.py"))
        # uv wraps lines where it likes to.
        return " ".join(done.output.split())


def pip_in(directory: Path) -> Installer:
    """The pip of this interpreter."""
    return Installer("pip", _PIP, "--index-url", directory)


def uv_in(directory: Path) -> Installer:
    """The uv of this environment."""
    return Installer("uv", _UV, "--default-index", directory)


def pinned_with_hash(*files: File) -> str:
    """The text of a requirements file that pins each file's version and content."""
    return "".join(f"{file.project}=={file.version} --hash=sha256:{_digest(file)}\n" for file in files)


def _digest(file: File) -> str:
    return hashlib.sha256(file.content).hexdigest()


def module_in(file: File) -> bytes:
    name = f"{module_name(file.project)}.py"
    if file.kind == "wheel":
        with zipfile.ZipFile(io.BytesIO(file.content)) as wheel:
            return wheel.read(name)
    with tarfile.open(fileobj=io.BytesIO(file.content)) as sdist:
        member = sdist.extractfile(f"{file.filename.removesuffix('.tar.gz')}/{name}")
        assert member is not None
        return member.read()
