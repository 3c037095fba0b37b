"""Which deletions of a project are one burst, found by the times of their rows."""

from dataclasses import replace
from datetime import timedelta

import asyncpg

from mirror import observe
from mirror.catalog.bursts import Burst
from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, Evidence
from mirror.names import ProjectName, Serial
from mirror.observe.adding import in_bursts
from tests.mirror.changes.histories import NAME, NOW, RULES, row
from tests.mirror.observe.observations import payloads_told, see

OTHER = ProjectName("other")


def _deletion(serial: int, *, minutes: float = 0, project: ProjectName = NAME) -> EventDraft:
    at = NOW + timedelta(minutes=minutes)
    kind = EventKind.RELEASE_DELETED
    return EventDraft(kind, project, "1.0", Serial(serial), at, NOW, Evidence.JOURNAL)


def _ids(drafts: list[EventDraft]) -> list[str | None]:
    return [draft.burst_id for draft in drafts]


def _before(*, minutes: float) -> dict[ProjectName, Burst]:
    return {NAME: Burst("1-release.deleted", NOW + timedelta(minutes=minutes))}


def test_what_stands_alone_has_no_burst() -> None:
    """It may be the first of one."""
    drafts, last = in_bursts([_deletion(1), _deletion(2, project=OTHER)], {})

    assert _ids(drafts) == [None, None]
    assert last == {NAME: Burst("1-release.deleted", NOW), OTHER: Burst("2-release.deleted", NOW)}


def test_deletions_that_follow_each_other_share_the_id_of_the_first() -> None:
    """Though the last is more than ten minutes after it."""
    drafts, last = in_bursts([_deletion(n, minutes=9 * n) for n in (1, 2, 3)], {})

    assert _ids(drafts) == ["1-release.deleted"] * 3
    assert last == {NAME: Burst("1-release.deleted", NOW + timedelta(minutes=27))}


def test_ten_minutes_are_not_too_long_and_more_are() -> None:
    """Then another burst begins."""
    times = (0, 10, 20.1, 21)
    drafts, last = in_bursts([_deletion(n, minutes=at) for n, at in enumerate(times, 1)], {})

    assert _ids(drafts) == ["1-release.deleted"] * 2 + ["3-release.deleted"] * 2
    assert last[NAME].first_event == "3-release.deleted"


def test_what_follows_an_event_that_was_told_before_goes_by_its_id() -> None:
    """Which has none itself: events are never changed."""
    drafts, last = in_bursts([_deletion(5), _deletion(6, minutes=1)], _before(minutes=-5))

    assert _ids(drafts) == ["1-release.deleted"] * 2
    assert last[NAME] == Burst("1-release.deleted", NOW + timedelta(minutes=1))


def test_times_that_run_backwards_make_no_other_burst() -> None:
    """Those of the journal do, by a little."""
    drafts, _ = in_bursts([_deletion(5)], _before(minutes=5))

    assert _ids(drafts) == ["1-release.deleted"]


def test_other_events_neither_belong_to_a_burst_nor_end_it() -> None:
    """A yank between two deletions."""
    yank = replace(_deletion(2), kind=EventKind.RELEASE_YANKED)

    drafts, _ = in_bursts([_deletion(1), yank, _deletion(3)], {})

    assert _ids(drafts) == ["1-release.deleted", None, "1-release.deleted"]


def test_projects_do_not_share_bursts() -> None:
    """However close."""
    drafts, _ = in_bursts([_deletion(1), _deletion(2, project=OTHER), _deletion(3), _deletion(4, project=OTHER)], {})

    assert _ids(drafts) == ["1-release.deleted", "2-release.deleted"] * 2


def test_what_is_told_twice_stays_as_it_is() -> None:
    """An event does not follow itself."""
    drafts, last = in_bursts([_deletion(1)], {NAME: Burst("1-release.deleted", NOW)})

    assert _ids(drafts) == [None]
    assert last[NAME] == Burst("1-release.deleted", NOW)


def test_an_event_without_a_time_of_upstreams_has_no_burst() -> None:
    """Nobody knows when it was."""
    drafts, last = in_bursts([replace(_deletion(1), upstream_time=None)], {})

    assert (_ids(drafts), last) == ([None], {})


async def test_many_deletions_take_as_many_statements_as_one(catalog: Catalog) -> None:
    """However many a transaction tells of, and of however many projects."""
    asked: list[str] = []

    def logger(query: asyncpg.connection.LoggedQuery) -> None:
        asked.append(query.query)

    rules = replace(RULES, tells_downloads=True)
    await see(catalog, 50, *(f"1.{n}" for n in range(51)))
    removals = [row(51 + n, "remove release", f"1.{n}") for n in range(50)]
    others = [replace(one, serial=Serial(one.serial + 50), project=OTHER) for one in removals]

    async with catalog.writing() as conn:
        conn.add_query_logger(logger)
        await observe.journal_rows(conn, [*removals, *others], rules=rules, now=NOW)
        conn.remove_query_logger(logger)

    payloads = await payloads_told(catalog)
    assert [payload.burst_id for payload in payloads] == ["51-release.deleted"] * 50 + ["101-release.deleted"] * 50
    assert [payload.local_downloads_30d for payload in payloads] == [0] * 50 + [None] * 50
    assert sum("bursts" in query for query in asked) == 2
    assert sum("downloads" in query for query in asked) == 1
