"""Requirements files as pip reads them, and plain lists of names, which are the same. Pure but for `beside`.

Constraints count as pins: they say which version is taken of what the requirements lead to, and whoever writes them
mostly constrains everything that is installed. Environment markers are not asked: what a file demands of any machine,
it demands. Environment variables are left alone.
"""

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

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
    index_of,
)
from watcher.locks.lines import lines_of, text_of

DEEPEST = 20
"""How many files may name each other in a row."""
_LONGEST_REQUIREMENT = 8192
"""Without its hashes."""

_EDITABLE = "is installed from where it is edited"
_OF_VARIABLE = "names an environment variable"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,40}:")
_REPOSITORY = re.compile(r"(git|hg|svn|bzr)(\+|:)", re.IGNORECASE)
_END_OF_NAME = re.compile(r"[\s;@\[=<>!~,(]")
_BEHIND = re.compile(r"\s-")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_ARCHIVES = (".whl", ".zip", ".tar.gz")

_LONG_OPTIONS = {
    "--requirement": "-r",
    "--constraint": "-c",
    "--editable": "-e",
    "--index-url": "-i",
    "--pypi-url": "-i",
    "--find-links": "-f",
    "--extra-index-url": "--extra-index-url",
}


def read_requirements(filename: str, content: bytes, *, beside: Callable[[str], bytes] | None) -> Lock:
    """The pins of the file and of all that it names by -r and -c, which `beside` opens by their path from there."""
    directory, name = posixpath.split(filename)
    reader = _Reader(directory, beside)
    reader.read(name, content)
    return reader.lock()


class _Reader:
    def __init__(self, directory: str, beside: Callable[[str], bytes] | None) -> None:
        self._directory = directory
        self._beside = beside
        self._gathering = Gathering()
        self._reading: list[str] = []
        self._read: set[str] = set()
        self._index: str | None = None
        self._other_origins = False

    def read(self, path: str, content: bytes) -> None:
        """Reads a file, by its path from the first one, and those that it names; each once however often."""
        shown = presentable(posixpath.normpath(posixpath.join(self._directory, path)))
        self._reading.append(path)
        self._read.add(path)
        for place, line in lines_of(shown, text_of(shown, content)):
            if line.startswith("-"):
                self._obey(place, line)
            else:
                self._demand(place, line)
        self._reading.pop()

    def lock(self) -> Lock:
        """The index counts where it is the only one that can have delivered."""
        return self._gathering.lock(index=None if self._other_origins else self._index)

    def _obey(self, place: Place, line: str) -> None:
        for option, value in _options(place, line):
            match option:
                case "-r" | "-c":
                    self._include(place, value)
                case "-e":
                    egg = _EGG.search(value)
                    self._gathering.leave_out(place, egg[1] if egg else value, _EDITABLE)
                case "-i":
                    self._index = index_of(value)
                case _:
                    self._other_origins = True

    def _include(self, place: Place, value: str) -> None:
        if self._beside is None:
            raise LockError(f"{place}: another file is named, which is not at hand here; put its lines in its place")
        if "://" in value or value.startswith("file:"):
            raise LockError(f"{place}: only files are followed, not URLs")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self._reading[-1]), value))
        if path in self._reading:
            raise LockError(f"{place}: {presentable(value)} names itself in the end")
        if path in self._read:
            return
        if len(self._reading) > DEEPEST:
            raise LockError(f"{place}: more than {DEEPEST} files name each other in a row")
        try:
            content = self._beside(path)
        except OSError as e:
            raise LockError(f"{place}: {presentable(value)} cannot be read: {e.strerror}") from e
        except ValueError as e:  # a name with a NUL
            raise LockError(f"{place}: {presentable(value)!r} is not a file's name") from e
        self.read(path, content)

    def _demand(self, place: Place, line: str) -> None:
        text, options = _split(line)
        if (why := _not_of_index(text)) is not None:
            egg = _EGG.search(text)
            self._gathering.leave_out(place, egg[1] if egg else text, why)
            return
        requirement = _requirement(place, text)
        if requirement.url:
            why = OF_REPOSITORY if _REPOSITORY.match(requirement.url) else OF_URL
            self._gathering.leave_out(place, requirement.name, why)
            return
        version = exact_version(requirement.specifier)
        files = list(_hashed(place, options))
        self._gathering.release(place, requirement.name, version, files=files)


def exact_version(specifier: SpecifierSet) -> str | None:
    """The version that is the only one to fit, as written."""
    exact = [
        one.version
        for one in specifier
        if one.version and (one.operator == "===" or (one.operator == "==" and not one.version.endswith(".*")))
    ]
    return min(exact, default=None)


def _split(line: str) -> tuple[str, str]:
    """A requirement and the options behind it, which begin, as pip has it, with the first word that has a dash."""
    begun = _BEHIND.search(line)
    return (line[: begun.start()].strip(), line[begun.start() :]) if begun else (line, "")


def _hashed(place: Place, options: str) -> Iterator[NamedFile]:
    """A file for each sha256."""
    tokens = iter(options.split())
    for token in tokens:
        name, equals, value = token.partition("=")
        if name != "--hash":
            continue
        text = (value if equals else next(tokens, "")).strip("\"'")
        if (digest := digest_of(place, text)) is not None:
            yield NamedFile(None, digest)


def _requirement(place: Place, text: str) -> Requirement:
    if len(text) > _LONGEST_REQUIREMENT:
        raise LockError(f"{place}: the requirement is longer than {_LONGEST_REQUIREMENT:,} characters")
    try:
        return Requirement(text)
    except (InvalidRequirement, RecursionError, ValueError) as e:
        raise LockError(f"{place}: {presentable(text)!r} is no name and no requirement") from e


def _not_of_index(text: str) -> str | None:
    """Why a line is not even the beginning of a requirement: it is a URL or a path."""
    if _SCHEME.match(text):
        return OF_REPOSITORY if _REPOSITORY.match(text) else OF_URL
    end = _END_OF_NAME.search(text)
    name = text[: end.start()] if end else text
    if "${" in name:
        return _OF_VARIABLE
    if name.startswith((".", "~")) or "/" in name or "\\" in name or name.lower().endswith(_ARCHIVES):
        return OF_PATH
    return None


def _options(place: Place, line: str) -> Iterator[tuple[str, str]]:
    """The options of a line that say where things come from, with their values. All others change nothing here."""
    try:
        tokens = iter(shlex.split(line))
    except ValueError as e:
        raise LockError(f"{place}: a quotation does not end") from e
    for token in tokens:
        name, equals, value = token.partition("=")
        option = _LONG_OPTIONS.get(name)
        if option is None and token[:2] in ("-r", "-c", "-e", "-i", "-f"):
            option, equals, value = token[:2], token[2:3], token[2:]
        if option is None:
            continue
        value = value if equals else next(tokens, "")
        if not value:
            raise LockError(f"{place}: {option} names nothing")
        yield option, value
