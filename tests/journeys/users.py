"""Everybody who installs from an everpin, and what tests of journeys ask of it."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from tests.journeys.installers import Installer, pinned_with_hash
from tests.journeys.processes import Everpin, plain_environment, until
from tests.pypi_sim import File, PyPISim, Row
from tests.watcher.houses import long_ago

Told: TypeAlias = tuple[str, str | None, str, dict[str, str]]
"""Kind, version and evidence of an event, and the states of its files."""


@dataclass
class Users:
    """Everybody who installs from this everpin, with pip and with uv at once."""

    everpin: Everpin
    installers: tuple[Installer, ...]
    directory: Path

    async def get(self, file: File, *requirements: str) -> None:
        """Each requirement alone installs just this file."""
        await asyncio.gather(*(self._one_by_one(installer, file, requirements) for installer in self.installers))

    async def are_refused(self, *requirements: str) -> None:
        """None of the requirements installs anything."""

        async def refused(installer: Installer) -> None:
            for requirement in requirements:
                await installer.is_refused(self.everpin.index_url, requirement)

        await asyncio.gather(*map(refused, self.installers))

    async def can_pin(self, file: File) -> None:
        """The exact version, and the very bytes by a lock file with hashes."""
        lock = self.directory / f"{file.filename}.txt"
        lock.write_text(pinned_with_hash(file))
        pins: tuple[tuple[str, ...], ...] = (
            (f"{file.project}=={file.version}",),
            ("--require-hashes", "-r", str(lock)),
        )

        async def pinned(installer: Installer) -> None:
            for pin in pins:
                await installer.gets(self.everpin.index_url, [file], *pin)

        await asyncio.gather(*map(pinned, self.installers))

    async def _one_by_one(self, installer: Installer, file: File, requirements: Sequence[str]) -> None:
        for requirement in requirements:
            await installer.gets(self.everpin.index_url, [file], requirement)


async def known(everpin: Everpin, files: Sequence[File]) -> None:
    """Everpin keeps the bytes of them all; from then on upstream forgets what is deleted."""
    for file in files:
        address = await everpin.file_url(file.project, file.filename)
        assert (await everpin.get(address)).body == file.content


async def told_of(everpin: Everpin, project: str) -> list[Told]:
    """All that was told of the project."""
    answer = await everpin.get(f"/api/v1/events?limit=1000&project={project}")
    events: list[dict[str, Any]] = [event["data"] for event in msgspec.json.decode(answer.body)["events"]]
    return [
        (event["kind"], event["version"], event["evidence"], {f["filename"]: f["state"] for f in event["files"]})
        for event in events
    ]


async def explained(everpin: Everpin, *subject: str) -> str:
    """What `everpin explain` says."""
    return await commanded(everpin, "explain", *subject)


async def commanded(everpin: Everpin, verb: str, *arguments: str, **environment: str) -> str:
    """What another command says, run on the same data while this everpin runs."""
    settings = {f"EVERPIN_{key.upper()}": value for key, value in everpin.settings.items()}
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("everpin"),
        verb,
        *arguments,
        "--data-dir",
        everpin.data_dir,
        env=plain_environment() | settings | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def state_of(everpin: Everpin, file: File) -> str:
    """What everpin says of the file where it refuses or serves it; empty where it does not know it."""
    return (await everpin.get(file.path)).headers.get("X-Everpin-State", "")


async def until_known(everpin: Everpin, *files: File) -> None:
    """Everpin has seen pages that list the files, whatever it thinks of them."""
    for file in files:

        async def is_known(file: File = file) -> bool:
            return await state_of(everpin, file) != ""

        await until(is_known)


def wheels(pypi: PyPISim, project: str, *versions: str, days: float = 400) -> dict[str, File]:
    """One wheel of each version, put up so many days ago."""
    return {version: pypi.upload(project, version, uploaded_at=long_ago(pypi, days=days)) for version in versions}


def kept(removed: Row, *files: File) -> dict[str, str]:
    """What the page says of files that departed by that row."""
    reason = f"deleted upstream {removed.timestamp.date()} (serial {removed.serial}); kept by this mirror"
    return {file.filename: reason for file in files}


def uploaded(pypi: PyPISim, project: str, version: str, *filenames: str) -> list[File]:
    """A release of long ago, with file names as they were."""
    return [pypi.upload(project, version, filename=name, uploaded_at=long_ago(pypi, days=400)) for name in filenames]


async def told_so_often(everpin: Everpin, project: str, times: int) -> bool:
    return len(await everpin.told(project=project)) >= times
