"""Which events somebody wants to hear of. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Protocol

from packaging.version import InvalidVersion, Version

from mirror.event_kinds import EventKind
from mirror.events import Event, Payload, read_payload
from mirror.names import ProjectName


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

    `patterns` are globs of project names, any of which may fit, as may any of `projects`. `stable_only` leaves out
    what is about a pre-release. `min_age`: one of the files was at least so old when it happened. `verdicts` are
    pairs of a policy's id and what it must say. A redacted event has none of the latter two.
    """

    projects: frozenset[ProjectName] | None = None
    kinds: frozenset[EventKind] | None = None
    patterns: tuple[str, ...] = ()
    stable_only: bool = False
    min_age: timedelta | None = None
    verdicts: tuple[tuple[str, str], ...] = ()

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
        return project in (self.projects or ()) or any(fnmatchcase(project, pattern) for pattern in self.patterns)

    def _admits_payload(self, payload: Payload) -> bool:
        if any(payload.verdicts.get(policy) != said for policy, said in self.verdicts):
            return False
        if self.min_age is None:
            return True
        at = payload.upstream_time or payload.observed_at
        uploads = [file.upload_time for file in payload.files or () if file.upload_time is not None]
        return bool(uploads) and at - min(uploads) >= self.min_age


def _is_prerelease(version: str | None) -> bool:
    try:
        return version is not None and Version(version).is_prerelease
    except InvalidVersion:
        return False
