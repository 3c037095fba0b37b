"""Events are read by number, by project and by kind, and counted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from mirror.catalog import events
from mirror.catalog.database import Catalog, Connection
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, Evidence
from mirror.names import ProjectName, Serial

_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
_TOLD = [
    ("red", EventKind.RELEASE_DELETED),
    ("green", EventKind.RELEASE_YANKED),
    ("red", EventKind.RESCUED),
    ("blue", EventKind.RELEASE_DELETED),
    ("red", EventKind.RELEASE_YANKED),
    ("green", EventKind.PROJECT_DELETED),
    ("red", EventKind.RELEASE_DELETED),
]


@pytest_asyncio.fixture
async def told(catalog: Catalog) -> AsyncIterator[Connection]:
    """A connection to a catalog in which these were told, numbered from 1 on."""
    async with catalog.writing() as conn:
        await events.append(conn, [_draft(serial, name, kind) for serial, (name, kind) in enumerate(_TOLD, start=100)])
        yield conn


@pytest.mark.parametrize(
    ("after", "limit", "projects", "kinds", "expected"),
    [
        (0, 100, [], [], [1, 2, 3, 4, 5, 6, 7]),
        (3, 2, [], [], [4, 5]),
        (7, 100, [], [], []),
        (0, 100, ["red"], [], [1, 3, 5, 7]),
        (1, 2, ["red", "green"], [], [2, 3]),
        (0, 100, ["red", "blue", "red"], [EventKind.RELEASE_DELETED], [1, 4, 7]),
        (1, 100, ["nobody"], [], []),
        (0, 3, [], [EventKind.RELEASE_YANKED, EventKind.RELEASE_DELETED], [1, 2, 4]),
        (1, 100, [], [EventKind.RELEASE_DELETED, EventKind.RELEASE_DELETED], [4, 7]),
        (0, 100, [], [EventKind.RESCUED], [3]),
        (0, 100, [], [EventKind.RESTORED], []),
    ],
)
async def test_the_oldest_after_a_number_come_in_order_and_once(
    told: Connection,
    after: int,
    limit: int,
    projects: list[ProjectName],
    kinds: list[EventKind],
    expected: list[int],
) -> None:
    """However often a project or a kind is named."""
    found = await events.after(told, after, limit=limit, epoch=1, projects=projects, kinds=kinds)

    assert [event.cursor.number for event in found] == expected
    assert all((event.project, event.kind) == _TOLD[event.cursor.number - 1] for event in found)
    assert all(event.payload is not None and str(event.project).encode() in event.payload for event in found)


@pytest.mark.parametrize(
    ("limit", "project", "expected"),
    [(100, "red", [7, 5, 3, 1]), (2, "red", [7, 5]), (100, "blue", [4]), (100, "nobody", [])],
)
async def test_the_newest_of_a_project_come_first_whatever_their_kind(
    told: Connection, limit: int, project: ProjectName, expected: list[int]
) -> None:
    """Bookkeeping, too."""
    found = await events.newest(told, project, limit=limit, epoch=1)

    assert [event.cursor.number for event in found] == expected


async def test_a_redacted_event_is_read_without_its_payload(told: Connection) -> None:
    """It keeps its place."""
    await told.execute("delete from event_payloads where number = 2")

    found = await events.after(told, 1, limit=1, epoch=1)

    assert [(event.cursor.number, event.payload) for event in found] == [(2, None)]


async def test_events_are_counted_by_kind_as_they_are_told(told: Connection) -> None:
    """An event that was told before is not counted again."""
    again = await events.append(
        told,
        [_draft(100, "red", EventKind.RELEASE_DELETED), _draft(200, "red", EventKind.RELEASE_YANKED)],
    )
    nothing = await events.append(told, [_draft(200, "red", EventKind.RELEASE_YANKED)])

    assert [draft.serial for draft in again] == [200]
    assert nothing == []
    assert await events.counts(told) == {
        EventKind.RELEASE_DELETED: 3,
        EventKind.RELEASE_YANKED: 3,
        EventKind.PROJECT_DELETED: 1,
        EventKind.RESCUED: 1,
    }


def _draft(serial: int, name: str, kind: EventKind) -> EventDraft:
    return EventDraft(kind, ProjectName(name), "1.0", Serial(serial), _NOW, _NOW, Evidence.JOURNAL)
