"""What the readers of all formats gather: each pin once, never too many, every name and version looked at. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit, urlunsplit

from mirror.events import presentable
from mirror.names import ProjectName, Sha256, project_name, same_version_key, sha256
from watcher.locks import LeftOut, Lock, LockError, Pin

MOST_ENTRIES = 200_000
"""How many pins, and things that are none, one file may name. The largest locks have a tenth of that."""
_LONGEST_FILENAME = 255

NOT_PINNED = "not pinned to one version"
OF_URL = "comes from a URL, not from an index"
OF_REPOSITORY = "comes from a repository, not from an index"
OF_PATH = "comes from a file or directory, not from an index"

# That is what PEP 440 writes versions with. Old files still have some from before it, such as 2004d or 0.9-final, which
# are compared as texts.
_VERSION = re.compile(r"[A-Za-z0-9._+!-]{1,128}")
_CREDENTIALS = re.compile(r"//[^/\s]*@")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file, and its line where the format has lines that people look for."""

    file: str
    line: int | None = None

    @property
    def source(self) -> str:
        """As a pin has it."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}, line {self.line}"


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file of a release as a lock has it; of either there may be only the one or the other."""

    filename: str | None
    sha256: Sha256 | None


class Gathering:
    """Takes what a reader finds. Everything that it takes raises LockError where it is not to be believed."""

    def __init__(self) -> None:
        self._pins: dict[tuple[str, str | None, str | None, str | None], Pin] = {}
        self._left_out: list[LeftOut] = []
        self._projects: set[ProjectName] = set()
        self._mentions = 0

    def project(self, place: Place, name: str) -> ProjectName:
        """The project that is to come from an index, which is noted."""
        found = project_name(name)
        if found is None:
            raise LockError(f"{place}: {presentable(name)!r} is not a project's name")
        self._projects.add(found)
        return found

    def release(
        self,
        place: Place,
        name: str,
        version: str | None,
        *,
        files: Iterable[NamedFile],
        index: str | None = None,
    ) -> None:
        """A pin for each of the files, or one for the release where there are none. No version: files alone can pin."""
        project = self.project(place, name)
        if version is not None:
            check_version(place, name, version)
        found = False
        for file in files:
            found = True
            self._pin(place, Pin(project, version, file.filename, file.sha256, place.source, index))
        if found:
            return
        if version is None:
            self.leave_out(place, name, NOT_PINNED)
        else:
            self._pin(place, Pin(project, version, None, None, place.source, index))

    def leave_out(self, place: Place, name: str, why: str) -> None:
        """What is no pin, by its name or whatever stands in its place; credentials are taken out."""
        self._left_out.append(LeftOut(place.source, presentable(_CREDENTIALS.sub("//", name)), why))
        self._count(place)

    def lock(self, *, index: str | None = None) -> Lock:
        """All of it; `index` is that of the pins that have none of their own."""
        pins = tuple(pin if pin.index is not None else replace(pin, index=index) for pin in self._pins.values())
        return Lock(pins, tuple(self._left_out), tuple(sorted(self._projects)))

    def _pin(self, place: Place, pin: Pin) -> None:
        version = None if pin.version is None else same_version_key(pin.version)
        self._pins.setdefault((pin.project, version, pin.filename, pin.sha256), pin)
        self._count(place)

    def _count(self, place: Place) -> None:
        # Also what is there already: looking at it takes as long.
        self._mentions += 1
        if self._mentions > MOST_ENTRIES:
            raise LockError(f"{place}: more than {MOST_ENTRIES:,} files are named")


def check_version(place: Place, name: str, version: str) -> None:
    """Raises LockError where this can be no version, neither of today nor from before PEP 440."""
    if not _VERSION.fullmatch(version):
        raise LockError(f"{place}: {presentable(version)!r} is no version of {presentable(name)}")


def filename_of(place: Place, filename: str) -> str:
    """The filename, which is one that can be shown and lies in no directory."""
    if not 0 < len(filename) <= _LONGEST_FILENAME or presentable(filename) != filename or re.search(r"[/\\]", filename):
        raise LockError(f"{place}: {presentable(filename)!r} is not a file's name")
    return filename


def filename_of_url(place: Place, url: str) -> str:
    """The name that the URL of a file ends with."""
    path = url.partition("#")[0].partition("?")[0]
    return filename_of(place, unquote(path.rpartition("/")[2]))


def digest_of(place: Place, text: str | None) -> Sha256 | None:
    """The sha256 of "sha256:<hex>", or None where there is no hash or one of another kind."""
    if text is None:
        return None
    algorithm, colon, digits = text.partition(":")
    if not colon:
        raise LockError(f"{place}: {presentable(text)!r} is no hash")
    if algorithm.lower() != "sha256":
        return None
    found = sha256(digits)
    if found is None:
        raise LockError(f"{place}: {presentable(digits)!r} is not a sha256")
    return found


def index_of(url: str) -> str:
    """The URL of an index, without credentials and whatever else is nobody's business."""
    try:
        split = urlsplit(url)
    except ValueError:
        # No index can be asked there; it stays one that is none of ours.
        return presentable(_CREDENTIALS.sub("//", url))
    return presentable(urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path, "", "")))
