"""Pins against the catalog: the few statements that gather what is known, and the judgement of each pin."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from mirror.catalog import acts, advisories, checking, circumstances, projects, rows, tombstones
from mirror.catalog.database import Connection
from mirror.model import FileFacts, Memory, ProjectFacts, State
from mirror.names import ProjectName, Sha256, same_version_key
from mirror.states import Rules, judged
from watcher.checking.evidence import Asked, Evidence, Orders
from watcher.checking.findings import Finding
from watcher.checking.judging import Judge
from watcher.checking.shelf import Shelf
from watcher.locks import Pin

# Judging takes some 10 µs a pin, and so does reading a version: beyond this a thread does it.
_PINS_JUDGED_IN_THE_LOOP = 300
_Result = TypeVar("_Result")
_NOBODY_ASKED: Mapping[ProjectName, Asked] = {}


async def check_pins(
    conn: Connection,
    pins: Sequence[Pin],
    *,
    rules: Rules,
    now: datetime,
    asked: Mapping[ProjectName, Asked] = _NOBODY_ASKED,
) -> tuple[Finding, ...]:
    """How each pin stands today, in the order of the pins. Nothing is written, and nobody but the catalog is asked.

    `asked` says of projects what came of asking upstream for them before.
    """
    known = await projects.known(conn, (pin.project for pin in pins))
    by_id = {project.id: name for name, project in known.items() if project.id is not None}
    versions = await checking.versions(conn, list(by_id))
    size = len(pins) + sum(map(len, versions.values()))
    chosen = await _aside(size, lambda: _chosen(pins, known, versions))
    files = await checking.files_of(conn, list(by_id), releases=chosen.releases, digests=chosen.digests)
    around = await circumstances.read(conn)

    def first_sight() -> dict[ProjectName, Evidence]:
        evidence = {pin.project: Evidence(pin.project, asked=asked.get(pin.project, Asked.NOT)) for pin in pins}
        for number, name in by_id.items():
            # States that the clock has ended since they were written are judged here: not everybody has a watcher.
            memory = judged(Memory(known[name], tuple(files[number])), rules=rules, now=now, around=around)
            evidence[name] = replace(
                evidence[name], project=known[name], files=memory.files, versions=tuple(versions[number])
            )
        return evidence

    evidence = await _aside(size, first_sight)
    missing = await _aside(size, lambda: _missing(pins, evidence))
    whole = await _with_all_else(conn, missing, evidence)
    return await _aside(size, lambda: _findings(pins, whole))


async def _aside(size: int, work: Callable[[], _Result]) -> _Result:
    """What the work brings, done by a thread where it is much, so that nobody else waits for the loop."""
    return await asyncio.to_thread(work) if size > _PINS_JUDGED_IN_THE_LOOP else work()


async def _with_all_else(
    conn: Connection, missing: Sequence[Pin], evidence: Mapping[ProjectName, Evidence]
) -> dict[ProjectName, Evidence]:
    """Adds what is told by rows, advisories and orders, where files alone do not tell enough."""
    names = {pin.project for pin in missing}
    orders = await _orders(conn, missing, [file for known in evidence.values() for file in known.files])
    told = await rows.of_projects(conn, names) if names else {}
    advised = await advisories.of_projects(conn, names) if names else {}

    def with_all() -> dict[ProjectName, Evidence]:
        return {
            name: replace(known, orders=orders, rows=tuple(told.get(name, ())), advisories=advised.get(name, ()))
            for name, known in evidence.items()
        }

    return await _aside(len(evidence), with_all)


async def _orders(conn: Connection, missing: Sequence[Pin], files: Iterable[FileFacts]) -> Orders:
    """The orders that cover what is missing, and the acts by which files are blocked or purged."""
    digests = {pin.sha256 for pin in missing if pin.sha256 is not None}
    withheld = [file for file in files if file.state in (State.BLOCKED, State.PURGED)]
    if not missing and not withheld:
        return Orders()
    standing = await checking.standing(conn, {pin.project for pin in missing}, digests)
    purges = await tombstones.acts_of(conn, digests | {file.sha256 for file in withheld if file.sha256 is not None})
    numbers = {*purges.values(), *(block.act for block in standing.blocks)}
    numbers.update(file.blocked_by for file in withheld if file.blocked_by is not None)
    return Orders(standing, await acts.by_number(conn, numbers), purges)


@dataclass(slots=True)
class _Chosen:
    """Which files of known projects are to be looked at, by the spellings that their versions have here."""

    known: Mapping[ProjectName, ProjectFacts]
    versions: Mapping[int, Sequence[tuple[str, State]]]
    releases: set[tuple[int, str]] = field(default_factory=set)
    digests: set[tuple[int, Sha256]] = field(default_factory=set)
    _spellings: dict[int, dict[str, set[str]]] = field(default_factory=dict)

    def add(self, pin: Pin) -> None:
        """Has the pin's files looked at."""
        project = self.known.get(pin.project)
        if project is None or project.id is None:
            return
        if pin.sha256 is not None:
            self.digests.add((project.id, pin.sha256))
        if pin.version is not None:
            spellings = self._spellings_of(project.id).get(same_version_key(pin.version), ())
            self.releases.update((project.id, spelled) for spelled in spellings)

    def _spellings_of(self, project: int) -> dict[str, set[str]]:
        found = self._spellings.get(project)
        if found is None:
            found = self._spellings[project] = {}
            for spelled, _ in self.versions[project]:
                found.setdefault(same_version_key(spelled), set()).add(spelled)
        return found


def _chosen(
    pins: Iterable[Pin],
    known: Mapping[ProjectName, ProjectFacts],
    versions: Mapping[int, Sequence[tuple[str, State]]],
) -> _Chosen:
    chosen = _Chosen(known, versions)
    for pin in pins:
        chosen.add(pin)
    return chosen


def _missing(pins: Sequence[Pin], evidence: Mapping[ProjectName, Evidence]) -> list[Pin]:
    """The pins that mean no file that is known here."""
    missing: list[Pin] = []
    for name, numbers in _by_project(pins).items():
        shelf = Shelf(evidence[name].files)
        missing.extend(pins[number] for number in numbers if not shelf.meant(pins[number]))
    return missing


def _findings(pins: Sequence[Pin], gathered: Mapping[ProjectName, Evidence]) -> tuple[Finding, ...]:
    findings: dict[int, Finding] = {}
    for name, numbers in _by_project(pins).items():
        judge = Judge(gathered[name])
        findings.update((number, judge.judged(pins[number])) for number in numbers)
    return tuple(findings[number] for number in range(len(pins)))


def _by_project(pins: Sequence[Pin]) -> dict[ProjectName, list[int]]:
    """The places of the pins.

    One project is done with before the next begins: what the judges of tens of thousands have worked out is a million
    objects, and while the collector looks at these, nothing else is done.
    """
    places: dict[ProjectName, list[int]] = {}
    for number, pin in enumerate(pins):
        places.setdefault(pin.project, []).append(number)
    return places
