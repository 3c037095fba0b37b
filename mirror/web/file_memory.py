"""What addresses of files lead to, and the bytes of small ones, in memory: a warm file costs no SQL.

It fails closed. A notice drops whatever belongs to a changed project; while notices cannot be heard nothing is found
here, so that the catalog is asked; and when the clock ends a state, what was remembered ends with it. As notices name
projects only, each answer is tied to all projects that had a say in it or that its filename can belong to; for what
this cannot foresee, such as a stranger's page that begins to list the same address, none is believed for long.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from mirror.catalog.notices import BacklogGrew, JournalRead, Notice, NoticesLost, PagesChanged
from mirror.index.paths import Kind
from mirror.model import State
from mirror.names import ProjectName
from mirror.store.keys import StoreKey
from mirror.web.prebuilt import Prebuilt

LARGEST_SMALL = 128 * 2**10
"""Bodies up to this size are held in memory."""
_BELIEVED_SECONDS = 60.0
_ENTRY_BYTES = 2_000
"""What an address costs beside a body."""
_SHARE = 4

Address = NewType("Address", str)
"""A path as pages spell it, so that other spellings of it do not take room of their own."""


@dataclass(slots=True, eq=False)
class Servable:
    """Bytes that may be served and that the store has. `whole` is filled in where they are small and were read."""

    state: State
    key: StoreKey
    size: int
    kind: Kind
    file_id: int | None
    whole: Prebuilt | None = None
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        self.etag = f'"{self.key.sha256}"'

    @property
    def is_small(self) -> bool:
        return self.size <= LARGEST_SMALL


class Asking:
    """One look at the catalog, and what was heard to have changed since it began."""

    def __init__(self) -> None:
        self._changed: set[ProjectName] = set()
        self._lost = False

    def heard(self, changed: Iterable[ProjectName] | None) -> None:
        """Notes that these projects, or where that is None any, changed."""
        if changed is None:
            self._lost = True
        else:
            self._changed.update(changed)

    def is_overtaken(self, projects: frozenset[ProjectName]) -> bool:
        """Whether what was read of these projects may be older than what was heard."""
        return self._lost or not self._changed.isdisjoint(projects)


@dataclass(frozen=True, slots=True)
class _Entry:
    servable: Servable
    projects: frozenset[ProjectName]
    until: datetime | None
    believed_until: float
    cost: int


def share_of(memory: int) -> int:
    """How much of the memory for pages and files is for files."""
    return memory // _SHARE


class FileMemory:
    """The files that one process remembers, within `budget` bytes. `heard` must be given every notice."""

    def __init__(
        self,
        *,
        budget: int,
        now: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget = budget
        self._now = now
        self._seconds = seconds
        self._entries: OrderedDict[Address, _Entry] = OrderedDict()
        self._of_project: dict[ProjectName, set[Address]] = {}
        self._asking: set[Asking] = set()
        self.held_bytes = 0
        self.is_hearing = False

    def heard(self, notice: Notice) -> None:
        """Takes notice of what other processes, or this one, did."""
        match notice:
            case PagesChanged(changed):
                for asking in self._asking:
                    asking.heard(changed)
                for project in changed:
                    for address in tuple(self._of_project.get(project, ())):
                        self.forget(address)
            case NoticesLost(hearing):
                self.is_hearing = hearing
                for asking in self._asking:
                    asking.heard(None)
                self._entries.clear()
                self._of_project.clear()
                self.held_bytes = 0
            case JournalRead() | BacklogGrew():
                pass

    def find(self, address: Address) -> Servable | None:
        """What the address leads to, where that is certain without asking the catalog."""
        entry = self._entries.get(address)
        if entry is None or not self.is_hearing:
            return None
        if entry.believed_until <= self._seconds() or (entry.until is not None and entry.until <= self._now()):
            self.forget(address)
            return None
        self._entries.move_to_end(address)
        return entry.servable

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        """To be entered before the catalog is read for what will be kept."""
        asking = Asking()
        self._asking.add(asking)
        try:
            yield asking
        finally:
            self._asking.discard(asking)

    def keep(
        self,
        address: Address,
        servable: Servable,
        asking: Asking,
        *,
        projects: Iterable[ProjectName],
        until: datetime | None,
    ) -> None:
        """Remembers what the catalog said, unless something was heard meanwhile that it may not have known of."""
        tied = frozenset(projects)
        if not self.is_hearing or asking.is_overtaken(tied):
            return
        self.forget(address)
        cost = _ENTRY_BYTES + (servable.size if servable.is_small else 0)
        self._entries[address] = _Entry(servable, tied, until, self._seconds() + _BELIEVED_SECONDS, cost)
        for project in tied:
            self._of_project.setdefault(project, set()).add(address)
        self.held_bytes += cost
        while self.held_bytes > self._budget:
            self.forget(next(iter(self._entries)))

    def forget(self, address: Address) -> None:
        """Drops what the address led to, if anything."""
        entry = self._entries.pop(address, None)
        if entry is None:
            return
        self.held_bytes -= entry.cost
        for project in entry.projects:
            addresses = self._of_project[project]
            addresses.discard(address)
            if not addresses:
                del self._of_project[project]
