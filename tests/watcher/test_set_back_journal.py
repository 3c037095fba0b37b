"""An index that was set back, as by restoring a backup: its journal is another one, and that is told, not followed."""

from datetime import timedelta

import pytest

from mirror.catalog.news import Source
from mirror.errors import UpstreamUnavailableError
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago
from tests.watcher.news_sources import news_of, poller_of, position_of, until_source_is
from watcher.journal.continued import JournalSetBackError


async def test_a_journal_that_ends_below_the_cursor_vouches_for_nothing(house: House, pypi: PyPISim) -> None:
    """Asked for news it answers that there are none; that is not believed."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    before = await position_of(house)
    pypi.journal.set_back(pypi.last_serial - 1)

    with pytest.raises(JournalSetBackError, match="it was set back"):
        await house.poll()

    assert await position_of(house) == before


async def test_that_is_also_seen_where_no_row_is_remembered(house: House, pypi: PyPISim) -> None:
    """As right after the first look, which only asks where the journal ends."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    async with house.catalog.writing() as conn:
        await conn.execute("delete from journal")
    await house.poll()
    pypi.journal.set_back(pypi.last_serial - 1)

    with pytest.raises(UpstreamUnavailableError, match="it was set back"):
        await house.poll()


async def test_a_replica_that_lags_behind_for_a_moment_does_no_harm(auto: House, pypi: PyPISim) -> None:
    """What looks like a journal that was set back, once or twice, is a failure like any other."""
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))
    await auto.poll()
    rows, serials = list(pypi.journal.rows), list(pypi.journal._serials)
    pypi.journal.set_back(pypi.last_serial - 1)
    poller = poller_of(auto)
    await poller.tick()
    pypi.journal.rows, pypi.journal._serials = rows, serials

    await until_source_is(auto, poller_of(auto), Source.CHANGELOG)

    assert await auto.kinds() == []
    assert (await position_of(auto)).serial == serials[-1]


async def test_until_it_has_passed_the_cursor_it_counts_as_unreadable(auto: House, pypi: PyPISim) -> None:
    """And then it is read on from there, with a word to everybody that something may have been missed."""
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))
    await auto.watch()
    poller = poller_of(auto)
    cursor = (await position_of(auto)).serial
    pypi.journal.set_back(cursor - 1)
    await until_source_is(auto, poller, Source.RSS)
    during = await news_of(auto)
    pypi.upload("other", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.delete_release("demo", "1.0")
    assert pypi.last_serial > cursor

    await until_source_is(auto, poller, Source.CHANGELOG)

    begun, *_, over = await auto.payloads()
    assert during.is_set_back
    assert begun.period is not None
    assert over.period is not None
    assert (begun.kind, over.kind, over.period.recovered) == ("gap", "gap", False)
    assert await auto.kinds() == ["gap", "release.deleted demo 1.0", "gap"]
    assert not (await news_of(auto)).is_set_back


async def test_one_that_passed_the_cursor_unseen_is_found_out(auto: House, pypi: PyPISim) -> None:
    """The row at the cursor is another one. Watching begins anew there, and every page is asked for again."""
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))
    await auto.watch()
    await auto.refresh()
    cursor = (await position_of(auto)).serial
    pypi.journal.set_back(cursor - 1)
    pypi.advance(timedelta(minutes=1))
    pypi.upload("other", "1.0", uploaded_at=long_ago(pypi, days=200))

    await until_source_is(auto, poller_of(auto), Source.CHANGELOG)
    for _ in range(3):
        await poller_of(auto).tick()

    begun, over = await auto.payloads()
    assert over.period is not None
    assert (begun.kind, over.kind, over.period.recovered) == ("gap", "gap", False)
    assert (await position_of(auto)).begun_serial == pypi.last_serial
    assert (await auto.memory("demo")).project.refresh_at is not None
