"""Advisories of malware applied to what we know of a project: which files they mean, and what is to be told of it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mirror.advisories import Advisory, covering
from mirror.changes.step import FileKey, Step, Telling, key_of, keys_of, with_files
from mirror.event_kinds import EventKind
from mirror.model import FileFacts, Memory
from mirror.names import same_version_key

MOST_VERSIONS_TOLD = 100
"""An advisory that means more versions of a project at once is told in one event, without a version."""


def by_advisories(memory: Memory, changed: Iterable[Advisory]) -> Step:
    """Applies advisories that are new, or say something else than before, in the order in which they were modified."""
    step = Step(memory)
    for advisory in sorted(changed, key=lambda advisory: advisory.modified):
        step = step.then(_by_advisory(step.memory, advisory))
    return step


def first_judged(memory: Memory, known: Sequence[Advisory]) -> Memory:
    """A project as it was first seen, its files marked by what was known before. Nothing of that is news."""
    return with_files(memory, _marked(memory.files, known))


def newcomers_judged(before: Memory, steps: Sequence[Step], known: Sequence[Advisory]) -> list[Step]:
    """The steps, with the files that they add, or give another version, marked; what that means is told last."""
    seen = {file.id: file.version for file in before.files}
    judged = []
    for step in steps:
        fresh = [file for file in step.memory.files if is_fresh(file, seen)]
        judged.append(replace(step, memory=with_files(step.memory, _marked(fresh, known))))
    last = judged[-1]
    gained = [file for file in last.memory.files if file.advisories and is_fresh(file, seen)]
    told = tuple(
        telling
        for advisory in known
        for telling in _tellings(
            EventKind.ADVISORY_BLOCKED, advisory, [file for file in gained if advisory.id in file.advisories]
        )
    )
    return [*judged[:-1], replace(last, tellings=last.tellings + told)]


def is_fresh(file: FileFacts, seen: dict[int | None, str | None]) -> bool:
    """Whether no advisory was asked about this file and this version yet; `seen` are the versions by id."""
    return file.id is None or seen.get(file.id) != file.version


def _marked(files: Iterable[FileFacts], known: Sequence[Advisory]) -> dict[FileKey, FileFacts]:
    if not known:
        return {key_of(file): replace(file, advisories=()) for file in files if file.advisories}
    meant = [(advisory.id, covering(affected)) for advisory in known for _, affected in advisory.affected]
    changed = {}
    for file in files:
        ids = tuple(sorted({id_ for id_, covers in meant if covers(file.version)}))
        if ids != file.advisories:
            changed[key_of(file)] = replace(file, advisories=ids)
    return changed


def _by_advisory(memory: Memory, advisory: Advisory) -> Step:
    affected = advisory.of(memory.project.name)
    covers = covering(affected) if affected is not None else lambda _: False
    gained, lost = [], []
    for file in memory.files:
        is_meant = covers(file.version)
        if is_meant and advisory.id not in file.advisories:
            # Who vouched for the file did not know of this.
            ids = tuple(sorted({*file.advisories, advisory.id}))
            gained.append(replace(file, advisories=ids, vouched_by=None))
        elif not is_meant and advisory.id in file.advisories:
            lost.append(replace(file, advisories=tuple(id_ for id_ in file.advisories if id_ != advisory.id)))
    after = with_files(memory, {key_of(file): file for file in (*gained, *lost)})
    told = (
        *_tellings(EventKind.ADVISORY_BLOCKED, advisory, gained),
        *_tellings(EventKind.ADVISORY_WITHDRAWN, advisory, lost),
    )
    return Step(after, told)


def _tellings(kind: EventKind, advisory: Advisory, files: Sequence[FileFacts]) -> list[Telling]:
    """One for each version, or one for all where they are very many."""
    groups: dict[tuple[int, str], list[FileFacts]] = {}
    for file in files:
        groups.setdefault((file.incarnation, same_version_key(file.version or "")), []).append(file)
    if len(groups) > MOST_VERSIONS_TOLD:
        return [_telling(kind, advisory, files, version=None)]
    return [_telling(kind, advisory, group, version=group[0].version) for group in groups.values()]


def _telling(kind: EventKind, advisory: Advisory, files: Sequence[FileFacts], *, version: str | None) -> Telling:
    return Telling(
        kind,
        None,
        keys_of(files),
        version=version,
        upstream_time=advisory.modified,
        incarnation=None if version is None else files[0].incarnation,
        advisories=(advisory.id,),
    )
