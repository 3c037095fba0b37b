"""Advisories of malware: what OSV's records say, and which versions of a project they mean.

Pure. Only records whose id begins with `MAL-` are read, and of those only what is said of PyPI; other records speak of
flaws, which are no reason to withhold anything. Versions are compared as PEP 440 does, ranges evaluated as the OSV
schema prescribes. A record comes from outside: what is too large, malformed or unprintable is refused as a whole.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, TypeAlias

import msgspec
from packaging.version import Version

from mirror.errors import EverpinError
from mirror.names import ProjectName, project_name, same_version_key

LARGEST_RECORD = 4 * 2**20
"""A larger record is refused. Most have a few hundred bytes, those of large packages a few hundred thousand."""

_ID = re.compile(r"\AMAL-[0-9A-Za-z][0-9A-Za-z-]{0,60}\Z")
_ECOSYSTEM = "PyPI"
_LONGEST_VERSION = 200
_MOST_PACKAGES = 1_000
_BEGINNING = "0"
_NO_LIMIT = "*"


class BadAdvisoryError(EverpinError):
    """A record that cannot be used."""


class Turn(StrEnum):
    """What an event of a range says of the versions from there on; of those after it, `last_affected`."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class RangeEvent:
    """One event of a range, at a version as it was written."""

    turn: Turn
    version: str


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A range of versions: its events, in the order in which they were written."""

    events: tuple[RangeEvent, ...]


ALL_VERSIONS = VersionRange((RangeEvent(Turn.INTRODUCED, _BEGINNING),))


@dataclass(frozen=True, slots=True)
class Affected:
    """What an advisory means of one project: these versions, and those in any of the ranges."""

    versions: tuple[str, ...] = ()
    ranges: tuple[VersionRange, ...] = ()


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record: which projects it speaks of, and whether it was taken back."""

    id: str
    modified: datetime
    withdrawn: datetime | None
    affected: tuple[tuple[ProjectName, Affected], ...]

    def of(self, project: ProjectName) -> Affected | None:
        """What it calls malware of that project; None for nothing, as in one that was withdrawn."""
        if self.withdrawn is not None:
            return None
        return next((affected for name, affected in self.affected if name == project), None)


Covers: TypeAlias = Callable[[str | None], bool]
"""Tells whether a version is meant; None is that of a file whose version nobody knows."""


def is_malware_id(text: str) -> bool:
    """Whether a record of that id is about malware."""
    return _ID.match(text) is not None


def read_advisory(record: bytes) -> Advisory:
    """The record. Raises BadAdvisoryError where it is none of malware, or cannot be used."""
    if len(record) > LARGEST_RECORD:
        raise BadAdvisoryError(f"the record is larger than {LARGEST_RECORD} bytes")
    try:
        read = msgspec.json.decode(record, type=_Record)
    # Nesting without an end is a RecursionError, bytes that are no text a UnicodeDecodeError, which is a ValueError.
    except (ValueError, RecursionError) as e:
        raise BadAdvisoryError(f"the record is not OSV's JSON: {type(e).__name__}") from e
    if not is_malware_id(read.id):
        raise BadAdvisoryError("the record is not one of malware")
    if read.schema_version is not None and not read.schema_version.startswith("1."):
        raise BadAdvisoryError("the record is of another major version of the schema")
    return Advisory(read.id, read.modified, read.withdrawn, _affected(read.affected or []))


def calls_malware(advisory: Advisory, project: ProjectName, version: str | None) -> bool:
    """Whether the advisory means that version of that project."""
    affected = advisory.of(project)
    return affected is not None and covering(affected)(version)


def covering(affected: Affected) -> Covers:
    """Tells of any version whether it is meant; made once where many are asked about."""
    keys = frozenset(same_version_key(version) for version in affected.versions)
    ranges = tuple(_evaluated(one) for one in affected.ranges)
    return lambda version: (
        (version is not None and same_version_key(version) in keys) or any(covers(version) for covers in ranges)
    )


class _Package(msgspec.Struct):
    ecosystem: str = ""
    name: str = ""


class _Event(msgspec.Struct):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class _Range(msgspec.Struct):
    type: str = ""
    events: list[_Event] | None = None


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None


_Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class _Record(msgspec.Struct):
    id: str
    modified: _Moment
    schema_version: str | None = None
    withdrawn: _Moment | None = None
    affected: list[_Affected] | None = None


def _affected(entries: Iterable[_Affected]) -> tuple[tuple[ProjectName, Affected], ...]:
    found: dict[ProjectName, Affected] = {}
    for entry in entries:
        package = entry.package
        if package is None or package.ecosystem.partition(":")[0] != _ECOSYSTEM:
            continue
        name = project_name(package.name)
        if name is None:
            continue  # nothing on the index can have that name
        more = _of_entry(entry)
        so_far = found.get(name, Affected())
        found[name] = Affected(so_far.versions + more.versions, so_far.ranges + more.ranges)
    if len(found) > _MOST_PACKAGES:
        raise BadAdvisoryError(f"the record names more than {_MOST_PACKAGES} packages")
    return tuple(sorted(found.items()))


def _of_entry(entry: _Affected) -> Affected:
    if not entry.versions and not entry.ranges:
        # Whoever reports a package and no versions of it means the package; with malware it is safer to believe that.
        return Affected(ranges=(ALL_VERSIONS,))
    # SEMVER ranges are of ecosystems that order versions otherwise, and commits (GIT) are no versions at all.
    ranges = tuple(
        VersionRange(tuple(event for said in one.events or [] for event in _events(said)))
        for one in entry.ranges or []
        if one.type == "ECOSYSTEM"
    )
    return Affected(tuple(_version(text) for text in entry.versions or []), ranges)


def _events(said: _Event) -> Iterable[RangeEvent]:
    for turn in Turn:
        text: str | None = getattr(said, turn.value)
        if text is not None:
            yield RangeEvent(turn, _version(text))


def _version(text: str) -> str:
    if not text or len(text) > _LONGEST_VERSION or not text.isprintable():
        raise BadAdvisoryError("the record has a version that cannot be one")
    return text


_Rank: TypeAlias = tuple[int, Version | None]


def _evaluated(one: VersionRange) -> Covers:
    """The range as the schema has it evaluated; one whose versions have no order means only those it names."""
    limits = [_rank(e.version) for e in one.events if e.turn is Turn.LIMIT and e.version != _NO_LIMIT]
    turns = [(_rank(e.version, e.turn), e.turn) for e in one.events if e.turn is not Turn.LIMIT]
    ordered = [(rank, turn) for rank, turn in turns if rank is not None]
    if len(ordered) < len(turns) or None in limits:
        return _named(one)
    # The sort is stable: what is said of the same version stays in the order in which it was written.
    ordered.sort(key=lambda event: event[0])
    bounds = [limit for limit in limits if limit is not None]
    turned = {turn for _, turn in ordered}
    # Even a version that has no place among the others is one of all.
    means_all = not bounds and turned == {Turn.INTRODUCED} and ordered[0][0] == (0, None)

    def covers(version: str | None) -> bool:
        asked = None if version is None or means_all else _rank(version)
        if asked is None:
            return means_all
        return (not bounds or any(asked < bound for bound in bounds)) and _state_at(asked, ordered)

    return covers


def _named(one: VersionRange) -> Covers:
    keys = {same_version_key(e.version) for e in one.events if e.turn in (Turn.INTRODUCED, Turn.LAST_AFFECTED)}
    return lambda version: version is not None and same_version_key(version) in keys


def _state_at(asked: _Rank, ordered: Iterable[tuple[_Rank, Turn]]) -> bool:
    affected = False
    for rank, turn in ordered:
        if turn is Turn.LAST_AFFECTED:
            affected = affected and asked <= rank
        elif asked >= rank:
            affected = turn is Turn.INTRODUCED
    return affected


@lru_cache(maxsize=65536)
def _rank(version: str, turn: Turn | None = None) -> _Rank | None:
    """The version's place among all others; None where it has none."""
    if turn is Turn.INTRODUCED and version == _BEGINNING:
        return (0, None)  # "0" stands for the beginning, before any version there is
    try:
        return (1, Version(version))
    except ValueError:  # InvalidVersion is one; numbers of thousands of digits are another
        return None
