"""Keeping what an operator names, now: every file of a project, or of one of its versions, that may be kept."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mirror.catalog import files, projects
from mirror.catalog.database import Catalog
from mirror.catalog.files import FoundFile
from mirror.errors import EverpinError, NotThereError
from mirror.index.siblings import lacking_siblings
from mirror.keeping import is_worth_keeping
from mirror.model import Cause, FileFacts, State
from mirror.names import ProjectName, same_version_key
from mirror.refresh import Refreshed, Refresher
from mirror.supply import Supply
from watcher.whole_files import keep_whole


class Outcome(StrEnum):
    """What came of one file."""

    KEPT = "kept"
    ALREADY = "already kept"
    WITHHELD = "not kept"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Named:
    """A project, and the one version of it that is meant, or None for all."""

    project: ProjectName
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A file, what came of it, and why where that needs saying."""

    filename: str
    outcome: Outcome
    reason: str | None = None


async def files_of(catalog: Catalog, refresher: Refresher, named: Named) -> list[FoundFile]:
    """The files that are meant, known ones or, of a project that nobody has asked for yet, those of upstream's page.

    Raises NotThereError where there are none, UpstreamUnavailableError where that could not be found out.
    """
    async with catalog.reading() as conn:
        is_known = await projects.revision(conn, named.project) is not None
    if not is_known and await refresher.refresh(named.project) is Refreshed.ABSENT:
        raise NotThereError(f"upstream has no project {named.project}")
    async with catalog.reading() as conn:
        facts = await projects.find(conn, named.project)
        known = await files.of_project(conn, facts) if facts is not None else ()
    found = [FoundFile(named.project, file) for file in known if _is_meant(file, named.version)]
    if not found:
        version = f"=={named.version}" if named.version else ""
        raise NotThereError(f"no file of {named.project}{version} is known")
    return found


async def keep_all(supply: Supply, found: Sequence[FoundFile], *, at_a_time: int, told: Callable[[Done], None]) -> None:
    """Keeps each of the files, several at a time, and tells what came of it as soon as that is known."""
    places = asyncio.Semaphore(at_a_time)

    async def one(file: FoundFile) -> None:
        async with places:
            told(await _keep(supply, file))

    async with asyncio.TaskGroup() as group:
        for file in found:
            group.create_task(one(file))


async def _keep(supply: Supply, file: FoundFile) -> Done:
    facts = file.facts
    if facts.stored_at is not None and not any(lacking_siblings(facts)):
        return Done(facts.filename, Outcome.ALREADY)
    if not _may_be_kept(facts):
        return Done(facts.filename, Outcome.WITHHELD, f"{facts.state} ({facts.cause})" if facts.cause else facts.state)
    try:
        await keep_whole(supply, file)
    except EverpinError as e:
        return Done(facts.filename, Outcome.FAILED, str(e))
    return Done(facts.filename, Outcome.KEPT if facts.stored_at is None else Outcome.ALREADY)


def _is_meant(file: FileFacts, version: str | None) -> bool:
    if version is None:
        return True
    return file.version is not None and same_version_key(file.version) == same_version_key(version)


def _may_be_kept(file: FileFacts) -> bool:
    if file.is_gone:
        return file.state not in (State.BLOCKED, State.PURGED) and file.cause is not Cause.QUARANTINE
    return is_worth_keeping(file)
