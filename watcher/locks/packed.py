"""What is stored of a lock file that has a feed of its own: names, versions and digests, and nothing else. Pure.

Not the names of files, which wheels and internal builds can say a lot with, nor where they come from, nor where in the
lock file they stand.
"""

import zlib
from collections.abc import Iterable, Iterator

import msgspec

from mirror.names import ProjectName, Sha256
from watcher.locks import Pin

_LEVEL = 9


class _Release(msgspec.Struct, frozen=True, array_like=True):
    """What is demanded of one release: it as a whole, these bytes of it, or both."""

    project: str
    version: str | None
    whole: bool
    digests: tuple[bytes, ...]


def packed(pins: Iterable[Pin]) -> bytes:
    """The pins as bytes; the same pins in another order give the same bytes."""
    found: dict[tuple[ProjectName, str | None], set[Sha256 | None]] = {}
    for pin in pins:
        found.setdefault((pin.project, pin.version), set()).add(pin.sha256)
    releases = [
        _Release(project, version, None in digests, tuple(sorted(bytes.fromhex(each) for each in digests if each)))
        for (project, version), digests in found.items()
    ]
    releases.sort(key=lambda release: (release.project, release.version or ""))
    return zlib.compress(msgspec.msgpack.encode(releases), _LEVEL)


def unpacked(stored: bytes) -> tuple[Pin, ...]:
    """The pins that `packed` was given, without what it leaves out."""
    releases = msgspec.msgpack.decode(zlib.decompress(stored), type=tuple[_Release, ...])
    return tuple(pin for release in releases for pin in _pins(release))


def _pins(release: _Release) -> Iterator[Pin]:
    project = ProjectName(release.project)
    if release.whole:
        yield _pin(project, release.version, None)
    for digest in release.digests:
        yield _pin(project, release.version, Sha256(digest.hex()))


def _pin(project: ProjectName, version: str | None, digest: Sha256 | None) -> Pin:
    return Pin(project, version, None, digest, "")
