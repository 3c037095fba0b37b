"""What catching up takes by its phases, in the statements that it asks of the database, and in memory."""

import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import asyncpg

from mirror import observe
from mirror.catalog import (
    advisories,
    backlog,
    circumstances,
    files,
    journal,
    marks,
    notices,
    page_queue,
    pending,
    projects,
    rows,
)
from mirror.journal_rows import JournalRow
from mirror.names import Serial
from mirror.observe import many_rows
from watcher.journal import client
from watcher.journal.client import JournalClient

READING = ("answer received", "XML decoded", "rows parsed")
"""The phases before rows are there; the others are their application."""
APPLYING = ("rows stored", "facts read", "decided", "facts stored", "events", "cursor and commits")

_DOORS: tuple[ModuleType, ...] = (
    advisories,
    backlog,
    circumstances,
    files,
    marks,
    notices,
    page_queue,
    pending,
    projects,
    rows,
)
_LOOKS = ("of_", "lock", "read", "find", "by_")


class Counting(asyncpg.Connection):
    """A connection that counts the calls made of the database: each is a round trip, or a few."""

    calls = 0

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """As of any connection; the other methods are too."""
        Counting.calls += 1
        return await super().execute(*args, **kwargs)

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        Counting.calls += 1
        return await super().executemany(*args, **kwargs)

    async def fetch(self, *args: Any, **kwargs: Any) -> Any:
        Counting.calls += 1
        return await super().fetch(*args, **kwargs)

    async def fetchrow(self, *args: Any, **kwargs: Any) -> Any:
        Counting.calls += 1
        return await super().fetchrow(*args, **kwargs)

    async def fetchval(self, *args: Any, **kwargs: Any) -> Any:
        Counting.calls += 1
        return await super().fetchval(*args, **kwargs)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        Counting.calls += 1
        return super().cursor(*args, **kwargs)

    async def copy_records_to_table(self, *args: Any, **kwargs: Any) -> Any:
        Counting.calls += 1
        return await super().copy_records_to_table(*args, **kwargs)


@dataclass(slots=True)
class Memory:
    """What the process held, in bytes: before, at most while rows were read, after that, at most since."""

    before: int = 0
    while_reading: int = 0
    read: int = 0
    while_applying: int = 0


class WatchedClient(JournalClient):
    """A client that notes what memory its answers take."""

    memory: Memory

    async def since(self, serial: Serial) -> tuple[JournalRow, ...]:
        """As of any client."""
        found = await super().since(serial)
        if found:
            self.memory.while_reading, self.memory.read = held("VmHWM"), held("VmRSS")
            forget_most()
        return found


@dataclass(slots=True)
class Phases:
    """Seconds by phase, each without those inside it."""

    seconds: dict[str, float] = field(default_factory=dict)
    _inside: list[str] = field(default_factory=list)
    _since: float = 0.0

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Notes what happens inside."""
        with ExitStack() as stack:
            self._watch(stack, WatchedClient, "since", "answer received")
            self._watch(stack, client, "_decode", "XML decoded")
            self._watch(stack, client, "_rows", "rows parsed")
            for door in _DOORS:
                for name, function in inspect.getmembers(door, _is_asynchronous):
                    if function.__module__ == door.__name__ and not name.startswith("_"):
                        self._watch(stack, door, name, _phase_of(door, name))
            self._watch(stack, observe, "journal_rows", "decided")
            self._watch(stack, many_rows, "draft", "events")
            self._watch(stack, many_rows, "tell", "events")
            self._watch(stack, journal, "advance", "cursor and commits")
            with self._of("cursor and commits"):
                yield

    def of(self, phases: tuple[str, ...]) -> float:
        """The seconds of these."""
        return sum(self.seconds.get(phase, 0.0) for phase in phases)

    def _watch(self, stack: ExitStack, where: object, name: str, phase: str) -> None:
        watched = getattr(where, name)
        stack.enter_context(patch.object(where, name, self._awaited(watched, phase)))

    def _awaited(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @wraps(function)
        async def waiting(*args: Any, **kwargs: Any) -> Any:
            with self._of(phase):
                return await function(*args, **kwargs)

        @wraps(function)
        def at_once(*args: Any, **kwargs: Any) -> Any:
            with self._of(phase):
                return function(*args, **kwargs)

        @wraps(function)
        async def one_by_one(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            source = function(*args, **kwargs)
            while True:
                with self._of(phase):
                    try:
                        found = await anext(source)
                    except StopAsyncIteration:
                        return
                yield found

        if inspect.isasyncgenfunction(function):
            return one_by_one
        return waiting if inspect.iscoroutinefunction(function) else at_once

    @contextmanager
    def _of(self, phase: str) -> Iterator[None]:
        self._change()
        self._inside.append(phase)
        try:
            yield
        finally:
            self._change()
            self._inside.pop()

    def _change(self) -> None:
        now = time.perf_counter()
        if self._inside:
            self.seconds[self._inside[-1]] = self.seconds.get(self._inside[-1], 0.0) + now - self._since
        self._since = now


def _is_asynchronous(member: object) -> bool:
    return inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member)


def _phase_of(door: ModuleType, name: str) -> str:
    if door is rows and name == "remember":
        return "rows stored"
    return "facts read" if name.startswith(_LOOKS) else "facts stored"


def held(what: str) -> int:
    """`VmRSS`, what this process holds, or `VmHWM`, the most since `forget_most`; in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"the kernel does not tell {what}")


def forget_most() -> None:
    """Makes the kernel forget the most that was held so far."""
    Path("/proc/self/clear_refs").write_text("5")
