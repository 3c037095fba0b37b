"""`pylock.toml` (PEP 751), validated as the specification has it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock, PylockValidationError
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from mirror.events import presentable
from watcher.locks import Lock, LockError
from watcher.locks.gathering import (
    OF_PATH,
    OF_REPOSITORY,
    OF_URL,
    Gathering,
    NamedFile,
    Place,
    digest_of,
    filename_of,
    index_of,
)

_MOST_TAGS = 1000
"""How many tags a wheel's name may stand for. The validation makes an object of each, and a short name can stand for
tens of thousands."""


def read_pylock(filename: str, document: dict[str, Any]) -> Lock:
    """The files of indexes; what comes from elsewhere is left out."""
    place, gathering = Place(filename), Gathering()
    for package in _validated(place, document).packages:
        if (why := _elsewhere(package)) is not None:
            gathering.leave_out(place, package.name, why)
            continue
        files = [_named(place, file) for file in _files(package) if file.url is not None]
        index = index_of(package.index) if package.index else None
        gathering.release(place, package.name, _version(package), files=files, index=index)
    return gathering.lock()


def _validated(place: Place, document: dict[str, Any]) -> Pylock:
    for name in _wheel_names(document):
        tags = 1
        for part in name.removesuffix(".whl").rsplit("-", 3)[1:]:
            tags *= part.count(".") + 1
        if tags > _MOST_TAGS:
            raise LockError(f"{place}: {presentable(name)!r} is not a file's name")
    try:
        return Pylock.from_dict(document)
    except (PylockValidationError, ValueError, RecursionError) as e:
        raise LockError(f"{place} cannot be read as a lock file: {presentable(str(e))}") from e


def _wheel_names(document: Mapping[str, Any]) -> Iterator[str]:
    """All that could be taken for the name of a wheel, of whatever was decoded."""
    for package in _tables(document.get("packages")):
        for wheel in _tables(package.get("wheels")):
            named = (wheel.get(key) for key in ("name", "path", "url"))
            yield from (unquote(name).replace("\\", "/").rpartition("/")[2] for name in named if isinstance(name, str))


def _tables(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()


def _elsewhere(package: Package) -> str | None:
    if package.vcs is not None:
        return OF_REPOSITORY
    if package.directory is not None:
        return OF_PATH
    if package.archive is not None:
        return OF_URL if package.archive.url is not None else OF_PATH
    return None if any(file.url is not None for file in _files(package)) else OF_PATH


def _files(package: Package) -> Iterator[PackageSdist | PackageWheel]:
    if package.sdist is not None:
        yield package.sdist
    yield from package.wheels or ()


def _named(place: Place, file: PackageSdist | PackageWheel) -> NamedFile:
    hashes = {algorithm.lower(): value for algorithm, value in file.hashes.items()}
    digest = digest_of(place, f"sha256:{hashes['sha256']}") if "sha256" in hashes else None
    return NamedFile(filename_of(place, file.filename), digest)


def _version(package: Package) -> str | None:
    """The package's, or else that of its first file: the specification lets it out where it may change."""
    if package.version is not None:
        return str(package.version)
    if package.sdist is not None:
        return str(parse_sdist_filename(package.sdist.filename)[1])
    return str(parse_wheel_filename(package.wheels[0].filename)[1]) if package.wheels else None
