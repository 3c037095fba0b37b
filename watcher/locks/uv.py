"""`uv.lock`: every file of every release with its hash, and where each package comes from. Pure."""

from typing import Any

import msgspec

from watcher.locks import Lock
from watcher.locks.documents import no_lock, shaped
from watcher.locks.gathering import (
    OF_PATH,
    OF_REPOSITORY,
    OF_URL,
    Gathering,
    NamedFile,
    Place,
    digest_of,
    filename_of,
    filename_of_url,
    index_of,
)

_ELSEWHERE = {"git": OF_REPOSITORY, "url": OF_URL}


class _File(msgspec.Struct):
    url: str | None = None
    path: str | None = None
    filename: str | None = None
    hash: str | None = None


class _Package(msgspec.Struct):
    name: str
    version: str | None = None
    source: dict[str, Any] = {}
    sdist: _File | None = None
    wheels: list[_File] = []


class _Uv(msgspec.Struct):
    """`requires-python` stands in every one, also where nothing is demanded and there are no packages."""

    package: list[_Package] | None = None
    requires_python: str | None = msgspec.field(default=None, name="requires-python")


def read_uv(filename: str, document: dict[str, Any]) -> Lock:
    """The packages of registries; the project itself and what comes from elsewhere is left out."""
    lock = shaped(filename, document, _Uv)
    if lock.package is None and lock.requires_python is None:
        raise no_lock(filename)
    place, gathering = Place(filename), Gathering()
    for package in lock.package or ():
        registry = package.source.get("registry") if package.source else ""
        if not isinstance(registry, str) or (registry and not registry.startswith(("http://", "https://"))):
            why = next((why for kind, why in _ELSEWHERE.items() if kind in package.source), OF_PATH)
            gathering.leave_out(place, package.name, why)
            continue
        files = [_named(place, file) for file in (package.sdist, *package.wheels) if file is not None]
        index = index_of(registry) if registry else None
        gathering.release(place, package.name, package.version, files=files, index=index)
    return gathering.lock()


def _named(place: Place, file: _File) -> NamedFile:
    named = file.filename or (file.path or "").replace("\\", "/").rpartition("/")[2]
    name = filename_of_url(place, file.url) if file.url else filename_of(place, named)
    return NamedFile(name, digest_of(place, file.hash))
