"""Whichever is first, the page or the advisory: no file that is called malware is ever judged without it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from mirror import observe
from mirror.advisories import ALL_VERSIONS, Advisory, Affected
from mirror.catalog.database import Catalog
from mirror.changes.advisories import MOST_VERSIONS_TOLD
from tests.mirror.changes.histories import NAME, NOW, RULES, listed, page, row
from tests.mirror.observe.observations import (
    apply_rows,
    events_told,
    finished,
    payloads_told,
    poll,
    see,
    states_of,
    until_one_waits,
)

BAD = Advisory("MAL-2026-1", NOW, None, ((NAME, Affected(("1.0",))),))


async def advise(catalog: Catalog, *advisories: Advisory) -> int:
    """The advisories are read."""
    async with catalog.writing() as conn:
        return await observe.advisories(conn, advisories, rules=RULES, now=NOW)


async def test_an_advisory_waits_for_a_page_that_is_being_stored(watched: Catalog) -> None:
    """It was not there when the page asked for it, and the project is not there before the page is."""
    async with watched.writing() as conn:
        assert await observe.page(conn, page(60, listed("1.0"), listed("1.1")), rules=RULES, now=NOW)
        advising = asyncio.create_task(advise(watched, BAD))
        await until_one_waits(watched)
    await finished(advising)

    assert await states_of(watched) == {"1.0": "blocked advisory", "1.1": "live"}
    assert [event.kind for event in await events_told(watched)] == ["advisory.blocked"]


async def test_a_first_page_waits_for_an_advisory_that_is_being_stored(watched: Catalog) -> None:
    """It would neither find the advisory nor be found by it."""
    async with watched.writing() as conn:
        assert await observe.advisories(conn, [BAD], rules=RULES, now=NOW) == 1
        seeing = asyncio.create_task(see(watched, 60, "1.0", "1.1"))
        await until_one_waits(watched)
    await finished(seeing)

    assert await states_of(watched) == {"1.0": "blocked advisory", "1.1": "live"}
    assert await events_told(watched) == []


async def test_a_page_and_an_advisory_of_a_known_project_take_turns(watched: Catalog) -> None:
    """The project's own lock is enough: the file that the page brings is found by the advisory."""
    await see(watched, 60, "1.1")
    async with watched.writing() as conn:
        assert await observe.page(conn, page(61, listed("1.0"), listed("1.1")), rules=RULES, now=NOW)
        advising = asyncio.create_task(advise(watched, BAD))
        await until_one_waits(watched)
    await finished(advising)

    assert await states_of(watched) == {"1.0": "blocked advisory", "1.1": "live"}


async def test_ticks_and_advisories_do_not_lock_each_other_out(watched: Catalog) -> None:
    """A tick, a first page and an advisory of the same project, all at once, come to an end."""
    async with watched.writing() as conn:
        await apply_rows(conn, row(70, "remove release", "1.0"))
        others = [asyncio.create_task(see(watched, 60, "1.0", "1.1")), asyncio.create_task(advise(watched, BAD))]
        await until_one_waits(watched)
    for other in others:
        await finished(other)

    assert (await states_of(watched))["1.0"] == "blocked advisory"


async def test_an_advisory_of_very_many_versions_is_one_event(watched: Catalog) -> None:
    """Others tell each version for itself."""
    versions = [f"1.{n}" for n in range(MOST_VERSIONS_TOLD + 1)]
    await see(watched, 60, *versions)
    everything = replace(BAD, affected=((NAME, Affected(ranges=(ALL_VERSIONS,))),))
    narrowed = replace(BAD, modified=NOW + timedelta(hours=1), affected=((NAME, Affected(tuple(versions[2:]))),))

    await advise(watched, everything)
    await advise(watched, narrowed)

    told = await payloads_told(watched)
    assert [(one.kind, one.version, len(one.files or ())) for one in told] == [
        ("advisory.blocked", None, len(versions)),
        ("advisory.withdrawn", "1.0", 1),
        ("advisory.withdrawn", "1.1", 1),
    ]


async def test_the_removal_of_what_nobody_saw_names_advisories(watched: Catalog) -> None:
    """By project and version; a removal of the whole project by the project."""
    await advise(watched, BAD, replace(BAD, id="MAL-2026-2", affected=((NAME, Affected(("2.0",))),)))

    await poll(watched, row(51, "remove release", "1.0.0"), row(52, "remove release", "3.0"), row(53, "remove project"))

    assert [one.advisories for one in await payloads_told(watched)] == [
        ("MAL-2026-1",),
        (),
        ("MAL-2026-1", "MAL-2026-2"),
    ]
