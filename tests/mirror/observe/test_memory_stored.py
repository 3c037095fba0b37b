"""Nothing is lost between memory and tables: every fact, state and waiting yank is read back as it was stored."""

import itertools
from dataclasses import replace
from datetime import timedelta

from mirror.catalog import files, pending, projects
from mirror.catalog.database import Catalog
from mirror.model import (
    Cause,
    Departure,
    DepartureCause,
    FileFacts,
    HashSource,
    Life,
    Memory,
    PendingYank,
    ProjectFacts,
    ProjectStatus,
    State,
    YankChange,
)
from mirror.names import Serial
from tests.mirror.changes.histories import LONG_AGO, NAME, NOW, digest, listed
from tests.mirror.observe.observations import memory_of

_FULL = FileFacts(
    id=None,
    incarnation=3,
    listed_file=replace(
        listed("1!2.0+local", yanked="broken, \"quoted\" and 'quoted' \\ 雪"),
        requires_python=">=3.9,<4",
        core_metadata=digest("metadata"),
        provenance="https://index.example.org/integrity/demo",
        extra=b'{"gpg-sig":true}',
        upload_time=LONG_AGO + timedelta(microseconds=1),
    ),
    first_seen_at=NOW - timedelta(days=1, microseconds=7),
    first_seen_serial=Serial(2**40),
    listed=False,
    missing_since=NOW - timedelta(hours=2),
    missing_seen=NOW - timedelta(hours=1),
    listed_until=Serial(2**40 + 1),
    listed_since=Serial(2**40 + 2),
    departed=Departure(NOW, Serial(2**41), DepartureCause.PROJECT, was_yanked=True),
    stranger=True,
    newcomer_in=2,
    replaced=True,
    quarantined_by=Serial(9),
    quarantined_at=NOW - timedelta(days=2),
    blocked_by=4,
    released_by=5,
    purged_at=NOW + timedelta(seconds=1),
    stored_at=NOW + timedelta(seconds=2),
    metadata_stored_at=NOW + timedelta(seconds=3),
    lost_at=NOW + timedelta(seconds=4),
    hash_source=HashSource.SELF,
    state=State.HELD,
    cause=Cause.QUARANTINE,
    state_until=NOW + timedelta(days=9),
)
_BARE = FileFacts(
    id=None,
    incarnation=1,
    listed_file=replace(listed("1.0"), sha256=None, version=None, size=None, upload_time=None, core_metadata=True),
    first_seen_at=NOW,
    first_seen_serial=None,
)
_PROJECT = ProjectFacts(
    id=None,
    name=NAME,
    display_name="De.Mo",
    known_since=LONG_AGO,
    incarnation=3,
    opened_serial=Serial(7),
    closed_serial=Serial(8),
    closed_at=NOW,
    status=ProjectStatus.ARCHIVED,
    quarantined_by=Serial(0),
    quarantined_at=NOW - timedelta(days=1),
    page_serial=Serial(2**41),
    etag='W/"x"',
    versions=("1.0", "1!2.0+local"),
    extra=b'{"alternate-locations":[]}',
    observed_at=NOW,
    wanted_serial=Serial(2**42),
    refresh_at=NOW + timedelta(seconds=5),
    attempts=6,
    revision=1,
    owners=("alice", 'bob, "the builder"'),
    former_owners=("mallory",),
    lives=(Life(2, LONG_AGO, NOW, same_owner_at=LONG_AGO), Life(3, NOW, earlier_known=True)),
)


async def _saved(catalog: Catalog, project: ProjectFacts, *saved: FileFacts) -> Memory:
    async with catalog.writing() as conn:
        project_id = await projects.insert(conn, project)
        assert project_id is not None
        await files.insert(conn, project_id, saved)
    return await memory_of(catalog)


def _without_ids(memory: Memory) -> Memory:
    return replace(
        memory,
        project=replace(memory.project, id=None),
        files=tuple(replace(file, id=None) for file in memory.files),
    )


async def test_a_memory_is_read_back_as_it_was_stored(catalog: Catalog) -> None:
    """Every fact, at its fullest and at its barest."""
    found = await _saved(catalog, _PROJECT, _FULL, _BARE)

    assert _without_ids(found) == Memory(_PROJECT, (_FULL, _BARE))


async def test_a_changed_memory_is_read_back_as_it_was_changed(catalog: Catalog) -> None:
    """The full becomes bare and the bare full, but for what identifies them."""
    bare_project = ProjectFacts(None, NAME, "De.Mo", LONG_AGO, revision=1)
    found = await _saved(catalog, _PROJECT, _FULL, _BARE)
    full, bare = found.files
    changed = (
        replace(_BARE, id=full.id, incarnation=2, listed_file=replace(_BARE.listed_file, filename="a.whl")),
        replace(_FULL, id=bare.id, incarnation=1),
    )

    async with catalog.writing() as conn:
        assert found.project.id is not None
        await projects.update(conn, replace(bare_project, id=found.project.id), changed=False)
        await files.update(conn, found.project.id, changed)

    assert await memory_of(catalog) == Memory(replace(bare_project, id=found.project.id), changed)


async def test_every_state_and_cause_can_be_stored(catalog: Catalog) -> None:
    """None of them is unknown to the tables."""
    several = [
        replace(_BARE, listed_file=listed(f"{n}.0"), state=state, cause=cause)
        for n, (state, cause) in enumerate(itertools.product(State, (None, *Cause)))
    ]

    found = await _saved(catalog, _PROJECT, *several)

    assert list(_without_ids(found).files) == several


async def test_waiting_yanks_are_read_back_as_they_were_stored(catalog: Catalog) -> None:
    """In the order of their rows, then what only pages showed, of known and unknown projects alike."""
    of_rows = tuple(
        PendingYank(Serial(n), "1.0", change, NOW, NOW + timedelta(seconds=1), due_at, told_before)
        for n, change, due_at, told_before in (
            (3, YankChange.UNYANKED, NOW + timedelta(seconds=60), None),
            (2, YankChange.YANKED, None, ""),
        )
    )
    seen = (
        PendingYank(None, None, YankChange.YANKED, None, NOW, NOW, "broken", "demo.tar.gz", None),
        PendingYank(None, "1.0", YankChange.UNYANKED, None, NOW, NOW, None, "demo.whl", digest("demo")),
        PendingYank(None, "1.0", YankChange.YANKED, None, NOW, NOW),
    )

    async with catalog.writing() as conn:
        await pending.insert(conn, NAME, (*of_rows, *seen))
        await pending.insert(conn, NAME, of_rows)
        found = (await pending.of_projects(conn, [NAME]))[NAME]
        await pending.delete(conn, found[:2])
        rest = await pending.of_projects(conn, [NAME])

    assert tuple(replace(one, id=None) for one in found) == (*of_rows[::-1], *seen)
    assert rest == {NAME: found[2:]}
