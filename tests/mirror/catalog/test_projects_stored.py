"""Projects are stored, counted and queued."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirror.catalog import projects
from mirror.catalog.database import Catalog, Connection
from mirror.model import ProjectFacts
from mirror.names import ProjectName, Serial

_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


class _ChangedMindError(Exception):
    pass


async def test_a_project_is_counted_once_and_only_when_it_was_stored(catalog: Catalog) -> None:
    """Not again by another transaction that sees it for the first time, and not by one that is rolled back."""

    async def change_ones_mind() -> None:
        async with catalog.writing() as conn:
            await projects.insert(conn, replace(_demo(), name=ProjectName("other")))
            raise _ChangedMindError

    async with catalog.writing() as conn:
        first = await projects.insert(conn, _demo())
        again = await projects.insert(conn, _demo())
    with pytest.raises(_ChangedMindError):
        await change_ones_mind()

    assert first is not None
    assert again is None
    async with catalog.reading() as conn:
        assert await projects.count(conn) == 1


async def test_versions_are_stored_as_they_are_whether_they_changed_or_not(catalog: Catalog) -> None:
    """Also where there are so many that they lie apart from the row."""
    many = tuple(f"{n}.{n * 7919 % 1009}" for n in range(5_000))
    async with catalog.writing() as conn:
        await projects.insert(conn, replace(_demo(), versions=many))
        stored = await _found(conn)

        await projects.update(conn, replace(stored, attempts=3), changed=False)
        unchanged = await _found(conn)
        await projects.update(conn, replace(stored, versions=(*many, "new")), changed=True)
        changed = await _found(conn)
        await projects.update(conn, replace(stored, versions=()), changed=True)
        emptied = await _found(conn)

    assert (unchanged.versions, unchanged.attempts, unchanged.revision) == (many, 3, stored.revision)
    assert (changed.versions, changed.revision) == ((*many, "new"), stored.revision + 1)
    assert emptied.versions == ()


async def test_pages_wanted_when_watching_begins_keep_what_was_wanted_before(catalog: Catalog) -> None:
    """A page that is asked for already keeps its time; every other is asked for now."""
    later = _NOW + timedelta(minutes=5)
    async with catalog.writing() as conn:
        await projects.insert(conn, _demo())
        await projects.insert(conn, replace(_demo(), name=ProjectName("waiting"), refresh_at=later, attempts=2))

        await projects.want_all(conn, now=_NOW)

        now = await projects.due_refreshes(conn, now=_NOW, limit=10)
        then = await projects.due_refreshes(conn, now=later, limit=10)

    assert [(refresh.project, refresh.attempts) for refresh in now] == [("demo", 0)]
    assert [(refresh.project, refresh.attempts) for refresh in then] == [("demo", 0), ("waiting", 2)]


async def test_a_page_that_a_row_wants_goes_before_those_that_are_only_looked_at(catalog: Catalog) -> None:
    """However long they wait: there may be as many as there are projects."""
    soon, serial = _NOW - timedelta(seconds=1), Serial(7)
    async with catalog.writing() as conn:
        await projects.insert(conn, replace(_demo(), name=ProjectName("old"), refresh_at=_NOW - timedelta(days=1)))
        await projects.insert(conn, replace(_demo(), name=ProjectName("older"), refresh_at=_NOW - timedelta(days=2)))
        await projects.insert(conn, replace(_demo(), name=ProjectName("row"), refresh_at=soon, wanted_serial=serial))

        found = await projects.due_refreshes(conn, now=_NOW, limit=2)

    assert [(refresh.project, refresh.wanted_serial) for refresh in found] == [("row", 7), ("older", None)]


def _demo() -> ProjectFacts:
    return ProjectFacts(None, ProjectName("demo"), "Demo", _NOW)


async def _found(conn: Connection) -> ProjectFacts:
    found = await projects.find(conn, ProjectName("demo"))
    assert found is not None
    return found
