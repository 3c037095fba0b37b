"""What is observed becomes facts and events in one transaction, also where several observe at once."""

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

from mirror import observe
from mirror.catalog import events, projects
from mirror.catalog.database import Catalog
from mirror.events import Event, next_link
from mirror.names import ProjectName, Serial
from tests.mirror.changes.histories import NAME, NOW, RULES, listed, page, row
from tests.mirror.observe.observations import (
    DEADLINE_SECONDS,
    apply_rows,
    events_told,
    finished,
    memory_of,
    payloads_told,
    poll,
    see,
    states_of,
    until_one_waits,
)


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

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(watch())
        await asyncio.gather(*(write(n) for n in range(many)))
        done.set()

    assert read == list(range(1, many + 1))
    assert _is_chained(await events_told(watched))


async def test_one_transaction_tells_in_the_order_of_serials(watched: Catalog) -> None:
    """Though it goes through the projects in the order of their names."""
    others = [replace(row(n, "remove project"), project=ProjectName(name)) for n, name in ((60, "zeta"), (61, "alpha"))]

    await poll(watched, *others)

    assert [event.project for event in await events_told(watched)] == ["zeta", "alpha"]


async def test_the_chain_holds_over_all_events(watched: Catalog) -> None:
    """From the first to the last, over transactions of every kind."""
    await see(watched, 50, "1.0", "1.1")
    await poll(watched, row(51, "remove release", "1.0"), row(52, "project quarantined"))
    await poll(watched, row(53, "project quarantine cleared"), expected=Serial(52))
    await see(watched, 54, "1.0", "1.1")

    told = await events_told(watched)

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
    await see(watched, 50, "1.0", "1.1")
    await poll(watched, *again)
    await see(watched, 58, "2.0")
    before, told = await memory_of(watched), await events_told(watched)

    async with watched.writing() as conn:
        await observe.journal_rows(conn, again, rules=RULES, now=NOW)
        await observe.clock(conn, [NAME], rules=RULES, now=NOW + timedelta(minutes=5))

    assert await events_told(watched) == told
    assert await memory_of(watched) == before
    assert len(told) == 7


async def test_what_is_told_shows_the_files_as_they_were_at_that_moment(watched: Catalog) -> None:
    """Rows that were read together are told as if they had come one by one."""
    await see(watched, 50, "1.0")

    await poll(
        watched,
        row(51, "project quarantined"),
        row(52, "project quarantine cleared"),
        row(53, "remove project"),
        row(54, "create"),
    )

    told = await payloads_told(watched)
    assert [[str(file.state) for file in one.files or ()] for one in told] == [["blocked"], ["live"], ["held"], []]
    assert [one.incarnation for one in told] == [1, 1, 1, 2]


# First sights.


async def test_a_removal_that_is_being_applied_counts_for_a_first_sight(watched: Catalog) -> None:
    """The tick came first and did not find the project; the first sight waits for it and sees its row."""
    async with watched.writing() as conn:
        await apply_rows(conn, row(54, "remove release", "1.0"))
        first_sight = asyncio.create_task(see(watched, 53, "1.0", "1.1"))
        await until_one_waits(watched)
    await finished(first_sight)

    assert await states_of(watched) == {"1.0": "held rescue", "1.1": "live"}
    (told,) = await payloads_told(watched)
    assert (told.kind, told.files) == ("release.deleted", None)


async def test_a_first_sight_in_progress_is_found_by_a_removal(watched: Catalog) -> None:
    """The first sight came first; the tick waits for it, finds the project and takes its file."""
    async with watched.writing() as conn:
        seen = page(53, listed("1.0"), listed("1.1"))
        await observe.page(conn, seen, rules=RULES, now=NOW)
        tick = asyncio.create_task(poll(watched, row(54, "remove release", "1.0")))
        await until_one_waits(watched)
    await finished(tick)

    assert await states_of(watched) == {"1.0": "held rescue", "1.1": "live"}
    (told,) = await payloads_told(watched)
    assert told.files is not None
    assert [file.filename for file in told.files] == ["demo-1.0-py3-none-any.whl"]


async def test_two_first_sights_at_once_make_one_project(watched: Catalog) -> None:
    """The second finds what the first stored and applies its page as any later one."""
    async with watched.writing() as conn:
        await observe.page(conn, page(53, listed("1.0")), rules=RULES, now=NOW)
        second = asyncio.create_task(see(watched, 54, "1.0", "1.1"))
        await until_one_waits(watched)
    await finished(second)

    assert await states_of(watched) == {"1.0": "live", "1.1": "live"}
    assert (await memory_of(watched)).project.page_serial == 54


async def test_two_pages_at_once_leave_the_newer_one(watched: Catalog) -> None:
    """The older one arrives last and is refused."""
    await see(watched, 50, "1.0")

    async with watched.writing() as conn:
        await observe.page(conn, page(54, listed("1.0"), listed("1.1")), rules=RULES, now=NOW)
        older = asyncio.create_task(see(watched, 53, "1.0"))
        await until_one_waits(watched)
    await finished(older)

    assert older.result() is False
    assert (await memory_of(watched)).project.page_serial == 54


async def test_first_sight_without_a_watcher_waits_for_nobody(catalog: Catalog) -> None:
    """Nobody reads the journal: there is no tick to keep out."""
    assert await see(catalog, 50, "1.0")

    assert await states_of(catalog) == {"1.0": "live"}


async def test_a_release_removed_before_first_sight_makes_strangers(watched: Catalog) -> None:
    """The remembered rows are asked before the first page is ever shown."""
    await poll(watched, row(51, "remove release", "1.0"))

    await see(watched, 55, "1.0")

    assert await states_of(watched) == {"1.0": "held stranger"}


async def test_a_release_removed_unseen_makes_strangers_of_a_known_project(watched: Catalog) -> None:
    """The project was known, that release was not."""
    await see(watched, 50, "0.9")
    await poll(watched, row(51, "remove release", "1.0"), row(52, "new release", "1.0"))

    await see(watched, 55, "0.9", "1.0")

    assert await states_of(watched) == {"0.9": "live", "1.0": "held stranger"}


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
        revisions.append((await memory_of(watched)).project.revision)

    await see(watched, 50, "1.0")
    await note()
    await see(watched, 50, "1.0")
    await see(watched, 49, "0.9")
    async with watched.writing() as conn:
        await observe.absence(conn, NAME, rules=RULES, now=NOW)
        await observe.clock(conn, [NAME], rules=RULES, now=NOW)
    await note()
    await see(watched, 51, "1.0", "1.1")
    await note()
    await poll(watched, row(52, "yank release", "1.1"))
    await note()
    await poll(watched, row(53, "remove release", "1.0"), expected=Serial(52))
    await note()

    first, same, *others = revisions
    assert first == same
    assert all(earlier < later for earlier, later in itertools.pairwise([same, *others]))
