"""`Pipfile.lock`: versions and hashes, without the names of files. Pure."""

from typing import Any

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from mirror.events import presentable
from watcher.locks import Lock, LockError
from watcher.locks.documents import json_of, no_lock, shaped
from watcher.locks.gathering import (
    OF_PATH,
    OF_REPOSITORY,
    OF_URL,
    Gathering,
    NamedFile,
    Place,
    digest_of,
    index_of,
)
from watcher.locks.requirements import exact_version

_META = "_meta"


class _Source(msgspec.Struct):
    url: str
    name: str | None = None


class _Meta(msgspec.Struct):
    sources: list[_Source] = []


class _Package(msgspec.Struct):
    version: str | None = None
    hashes: list[str] = []
    index: str | None = None
    git: Any = None
    hg: Any = None
    svn: Any = None
    bzr: Any = None
    path: Any = None
    file: Any = None
    editable: Any = None

    @property
    def elsewhere(self) -> str | None:
        """Why it does not come from an index; None where it does."""
        if any(one is not None for one in (self.git, self.hg, self.svn, self.bzr)):
            return OF_REPOSITORY
        if self.path is not None or self.editable:
            return OF_PATH
        return OF_URL if self.file is not None else None


def read_pipfile(filename: str, content: bytes) -> Lock:
    """The packages of all categories. What names no index comes from the first one."""
    parts = json_of(filename, content)
    if not parts.keys() & {_META, "default", "develop"}:
        raise no_lock(filename)
    meta = shaped(filename, parts.pop(_META, msgspec.Raw(b"{}")), _Meta)
    indexes = {source.name: index_of(source.url) for source in meta.sources}
    first = index_of(meta.sources[0].url) if meta.sources else None
    place, gathering = Place(filename), Gathering()
    for part in parts.values():
        for name, package in shaped(filename, part, dict[str, _Package]).items():
            if (why := package.elsewhere) is not None:
                gathering.leave_out(place, name, why)
                continue
            files = [NamedFile(None, digest) for text in package.hashes if (digest := digest_of(place, text))]
            index = first if package.index is None else indexes.get(package.index, first)
            gathering.release(place, name, _version(place, package), files=files, index=index)
    return gathering.lock()


def _version(place: Place, package: _Package) -> str | None:
    try:
        # What may be any version is written as a star.
        return exact_version(SpecifierSet((package.version or "").replace("*", "", package.version == "*")))
    except (InvalidSpecifier, ValueError) as e:
        raise LockError(f"{place}: {presentable(package.version)!r} is no version") from e
