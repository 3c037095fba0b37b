"""Catching up with much of the journal: nothing stops it for good, and nobody is told it is done before it is."""

import random
from datetime import timedelta

import pytest

from mirror import observe
from mirror.errors import CatalogUnavailableError
from mirror.names import Serial
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago
from tests.watcher.news_sources import position_of
from watcher import poll as polling


async def test_a_row_about_no_project_does_not_stop_the_journal(house: House, pypi: PyPISim) -> None:
    """However long its text is, and however little it can be compressed."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    await house.page("demo")
    letters = random.Random(1)  # noqa: S311 - nothing secret
    pypi.raw_row("".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(2_000)), None, "remove project")
    pypi.delete_release("demo", "1.0")

    await house.poll()

    assert await house.kinds() == ["release.deleted demo 1.0"]


async def test_who_is_busy_with_many_rows_of_one_project_does_not_pass_for_silent(house: House, pypi: PyPISim) -> None:
    """Now and then something is said to the database, which ends the transactions of those who are paused."""
    for number in range(42):
        pypi.upload("demo", f"{number}", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    await house.page("demo")
    for number in range(41):
        pypi.delete_release("demo", f"{number}")
    rows = await house.client.since(Serial((await position_of(house)).serial))
    said: list[str] = []

    async with house.catalog.writing() as conn:
        with conn.query_logger(lambda record: said.append(record.query)):
            await observe.journal_rows(conn, rows, rules=house.rules, now=pypi.now())

    assert len(rows) == 41
    assert said.count("select 1") >= 2


async def test_the_journal_counts_as_read_when_all_of_it_is_applied(
    house: House, pypi: PyPISim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has applied the first of many rows is as far behind as before."""
    monkeypatch.setattr(polling, "ROWS_AT_A_TIME", 2)
    before = await position_of(house)
    for number in range(5):
        pypi.raw_row(f"demo{number}", "1.0", "remove release")
    pypi.advance(timedelta(hours=5))
    async with house.catalog.writing() as conn:
        await conn.execute("alter table events add constraint broken check (project <> 'demo3')")

    with pytest.raises(CatalogUnavailableError, match="broken"):
        await house.poll()

    behind = await position_of(house)
    assert behind.serial > before.serial
    assert behind.checked_at == before.checked_at
    async with house.catalog.writing() as conn:
        await conn.execute("alter table events drop constraint broken")
    await house.poll()
    assert (await position_of(house)).checked_at - before.checked_at >= timedelta(hours=5)
