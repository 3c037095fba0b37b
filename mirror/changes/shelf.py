"""A project's files, and ways to find a few of them without looking at all.

Rows come by the thousand, each is about one release or file, and some projects have tens of thousands of files. What
helps to find them is made when first asked for, and handed on to the shelf after a row as far as the row left it true.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TypeAlias

from packaging.version import Version

from mirror.model import FileFacts
from mirror.names import Sha256, same_version_key

FileKey: TypeAlias = tuple[int, str, Sha256 | None]
"""Incarnation, filename and digest: what identifies a file within its project."""

_RANKED_SINGLY = 8
"""So often the best version is looked for among all; after that it pays to put them in order once."""


def key_of(file: FileFacts) -> FileKey:
    """What identifies the file within its project."""
    return (file.incarnation, file.filename, file.sha256)


def born(file: FileFacts) -> datetime:
    """When the file was put up, as far as known."""
    return file.listed_file.upload_time or file.first_seen_at


@dataclass(slots=True)
class _Listed:
    """How many files upstream lists of one life of the name.

    By the key of their release, and by the spelling of its version: offered ones, and yanked ones.
    """

    of_release: dict[str, int] = field(default_factory=dict)
    offered: dict[str, int] = field(default_factory=dict)
    yanked: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "_Listed":
        return _Listed(self.of_release.copy(), self.offered.copy(), self.yanked.copy())

    def count(self, file: FileFacts, version: str, by: int) -> None:
        spelt = self.offered if file.listed_file.yanked is None else self.yanked
        for counts, of in ((self.of_release, same_version_key(version)), (spelt, version)):
            counts[of] = counts.get(of, 0) + by
            if not counts[of]:
                del counts[of]


class _Finder:
    """Where files stand: as true of every shelf on which files in the same places answer to the same questions."""

    def __init__(self, files: tuple[FileFacts, ...]) -> None:
        self._files = files
        self._times_ranked = 0

    @cached_property
    def places(self) -> dict[FileKey, int]:
        return {key_of(file): place for place, file in enumerate(self._files)}

    @cached_property
    def of_release(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, file in enumerate(self._files):
            if file.version is not None:
                found.setdefault(same_version_key(file.version), []).append(place)
        return found

    @cached_property
    def of_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, file in enumerate(self._files):
            found.setdefault(file.filename, []).append(place)
        return found

    @cached_property
    def oldest(self) -> dict[int, datetime]:
        oldest: dict[int, datetime] = {}
        for file in self._files:
            at = born(file)
            if file.incarnation not in oldest or at < oldest[file.incarnation]:
                oldest[file.incarnation] = at
        return oldest

    def best(self, versions: dict[str, int]) -> str | None:
        """The best of these versions, of those that can be compared."""
        self._times_ranked += 1
        if self._times_ranked <= _RANKED_SINGLY:
            ranked = ((rank, text) for text in versions if (rank := _rank(text)) is not None)
            return max(ranked, default=(None, None))[1]
        return next((text for text in self._ranking if text in versions), None)

    @cached_property
    def _ranking(self) -> list[str]:
        """All versions that can be compared, the best first."""
        versions = {file.version for file in self._files if file.version is not None}
        ranked = [(rank, text) for text in versions if (rank := _rank(text)) is not None]
        return [text for _, text in sorted(ranked, reverse=True)]


class Shelf(tuple[FileFacts, ...]):
    """Files in the order in which they were first seen; equal to any tuple of the same files."""

    def of_version(self, version: str) -> tuple[FileFacts, ...]:
        """The files of that version, as PEP 440 compares, in all lives of the name."""
        return tuple(self[place] for place in self._finder.of_release.get(same_version_key(version), ()))

    def of_name(self, filename: str) -> tuple[FileFacts, ...]:
        """The files of that name, in all lives."""
        return tuple(self[place] for place in self._finder.of_name.get(filename, ()))

    def of_keys(self, keys: Iterable[FileKey]) -> tuple[FileFacts, ...]:
        """Those of the files that are here, in the shelf's order."""
        places = self._finder.places
        return tuple(self[place] for place in sorted({places[key] for key in keys if key in places}))

    def releases(self, incarnation: int) -> int:
        """How many releases upstream lists in that life."""
        listed = self._listed.get(incarnation)
        return len(listed.of_release) if listed else 0

    def latest(self, incarnation: int) -> str | None:
        """The version an installer without a pin would choose of what upstream lists: final, not yanked, highest."""
        listed = self._listed.get(incarnation)
        if listed is None:
            return None
        return self._finder.best(listed.offered) or self._finder.best(listed.yanked)

    def oldest(self, incarnation: int) -> datetime | None:
        """When the first file of that life was put up, departed ones included."""
        return self._finder.oldest.get(incarnation)

    def replaced(self, changed: Mapping[FileKey, FileFacts]) -> "Shelf":
        """The shelf with those files in place of the ones they are keyed by."""
        places = {place: file for key, file in changed.items() if (place := self._finder.places.get(key)) is not None}
        files = list(self)
        for place, file in places.items():
            files[place] = file
        after = Shelf(files)
        if all(_found_alike(self[place], file) for place, file in places.items()):
            after.__dict__["_finder"] = self._finder
            if "_listed" in self.__dict__:
                after.__dict__["_listed"] = self._listed_after(places)
        return after

    def _listed_after(self, places: Mapping[int, FileFacts]) -> dict[int, _Listed]:
        lives = {file.incarnation for file in places.values()}
        listed = {life: known.copy() if life in lives else known for life, known in self._listed.items()}
        for place, file in places.items():
            for one, by in ((self[place], -1), (file, 1)):
                if one.listed and one.version is not None:
                    listed.setdefault(one.incarnation, _Listed()).count(one, one.version, by)
        return listed

    @cached_property
    def _finder(self) -> _Finder:
        return _Finder(self)

    @cached_property
    def _listed(self) -> dict[int, _Listed]:
        listed: dict[int, _Listed] = {}
        for file in self:
            if file.listed and file.version is not None:
                listed.setdefault(file.incarnation, _Listed()).count(file, file.version, 1)
        return listed


def shelved(files: tuple[FileFacts, ...]) -> Shelf:
    """The files on a shelf; one that they are on already stays."""
    return files if isinstance(files, Shelf) else Shelf(files)


def _found_alike(before: FileFacts, after: FileFacts) -> bool:
    return (
        key_of(before) == key_of(after)
        and before.version == after.version
        and before.listed_file.upload_time == after.listed_file.upload_time
        and before.first_seen_at == after.first_seen_at
    )


# Asked for all versions of a project whenever one of them is removed, and some projects have twenty thousand.
@lru_cache(maxsize=65536)
def _rank(version: str) -> tuple[bool, Version] | None:
    try:
        parsed = Version(version)
    except ValueError:  # InvalidVersion is one; numbers of thousands of digits are another
        return None
    return (not parsed.is_prerelease, parsed)
