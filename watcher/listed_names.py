"""The projects that a file names: a plain list, a requirements file, or a lock file of pip, uv, Poetry or Pipenv. Pure.

Only what comes from an index is taken: what a file names by URL, path or repository has nothing to do with PyPI.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from mirror.errors import StartError
from mirror.events import presentable
from mirror.names import ProjectName, project_name

_COMMENT = re.compile(r"(\A|\s)#.*\Z")
# Options that stand behind a requirement, and those that name other files.
_BEHIND = re.compile(r"\s--?[A-Za-z].*\Z")
_OF_OTHER_FILES = re.compile(r"\A(-r|-c|--requirement|--constraint)\b")
_OF_OTHER_SOURCES = re.compile(r"\A(-e|--editable)\b")
_ELSEWHERE = frozenset({"git", "hg", "svn", "path", "file", "editable"})


class _Package(msgspec.Struct):
    name: str
    source: dict[str, Any] | None = None
    vcs: Any = None
    directory: Any = None
    archive: Any = None

    @property
    def is_of_index(self) -> bool:
        """uv says `registry`, Poetry nothing or `legacy`; a pylock.toml says only what is otherwise."""
        if any(other is not None for other in (self.vcs, self.directory, self.archive)):
            return False
        return self.source is None or "registry" in self.source or self.source.get("type") == "legacy"


class _Lock(msgspec.Struct):
    packages: list[_Package] = []
    package: list[_Package] = []


class _Pipfile(msgspec.Struct):
    default: dict[str, dict[str, Any]] = {}
    develop: dict[str, dict[str, Any]] = {}


def names_in(filename: str, content: bytes) -> tuple[ProjectName, ...]:
    """The projects, each once, in the order of their names. Raises StartError with the line that cannot be read."""
    if filename.lower() == "pipfile.lock":
        found = list(_of_pipfile(filename, content))
    elif filename.lower().endswith((".toml", ".lock")):
        found = list(_of_lock(filename, content))
    else:
        try:
            found = list(_of_lines(filename, content.decode().splitlines()))
        except UnicodeDecodeError as e:
            raise StartError(f"{filename} is not UTF-8 text") from e
    return tuple(sorted(set(found)))


def _of_lines(filename: str, lines: Iterable[str]) -> Iterator[ProjectName]:
    begun, begun_at = "", 0
    for number, line in enumerate(lines, start=1):
        begun, begun_at = begun + line, begun_at or number
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        text, at = _COMMENT.sub("", begun).strip(), begun_at
        begun, begun_at = "", 0
        if _OF_OTHER_FILES.match(text):
            raise StartError(f"{filename}, line {at}: other files are not followed; import them one by one")
        if not text or text.startswith("--") or _OF_OTHER_SOURCES.match(text):
            continue
        if (found := _of_requirement(filename, at, text)) is not None:
            yield found
    if begun.strip():
        raise StartError(f"{filename}, line {begun_at}: the line goes on, but the file ends")


def _of_requirement(filename: str, line: int, text: str) -> ProjectName | None:
    try:
        requirement = Requirement(_BEHIND.sub("", text))
    except InvalidRequirement as e:
        raise StartError(f"{filename}, line {line}: {presentable(text)!r} is no name and no requirement") from e
    return None if requirement.url else _named(f"{filename}, line {line}", requirement.name)


def _of_lock(filename: str, content: bytes) -> Iterator[ProjectName]:
    try:
        lock = msgspec.toml.decode(content, type=_Lock)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise StartError(f"{filename} cannot be read as a lock file: {presentable(str(e))}") from e
    if not lock.packages and not lock.package:
        raise StartError(f"{filename} is no lock file: it names no packages")
    for package in (*lock.packages, *lock.package):
        if package.is_of_index:
            yield _named(filename, package.name)


def _of_pipfile(filename: str, content: bytes) -> Iterator[ProjectName]:
    try:
        lock = msgspec.json.decode(content, type=_Pipfile)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise StartError(f"{filename} cannot be read as a lock file: {presentable(str(e))}") from e
    for name, package in (*lock.default.items(), *lock.develop.items()):
        if not _ELSEWHERE & package.keys():
            yield _named(filename, name)


def _named(where: str, name: str) -> ProjectName:
    found = project_name(name)
    if found is None:
        raise StartError(f"{where}: {presentable(name)!r} is not a project's name")
    return found
