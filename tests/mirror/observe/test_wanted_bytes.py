"""The bytes of what departed: wanted at once unless they may be malware, rescued or lost, and told once."""

from dataclasses import replace
from datetime import timedelta

from mirror import observe
from mirror.catalog import backlog, projects
from mirror.catalog.database import Catalog
from mirror.model import HashSource
from tests.mirror.changes.histories import NOW, RULES, digest, listed, page, row
from tests.mirror.observe.observations import events_told, memory_of, poll, see, states_of, store_all


async def test_a_departed_file_without_bytes_is_wanted_at_once(watched: Catalog) -> None:
    """At the head of the backlog, and only the file that has departed."""
    await see(watched, 50, "1.0", "1.1")

    await poll(watched, row(51, "remove release", "1.0"))

    async with watched.writing() as conn:
        wanted = await conn.fetch(
            "select filename, priority from backlog join files on files.id = backlog.file order by 1"
        )
    assert [tuple(record) for record in wanted] == [("demo-1.0-py3-none-any.whl", backlog.Priority.RESCUE)]


async def test_what_the_store_has_is_not_wanted(watched: Catalog) -> None:
    """There is nothing to rescue."""
    await see(watched, 50, "1.0")
    await store_all(watched)

    await poll(watched, row(51, "remove release", "1.0"))

    async with watched.reading() as conn:
        assert await backlog.count(conn) == 0
    assert await states_of(watched) == {"1.0": "kept"}


async def test_what_was_quarantined_is_not_wanted(watched: Catalog) -> None:
    """It may be malware: it is not even fetched, whether the quarantine was cleared or not."""
    await see(watched, 50, "1.0", "1.1")

    await poll(
        watched,
        row(51, "release quarantined", "1.0"),
        row(52, "remove release", "1.0"),
        row(53, "project quarantined"),
        row(54, "remove release", "1.1"),
        row(55, "project quarantine cleared"),
    )

    async with watched.reading() as conn:
        assert await backlog.count(conn) == 0
    assert await states_of(watched) == {"1.0": "held quarantine", "1.1": "held quarantine"}


async def test_it_is_wanted_when_the_quarantine_is_forgotten(watched: Catalog) -> None:
    """When the memory of quarantines ends, what is missing is fetched like anything that departed."""
    rules = replace(RULES, quarantine_memory=timedelta(days=30))
    await see(watched, 50, "1.0")
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
    assert await states_of(watched) == {"1.0": "held rescue"}


async def test_a_rescue_is_told_once(watched: Catalog) -> None:
    """The bytes arrived after the departure: kept from now on."""
    await see(watched, 50, "1.0")
    await poll(watched, row(51, "remove release", "1.0"))

    await store_all(watched)
    await store_all(watched)

    assert [str(event.kind) for event in await events_told(watched)] == ["release.deleted", "rescued"]
    assert await states_of(watched) == {"1.0": "kept"}


async def test_a_file_that_cannot_be_had_is_lost_until_it_is(watched: Catalog) -> None:
    """Lost is a finding, not a sentence: bytes that turn up after all are kept."""
    await see(watched, 50, "1.0")
    await poll(watched, row(51, "remove release", "1.0"))
    (file,) = (await memory_of(watched)).files
    assert file.id is not None

    async with watched.writing() as conn:
        await observe.file_lost(conn, file.id, rules=RULES, now=NOW)
    lost = await states_of(watched)
    await store_all(watched)

    assert lost == {"1.0": "lost"}
    assert await states_of(watched) == {"1.0": "kept"}


async def test_a_digest_we_found_ourselves_is_remembered_as_ours(watched: Catalog) -> None:
    """Upstream named none; the next page, which names none either, changes nothing."""
    bare = page(50, replace(listed("1.0"), sha256=None, size=None))
    async with watched.writing() as conn:
        await observe.page(conn, bare, rules=RULES, now=NOW)
    (file,) = (await memory_of(watched)).files
    assert file.id is not None

    async with watched.writing() as conn:
        await observe.file_stored(
            conn, file.id, sha256=digest("own"), size=7, source=HashSource.SELF, rules=RULES, now=NOW
        )
        await observe.page(conn, bare, rules=RULES, now=NOW)

    (found,) = (await memory_of(watched)).files
    assert (found.sha256, found.hash_source, found.listed_file.size) == (digest("own"), HashSource.SELF, 7)
