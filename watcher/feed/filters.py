"""Which events somebody wants to hear of. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from packaging.version import InvalidVersion, Version

from mirror.event_kinds import EventKind
from mirror.events import Event, Payload, read_payload
from mirror.names import ProjectName, project_name

_GLOB = re.compile(r"\A[a-z0-9*-]{1,200}\Z")
_SEPARATORS = re.compile(r"[-_.]+")
_STARS = re.compile(r"\*+")
# What it takes to try a glob grows with each of its stars.
_MOST_STARS = 5


class Filter(Protocol):
    """Admits events. `projects` and `kinds` bound what it can admit, None for any: the catalog need read no others."""

    @property
    def projects(self) -> frozenset[ProjectName] | None: ...

    @property
    def kinds(self) -> frozenset[EventKind] | None: ...

    def admits(self, event: Event) -> bool: ...


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What can be wished for in a query; all of it must be so, and what was not wished for does not matter.

    `patterns` are globs of project names, any of which may fit; beside them `projects` are patterns, too, since only
    names alone bound what is to be read. `stable_only` leaves out what is about a pre-release. `min_age`: one of the
    files was at least so old when it happened. `verdicts` are pairs of a policy's id and what it must say. A redacted
    event has none of the latter two.
    """

    projects: frozenset[ProjectName] | None = None
    kinds: frozenset[EventKind] | None = None
    patterns: tuple[str, ...] = ()
    stable_only: bool = False
    min_age: timedelta | None = None
    verdicts: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.patterns and self.projects is not None:
            object.__setattr__(self, "patterns", (*self.patterns, *sorted(self.projects)))
            object.__setattr__(self, "projects", None)

    def admits(self, event: Event) -> bool:
        """Whether the event is one of those that were wished for."""
        if self.kinds is not None and event.kind not in self.kinds:
            return False
        if not self._admits_project(event.project):
            return False
        if self.stable_only and _is_prerelease(event.version):
            return False
        if self.min_age is None and not self.verdicts:
            return True
        payload = None if event.payload is None else read_payload(event.payload)
        return payload is not None and self._admits_payload(payload)

    def _admits_project(self, project: ProjectName | None) -> bool:
        if self.projects is None and not self.patterns:
            return True
        if project is None:
            return False
        return project in (self.projects or ()) or any(_fits(project, pattern) for pattern in self.patterns)

    def _admits_payload(self, payload: Payload) -> bool:
        if any(payload.verdicts.get(policy) != said for policy, said in self.verdicts):
            return False
        if self.min_age is None:
            return True
        at = payload.upstream_time or payload.observed_at
        uploads = [file.upload_time for file in payload.files or () if file.upload_time is not None]
        return bool(uploads) and at - min(uploads) >= self.min_age


def names_and_globs(texts: Iterable[str]) -> tuple[frozenset[ProjectName] | None, tuple[str, ...]]:
    """`projects` and `patterns` of the filter for these names and globs, in which `*` stands for anything.

    Both are compared as PEP 503 does it with names. Raises ValueError with a sentence for what is neither.
    """
    names: set[ProjectName] = set()
    globs: list[str] = []
    for text in texts:
        if "*" in text:
            globs.append(_glob(text))
        elif (name := project_name(text)) is not None:
            names.add(name)
        else:
            raise ValueError("project is not a project's name, and no glob such as acme-*")
    if globs:
        return None, (*globs, *sorted(names))
    return frozenset(names) or None, ()


def _glob(text: str) -> str:
    glob = _STARS.sub("*", _SEPARATORS.sub("-", text).lower())
    if not _GLOB.match(glob) or glob.count("*") > _MOST_STARS:
        raise ValueError("project is not a glob such as acme-*, of letters, digits, -, _ and . and at most 5 stars")
    return glob


def _fits(name: str, glob: str) -> bool:
    """Whether the name is the glob with anything in the place of each star.

    Not by fnmatch: that compiles each glob and remembers tens of thousands, and anybody can send us ever new ones.
    """
    first, *others = glob.split("*")
    if not others:
        return name == glob
    *between, last = others
    place, end = len(first), len(name) - len(last)
    if place > end or not (name.startswith(first) and name.endswith(last)):
        return False
    for part in between:
        place = name.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def _is_prerelease(version: str | None) -> bool:
    try:
        return version is not None and Version(version).is_prerelease
    except InvalidVersion:
        return False
