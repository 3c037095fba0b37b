"""`poetry.lock` and `pdm.lock`, of every version: packages, and their files with hashes, beside them or below. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from mirror.names import ProjectName, project_name, same_version_key
from mirror.upstream.versions import Versions
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

_INDEX = "legacy"
"""What Poetry calls every index but PyPI."""


class _File(msgspec.Struct):
    file: str | None = None
    url: str | None = None
    hash: str | None = None


class _Source(msgspec.Struct):
    """Where Poetry took a package from. There is none for what came from PyPI."""

    type: str
    url: str | None = None


class _Package(msgspec.Struct):
    """`git`, `path` and the like are PDM's, which has them at the package itself."""

    name: str
    version: str | None = None
    source: _Source | None = None
    files: list[_File] = []
    git: Any = None
    hg: Any = None
    svn: Any = None
    bzr: Any = None
    path: Any = None
    url: Any = None

    @property
    def is_of_repository(self) -> bool:
        """Whether it comes from a repository."""
        if self.source is not None and self.source.type in ("git", "hg", "svn", "bzr"):
            return True
        return any(one is not None for one in (self.git, self.hg, self.svn, self.bzr))

    @property
    def elsewhere(self) -> str | None:
        """Why it does not come from an index; None where it does."""
        if self.is_of_repository:
            return OF_REPOSITORY
        kind = _INDEX if self.source is None else self.source.type
        if self.path is not None or kind in ("directory", "file"):
            return OF_PATH
        return None if self.url is None and kind == _INDEX else OF_URL


class _Metadata(msgspec.Struct):
    """PDM always says `lock_version`, also where nothing is demanded: then it writes no packages."""

    files: dict[str, list[_File]] = {}
    lock_version: str | None = None


class _Lock(msgspec.Struct):
    package: list[_Package] | None = None
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


def read_listed_files(filename: str, document: dict[str, Any]) -> Lock:
    """The packages of indexes; what comes from elsewhere is left out."""
    lock = shaped(filename, document, _Lock)
    if lock.package is None and lock.metadata.lock_version is None:
        raise no_lock(filename)
    place, gathering = Place(filename), Gathering()
    below = _Below(place, lock.metadata.files)
    for package in lock.package or ():
        if (why := package.elsewhere) is not None:
            gathering.leave_out(place, package.name, why)
            continue
        index = index_of(package.source.url) if package.source is not None and package.source.url else None
        files = [_named(place, file) for file in package.files] or below.of(package)
        gathering.release(place, package.name, package.version, files=files, index=index)
    return gathering.lock()


class _Below:
    """The files that stand below all packages: by name and version with PDM, by name with Poetry.

    With Poetry those of all versions of a name stand together: what says that it is of another version is not taken.
    """

    def __init__(self, place: Place, files: dict[str, list[_File]]) -> None:
        self._by_both: dict[tuple[str, str], list[NamedFile]] = {}
        self._by_name: dict[str, dict[str | None, list[NamedFile]]] = {}
        for key, listed in files.items():
            name, _, version = key.partition(" ")
            named = [_named(place, file) for file in listed]
            if version:
                self._by_both[_normal(name), version] = named
            else:
                self._by_name[_normal(name)] = _by_version(_normal(name), named)

    def of(self, package: _Package) -> list[NamedFile]:
        """The files of that package."""
        name = _normal(package.name)
        if package.version is None:
            return []
        if (of_both := self._by_both.get((name, package.version))) is not None:
            return of_both
        by_version = self._by_name.get(name, {})
        return [*by_version.get(same_version_key(package.version), ()), *by_version.get(None, ())]


def _by_version(project: str, files: Iterable[NamedFile]) -> dict[str | None, list[NamedFile]]:
    """The files by the version that their names tell, and under None those that tell none."""
    of, found = Versions(ProjectName(project), ()), dict[str | None, list[NamedFile]]()
    for file in files:
        version = None if file.filename is None else of.of(file.filename)
        found.setdefault(None if version is None else same_version_key(version), []).append(file)
    return found


def _normal(name: str) -> str:
    return project_name(name) or name


def _named(place: Place, file: _File) -> NamedFile:
    name = filename_of_url(place, file.url) if file.url else filename_of(place, file.file or "")
    return NamedFile(name, digest_of(place, file.hash))
