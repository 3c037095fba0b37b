"""What is observed becomes facts and events in one transaction, also where several observe at once."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import timedelta

import pytest_asyncio

from mirror import observe
from mirror.catalog import backlog, events, files, journal, pending, projects, rows
from mirror.catalog.database import Catalog, Connection
from mirror.events import Event, Payload, next_link, read_payload
from mirror.journal_rows import JournalRow
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
    ProjectName,
    ProjectStatus,
    Serial,
    State,
    YankChange,
)
from tests.mirror.changes.histories import LONG_AGO, NAME, NOW, RULES, digest, listed, page, row

_DEADLINE_SECONDS = 30
START = Serial(50)


@pytest_asyncio.fixture
async def watched(catalog: Catalog) -> AsyncIterator[Catalog]:
    """A catalog in which the journal was read up to `START`."""
    async with catalog.writing() as conn:
        assert await journal.begin(conn, START, now=NOW)
    yield catalog


async def _tick(catalog: Catalog, *new: JournalRow, expected: Serial = START) -> None:
    """What a poll does with the rows it read."""
    async with catalog.writing() as conn:
        await _apply(conn, *new, expected=expected)


async def _apply(conn: Connection, *new: JournalRow, expected: Serial = START) -> None:
    assert await journal.advance(conn, expected=expected, serial=new[-1].serial, now=NOW)
    await rows.remember(conn, new)
    await observe.journal_rows(conn, new, rules=RULES, now=NOW)


async def _see(catalog: Catalog, serial: int, *versions: str) -> bool:
    async with catalog.writing() as conn:
        seen = page(serial, *(listed(version) for version in versions))
        return await observe.page(conn, seen, rules=RULES, now=NOW)


async def _memory(catalog: Catalog, name: ProjectName = NAME) -> Memory:
    async with catalog.reading() as conn:
        project = await projects.find(conn, name)
        assert project is not None
        return Memory(project, await files.of_project(conn, project))


async def _states(catalog: Catalog) -> dict[str, str]:
    return {f"{f.version}": f"{f.state} {f.cause or ''}".strip() for f in (await _memory(catalog)).files}


async def _told(catalog: Catalog) -> list[Event]:
    async with catalog.reading() as conn:
        return await events.after(conn, 0, limit=1_000, epoch=1)


async def _payloads(catalog: Catalog) -> list[Payload]:
    return [read_payload(event.payload) for event in await _told(catalog) if event.payload is not None]


async def _store_all(catalog: Catalog) -> None:
    for file in (await _memory(catalog)).files:
        assert file.id is not None
        assert file.sha256 is not None
        async with catalog.writing() as conn:
            await observe.file_stored(
                conn, file.id, sha256=file.sha256, size=1, source=HashSource.UPSTREAM, rules=RULES, now=NOW
            )


async def _until_one_waits(catalog: Catalog) -> None:
    """Until some statement in this database waits for a lock."""
    waiting = (
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
    )
    async with asyncio.timeout(_DEADLINE_SECONDS), catalog.reading() as conn:
        while not await conn.fetchval(waiting):  # noqa: ASYNC110 - the database cannot tell us
            await asyncio.sleep(0.01)


async def _finished(task: Awaitable[object]) -> None:
    async with asyncio.timeout(_DEADLINE_SECONDS):
        await task


def _is_chained(told: list[Event]) -> bool:
    chain = ""
    for event in told:
        assert event.payload is not None
        chain = next_link(chain, event.id, event.payload)
        if event.chain != chain:
            return False
    return True


# Numbers.


async def test_events_are_numbered_without_gaps_in_the_order_of_commits(watched: Catalog) -> None:
    """Many transactions at once, some rolled back: a reader never sees a number below one it has seen."""
    many, read = 24, list[int]()
    done = asyncio.Event()

    async def write(n: int) -> None:
        name = ProjectName(f"project-{n}")
        removal = replace(row(100 + n, "remove project"), project=name, name=name)
        if n % 4 == 0:
            async with watched.reading() as conn:
                undone = conn.transaction()
                await undone.start()
                await observe.journal_rows(conn, [removal], rules=RULES, now=NOW)
                await undone.rollback()
        async with watched.writing() as conn:
            await observe.journal_rows(conn, [removal], rules=RULES, now=NOW)

    async def watch() -> None:
        while True:
            ended = done.is_set()
            async with watched.reading() as conn:
                new = await events.after(conn, 0, limit=1_000, epoch=1)
            numbers = [event.cursor.number for event in new]
            assert numbers[: len(read)] == read
            read[:] = numbers
            if ended:
                return

    async with asyncio.timeout(_DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(watch())
        await asyncio.gather(*(write(n) for n in range(many)))
        done.set()

    assert read == list(range(1, many + 1))
    assert _is_chained(await _told(watched))


async def test_one_transaction_tells_in_the_order_of_serials(watched: Catalog) -> None:
    """Though it goes through the projects in the order of their names."""
    others = [replace(row(n, "remove project"), project=ProjectName(name)) for n, name in ((60, "zeta"), (61, "alpha"))]

    await _tick(watched, *others)

    assert [event.project for event in await _told(watched)] == ["zeta", "alpha"]


async def test_the_chain_holds_over_all_events(watched: Catalog) -> None:
    """From the first to the last, over transactions of every kind."""
    await _see(watched, 50, "1.0", "1.1")
    await _tick(watched, row(51, "remove release", "1.0"), row(52, "project quarantined"))
    await _tick(watched, row(53, "project quarantine cleared"), expected=Serial(52))
    await _see(watched, 54, "1.0", "1.1")

    told = await _told(watched)

    assert [str(event.kind) for event in told] == [
        "release.deleted",
        "project.quarantined",
        "project.quarantine_cleared",
        "restored",
    ]
    assert _is_chained(told)
    assert not _is_chained([replace(told[0], payload=b"{}"), *told[1:]])


async def test_the_same_rows_again_add_no_event(watched: Catalog) -> None:
    """Nor do they change a fact, whatever they remove, yank, quarantine or register anew."""
    again = [
        row(51, "yank release", "1.0"),
        row(52, "remove file demo-1.1.tar.gz", "1.1"),
        row(53, "remove release", "1.1"),
        row(54, "project quarantined"),
        row(55, "project quarantine cleared"),
        row(56, "remove project"),
        row(57, "create"),
        row(58, "new release", "2.0"),
    ]
    await _see(watched, 50, "1.0", "1.1")
    await _tick(watched, *again)
    await _see(watched, 58, "2.0")
    before, told = await _memory(watched), await _told(watched)

    async with watched.writing() as conn:
        await observe.journal_rows(conn, again, rules=RULES, now=NOW)
        await observe.clock(conn, [NAME], rules=RULES, now=NOW + timedelta(minutes=5))

    assert await _told(watched) == told
    assert await _memory(watched) == before
    assert len(told) == 7


async def test_what_is_told_shows_the_files_as_they_were_at_that_moment(watched: Catalog) -> None:
    """Rows that were read together are told as if they had come one by one."""
    await _see(watched, 50, "1.0")

    await _tick(
        watched,
        row(51, "project quarantined"),
        row(52, "project quarantine cleared"),
        row(53, "remove project"),
        row(54, "create"),
    )

    told = await _payloads(watched)
    assert [[str(file.state) for file in one.files or ()] for one in told] == [["blocked"], ["live"], ["held"], []]
    assert [one.incarnation for one in told] == [1, 1, 1, 2]


# First sights.


async def test_a_removal_that_is_being_applied_counts_for_a_first_sight(watched: Catalog) -> None:
    """The tick came first and did not find the project; the first sight waits for it and sees its row."""
    async with watched.writing() as conn:
        await _apply(conn, row(54, "remove release", "1.0"))
        first_sight = asyncio.create_task(_see(watched, 53, "1.0", "1.1"))
        await _until_one_waits(watched)
    await _finished(first_sight)

    assert await _states(watched) == {"1.0": "held rescue", "1.1": "live"}
    (told,) = await _payloads(watched)
    assert (told.kind, told.files) == ("release.deleted", None)


async def test_a_first_sight_in_progress_is_found_by_a_removal(watched: Catalog) -> None:
    """The first sight came first; the tick waits for it, finds the project and takes its file."""
    async with watched.writing() as conn:
        seen = page(53, listed("1.0"), listed("1.1"))
        await observe.page(conn, seen, rules=RULES, now=NOW)
        tick = asyncio.create_task(_tick(watched, row(54, "remove release", "1.0")))
        await _until_one_waits(watched)
    await _finished(tick)

    assert await _states(watched) == {"1.0": "held rescue", "1.1": "live"}
    (told,) = await _payloads(watched)
    assert told.files is not None
    assert [file.filename for file in told.files] == ["demo-1.0-py3-none-any.whl"]


async def test_two_first_sights_at_once_make_one_project(watched: Catalog) -> None:
    """The second finds what the first stored and applies its page as any later one."""
    async with watched.writing() as conn:
        await observe.page(conn, page(53, listed("1.0")), rules=RULES, now=NOW)
        second = asyncio.create_task(_see(watched, 54, "1.0", "1.1"))
        await _until_one_waits(watched)
    await _finished(second)

    assert await _states(watched) == {"1.0": "live", "1.1": "live"}
    assert (await _memory(watched)).project.page_serial == 54


async def test_two_pages_at_once_leave_the_newer_one(watched: Catalog) -> None:
    """The older one arrives last and is refused."""
    await _see(watched, 50, "1.0")

    async with watched.writing() as conn:
        await observe.page(conn, page(54, listed("1.0"), listed("1.1")), rules=RULES, now=NOW)
        older = asyncio.create_task(_see(watched, 53, "1.0"))
        await _until_one_waits(watched)
    await _finished(older)

    assert older.result() is False
    assert (await _memory(watched)).project.page_serial == 54


async def test_first_sight_without_a_watcher_waits_for_nobody(catalog: Catalog) -> None:
    """Nobody reads the journal: there is no tick to keep out."""
    assert await _see(catalog, 50, "1.0")

    assert await _states(catalog) == {"1.0": "live"}


async def test_a_release_removed_before_first_sight_makes_strangers(watched: Catalog) -> None:
    """The remembered rows are asked before the first page is ever shown."""
    await _tick(watched, row(51, "remove release", "1.0"))

    await _see(watched, 55, "1.0")

    assert await _states(watched) == {"1.0": "held stranger"}


async def test_a_release_removed_unseen_makes_strangers_of_a_known_project(watched: Catalog) -> None:
    """The project was known, that release was not."""
    await _see(watched, 50, "0.9")
    await _tick(watched, row(51, "remove release", "1.0"), row(52, "new release", "1.0"))

    await _see(watched, 55, "0.9", "1.0")

    assert await _states(watched) == {"0.9": "live", "1.0": "held stranger"}


async def test_an_absent_page_of_an_unknown_project_is_nothing(watched: Catalog) -> None:
    """There is nothing to note anything of."""
    async with watched.writing() as conn:
        await observe.absence(conn, NAME, rules=RULES, now=NOW)
        found = await projects.find(conn, NAME)

    assert found is None


# Revisions.


async def test_the_revision_goes_up_only_when_the_page_changes(watched: Catalog) -> None:
    """The same page, an older one and an absent one leave it alone; new files, yanks and departures do not."""
    revisions = []

    async def note() -> None:
        revisions.append((await _memory(watched)).project.revision)

    await _see(watched, 50, "1.0")
    await note()
    await _see(watched, 50, "1.0")
    await _see(watched, 49, "0.9")
    async with watched.writing() as conn:
        await observe.absence(conn, NAME, rules=RULES, now=NOW)
        await observe.clock(conn, [NAME], rules=RULES, now=NOW)
    await note()
    await _see(watched, 51, "1.0", "1.1")
    await note()
    await _tick(watched, row(52, "yank release", "1.1"))
    await note()
    await _tick(watched, row(53, "remove release", "1.0"), expected=Serial(52))
    await note()

    first, same, *others = revisions
    assert first == same
    assert all(earlier < later for earlier, later in itertools.pairwise([same, *others]))


# The bytes of what departed.


async def test_a_departed_file_without_bytes_is_wanted_at_once(watched: Catalog) -> None:
    """At the head of the backlog, and only the file that has departed."""
    await _see(watched, 50, "1.0", "1.1")

    await _tick(watched, row(51, "remove release", "1.0"))

    async with watched.writing() as conn:
        wanted = await conn.fetch(
            "select filename, priority from backlog join files on files.id = backlog.file order by 1"
        )
    assert [tuple(record) for record in wanted] == [("demo-1.0-py3-none-any.whl", backlog.Priority.RESCUE)]


async def test_what_the_store_has_is_not_wanted(watched: Catalog) -> None:
    """There is nothing to rescue."""
    await _see(watched, 50, "1.0")
    await _store_all(watched)

    await _tick(watched, row(51, "remove release", "1.0"))

    async with watched.reading() as conn:
        assert await backlog.count(conn) == 0
    assert await _states(watched) == {"1.0": "kept"}


async def test_what_was_quarantined_is_not_wanted(watched: Catalog) -> None:
    """It may be malware: it is not even fetched, whether the quarantine was cleared or not."""
    await _see(watched, 50, "1.0", "1.1")

    await _tick(
        watched,
        row(51, "release quarantined", "1.0"),
        row(52, "remove release", "1.0"),
        row(53, "project quarantined"),
        row(54, "remove release", "1.1"),
        row(55, "project quarantine cleared"),
    )

    async with watched.reading() as conn:
        assert await backlog.count(conn) == 0
    assert await _states(watched) == {"1.0": "held quarantine", "1.1": "held quarantine"}


async def test_it_is_wanted_when_the_quarantine_is_forgotten(watched: Catalog) -> None:
    """When the memory of quarantines ends, what is missing is fetched like anything that departed."""
    rules = replace(RULES, quarantine_memory=timedelta(days=30))
    await _see(watched, 50, "1.0")
    async with watched.writing() as conn:
        both = [row(51, "release quarantined", "1.0"), row(52, "remove release", "1.0")]
        await observe.journal_rows(conn, both, rules=rules, now=NOW)
        before = await backlog.count(conn)

    async with watched.writing() as conn:
        later = NOW + timedelta(days=30)
        passing = await projects.with_passing_states(conn, now=later)
        await observe.clock(conn, passing, rules=rules, now=later)
        after = await backlog.count(conn)

    assert (before, after) == (0, 1)
    assert await _states(watched) == {"1.0": "held rescue"}


async def test_a_rescue_is_told_once(watched: Catalog) -> None:
    """The bytes arrived after the departure: kept from now on."""
    await _see(watched, 50, "1.0")
    await _tick(watched, row(51, "remove release", "1.0"))

    await _store_all(watched)
    await _store_all(watched)

    assert [str(event.kind) for event in await _told(watched)] == ["release.deleted", "rescued"]
    assert await _states(watched) == {"1.0": "kept"}


async def test_a_file_that_cannot_be_had_is_lost_until_it_is(watched: Catalog) -> None:
    """Lost is a finding, not a sentence: bytes that turn up after all are kept."""
    await _see(watched, 50, "1.0")
    await _tick(watched, row(51, "remove release", "1.0"))
    (file,) = (await _memory(watched)).files
    assert file.id is not None

    async with watched.writing() as conn:
        await observe.file_lost(conn, file.id, rules=RULES, now=NOW)
    lost = await _states(watched)
    await _store_all(watched)

    assert lost == {"1.0": "lost"}
    assert await _states(watched) == {"1.0": "kept"}


async def test_a_digest_we_found_ourselves_is_remembered_as_ours(watched: Catalog) -> None:
    """Upstream named none; the next page, which names none either, changes nothing."""
    bare = page(50, replace(listed("1.0"), sha256=None, size=None))
    async with watched.writing() as conn:
        await observe.page(conn, bare, rules=RULES, now=NOW)
    (file,) = (await _memory(watched)).files
    assert file.id is not None

    async with watched.writing() as conn:
        await observe.file_stored(
            conn, file.id, sha256=digest("own"), size=7, source=HashSource.SELF, rules=RULES, now=NOW
        )
        await observe.page(conn, bare, rules=RULES, now=NOW)

    (found,) = (await _memory(watched)).files
    assert (found.sha256, found.hash_source, found.listed_file.size) == (digest("own"), HashSource.SELF, 7)


# Nothing is lost between memory and tables.

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
    return await _memory(catalog)


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

    assert await _memory(catalog) == Memory(replace(bare_project, id=found.project.id), changed)


async def test_every_state_and_cause_can_be_stored(catalog: Catalog) -> None:
    """None of them is unknown to the tables."""
    several = [
        replace(_BARE, listed_file=listed(f"{n}.0"), state=state, cause=cause)
        for n, (state, cause) in enumerate(itertools.product(State, (None, *Cause)))
    ]

    found = await _saved(catalog, _PROJECT, *several)

    assert list(_without_ids(found).files) == several


async def test_waiting_yanks_are_read_back_as_they_were_stored(catalog: Catalog) -> None:
    """In the order of their rows, of known and unknown projects alike, until they are told."""
    waiting = tuple(
        PendingYank(Serial(n), "1.0", change, NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=60), told_before)
        for n, change, told_before in ((3, YankChange.UNYANKED, None), (2, YankChange.YANKED, ""))
    )

    async with catalog.writing() as conn:
        await pending.insert(conn, NAME, waiting)
        found = await pending.of_projects(conn, [NAME])
        await pending.delete(conn, waiting[:1])
        rest = await pending.of_projects(conn, [NAME])

    assert found == {NAME: tuple(sorted(waiting, key=lambda one: one.serial))}
    assert rest == {NAME: waiting[1:]}
