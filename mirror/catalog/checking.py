"""What is remembered of the releases that somebody's lock file names: of many projects, in few statements.

A lock names a handful of a project's files, and popular projects have thousands: only those that are asked for are read
whole. Of all others no more is told than which versions there are, and in which states.
"""

from collections.abc import Iterable, Sequence

from mirror.catalog.database import Connection
from mirror.catalog.files import facts_of
from mirror.changes.orders import Block, Standing
from mirror.model import FileFacts, State
from mirror.names import ProjectName, Sha256
from mirror.targets import FilesTarget, parse_target

_PROJECTS_AT_A_TIME = 100
"""Each statement reads all files of so many projects, and must end long before it is given up."""


async def versions(conn: Connection, projects: Sequence[int]) -> dict[int, list[tuple[str, State]]]:
    """The versions of these projects, in the spellings of their files, once for each state that files of it are in."""
    found: dict[int, list[tuple[str, State]]] = {project: [] for project in projects}
    for batch in _batches(projects):
        records = await conn.fetch(
            "select distinct project, version, state from files where project = any($1::int[]) and version is not null",
            batch,
        )
        for record in records:
            found[record["project"]].append((record["version"], State(record["state"])))
    return found


async def files_of(
    conn: Connection,
    projects: Sequence[int],
    *,
    releases: Iterable[tuple[int, str]],
    digests: Iterable[tuple[int, Sha256]],
) -> dict[int, list[FileFacts]]:
    """Of these projects the files of those versions, as spelled, and those with these digests; the first seen first.

    Both name the project they are about.
    """
    wanted_versions, wanted_digests = _grouped(releases), _grouped(digests)
    found: dict[int, list[FileFacts]] = {project: [] for project in projects}
    for batch in _batches(projects):
        spelled = [(project, version) for project in batch for version in wanted_versions.get(project, ())]
        named = [(project, bytes.fromhex(digest)) for project in batch for digest in wanted_digests.get(project, ())]
        records = await conn.fetch(
            """
            select * from files where project = any($1::int[]) and (
                (project, version) in (select * from unnest($2::int[], $3::text[]))
                or (project, sha256) in (select * from unnest($4::int[], $5::bytea[]))
            )
            order by id
            """,
            batch,
            [project for project, _ in spelled],
            [version for _, version in spelled],
            [project for project, _ in named],
            [digest for _, digest in named],
        )
        for record in records:
            found[record["project"]].append(facts_of(record))
    return found


async def standing(conn: Connection, names: Iterable[ProjectName], digests: Iterable[Sha256]) -> Standing:
    """The orders that stand for any of these projects or bytes, known or not."""
    records = await conn.fetch(
        """
        select acts.id, acts.target, null as buried from blocks join acts on acts.id = blocks.act
            where blocks.project = any($1::text[]) or blocks.sha256 = any($2::bytea[])
        union all
        select null, null, sha256 from tombstones where sha256 = any($2::bytea[])
        """,
        sorted(set(names)),
        [bytes.fromhex(digest) for digest in sorted(set(digests))],
    )
    blocks: list[Block] = []
    for record in records:
        target = parse_target(record["target"]) if record["id"] is not None else None
        if isinstance(target, FilesTarget):
            blocks.append(Block(record["id"], target))
    return Standing(tuple(blocks), frozenset(Sha256(r["buried"].hex()) for r in records if r["buried"] is not None))


def _batches(projects: Sequence[int]) -> Iterable[list[int]]:
    ordered = sorted(set(projects))
    return (ordered[start : start + _PROJECTS_AT_A_TIME] for start in range(0, len(ordered), _PROJECTS_AT_A_TIME))


def _grouped(pairs: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    grouped: dict[int, list[str]] = {}
    for project, value in sorted(set(pairs)):
        grouped.setdefault(project, []).append(value)
    return grouped
