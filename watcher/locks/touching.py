"""Which events are about what a lock demands. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mirror.event_kinds import BOOKKEEPING, EventKind
from mirror.events import Event, PayloadFile, read_payload
from mirror.model import State
from mirror.names import ProjectName, same_version_key
from mirror.upstream.versions import Versions
from watcher.locks import Pin

TOLD = frozenset(EventKind) - BOOKKEEPING - {EventKind.GAP}
"""The kinds of events that can touch a lock; what this mirror does for itself is not told unless it is asked for."""
_OF_PROJECT = "project."


@dataclass(slots=True)
class _Pinned:
    """What is pinned of a project.

    `versions` are those of all pins, `whole` those of pins that name no file, `nameless` those of pins that name a file
    by its digest alone; None is among these where only bytes are demanded, of whatever version.
    """

    versions: set[str | None] = field(default_factory=set)
    whole: set[str | None] = field(default_factory=set)
    nameless: set[str | None] = field(default_factory=set)
    filenames: set[str] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)

    def add(self, pin: Pin) -> None:
        """Takes one more."""
        version = _key(pin.version)
        self.versions.add(version)
        if pin.filename is not None:
            self.filenames.add(pin.filename)
        if pin.sha256 is not None:
            self.digests.add(pin.sha256)
        if pin.filename is None:
            (self.whole if pin.sha256 is None else self.nameless).add(version)

    def has_version(self, version: str | None, files: Sequence[PayloadFile] | None) -> bool:
        """Whether a pin is of that version, or of bytes that are or could be among its files."""
        if _key(version) in self.versions - {None}:
            return True
        return None in self.versions and (not files or any(f.sha256 is None or f.sha256 in self.digests for f in files))

    def has_file(self, file: PayloadFile, version: str | None, *, is_other: bool) -> bool:
        """Whether a pin can be satisfied by that file. `is_other`: by the bytes that had its name before."""
        if file.filename in self.filenames or file.sha256 in self.digests or _key(version) in self.whole:
            return True
        if file.sha256 is not None and not is_other:
            return False
        # Of pins by digest nobody can say then what the file is called.
        return bool(self.nameless if version is None else {_key(version), None} & self.nameless)


class LockFilter:
    """Admits the events that touch a pin.

    Events about a project touch all pins of it, events about a release those of the same version, events about one
    file those of that file, by its name or its digest, and those that take any file of its version. Where an event does
    not say enough, since it was redacted for instance, it touches what it could be about.
    """

    def __init__(self, pins: Iterable[Pin], *, kinds: frozenset[EventKind] = TOLD) -> None:
        self._pinned: dict[ProjectName, _Pinned] = {}
        for pin in pins:
            self._pinned.setdefault(pin.project, _Pinned()).add(pin)
        self._projects = frozenset(self._pinned)
        self._kinds = kinds

    @property
    def projects(self) -> frozenset[ProjectName]:
        """Those that are pinned."""
        return self._projects

    @property
    def kinds(self) -> frozenset[EventKind]:
        """Those that are told."""
        return self._kinds

    def admits(self, event: Event) -> bool:
        """Whether the event touches a pin."""
        pinned = None if event.project is None else self._pinned.get(event.project)
        if pinned is None or event.project is None or event.kind not in self._kinds:
            return False
        if event.kind.startswith(_OF_PROJECT):
            return True
        payload = None if event.payload is None else read_payload(event.payload)
        files = None if payload is None else payload.files
        if payload is not None and payload.filename is not None:
            file = PayloadFile(payload.filename, None, None, None, State.LIVE)
            return _has_any(pinned, event, files or (file,), project=event.project)
        if event.version is not None:
            return pinned.has_version(event.version, files)
        # About several versions, but not about all that there is; the files say which.
        return not files or _has_any(pinned, event, files, project=event.project, whole=True)


def _has_any(
    pinned: _Pinned, event: Event, files: Sequence[PayloadFile], *, project: ProjectName, whole: bool = False
) -> bool:
    """Whether one of the files is pinned, or its version where it went as a `whole`."""
    of = Versions(project, ())
    for file in files:
        version = event.version or of.of(file.filename)
        if pinned.has_file(file, version, is_other=event.kind is EventKind.FILE_REPLACED):
            return True
        if whole and version is not None and pinned.has_version(version, (file,)):
            return True
    return False


def _key(version: str | None) -> str | None:
    return None if version is None else same_version_key(version)
