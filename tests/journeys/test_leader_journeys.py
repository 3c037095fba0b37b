"""Two watchers on one database: one polls, both keep, and whichever dies or sleeps, the journal is read on."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg

from tests.journeys.database_servers import database_server
from tests.journeys.processes import Everpin, running, until
from tests.pypi_sim import PyPISim


@asynccontextmanager
async def two_watchers(pypi: PyPISim, database_url: str, directory: Path) -> AsyncIterator[tuple[Everpin, Everpin]]:
    """The one that leads, and the other."""
    shared = {"database__url": database_url, "store__url": f"file:{directory}/store"}
    first = Everpin.of("watch", directory / "first", index_url=pypi.index_url, **shared)
    second = Everpin.of("watch", directory / "second", index_url=pypi.index_url, **shared)
    async with running(first):
        await _until_logged(first, "watch.leading")
        async with running(second):
            await _until_logged(second, "watch.following")
            yield first, second


async def _until_logged(everpin: Everpin, event: str, times: int = 1) -> None:
    async def is_logged() -> bool:
        return everpin.log.count(event) >= times

    await until(is_logged)


async def _value(database_url: str, query: str, *arguments: object) -> object:
    conn = await asyncpg.connect(database_url)
    try:
        return await conn.fetchval(query, *arguments)
    finally:
        await conn.close()


async def _until_told(database_url: str, project: str) -> None:
    async def is_told() -> bool:
        return bool(await _value(database_url, "select count(*) from events where project = $1", project))

    await until(is_told)


async def _told(database_url: str) -> object:
    return await _value(database_url, "select array_agg(kind || ' ' || project order by number) from events")


def _gone(pypi: PyPISim, name: str) -> None:
    pypi.upload(name, "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    pypi.delete_project(name)


async def test_when_the_leader_dies_the_other_polls(pypi: PyPISim, database_url: str, reachable_tmp_path: Path) -> None:
    """Without a word of goodbye: the database notices."""
    async with two_watchers(pypi, database_url, reachable_tmp_path) as (leader, follower):
        await leader.kill()
        _gone(pypi, "leftpad")
        await _until_told(database_url, "leftpad")

        assert follower.log.count("watch.leading") == 1
        assert await _told(database_url) == ["project.deleted leftpad"]


async def test_when_the_leader_stops_the_other_polls_and_the_first_follows_when_it_is_back(
    pypi: PyPISim, database_url: str, reachable_tmp_path: Path
) -> None:
    """Only one of them asks the journal, whoever it is."""
    async with two_watchers(pypi, database_url, reachable_tmp_path) as (leader, follower):
        assert await leader.stop() == 0
        await _until_logged(follower, "watch.leading")
        await leader.start()
        await _until_logged(leader, "watch.following")
        _gone(pypi, "leftpad")
        await _until_told(database_url, "leftpad")
        await _until_logged(follower, "poll.applied")

        assert leader.log.count("poll.applied") == 0
        assert follower.log.count("poll.applied") == 1


async def test_a_leader_that_slept_writes_nothing_when_it_wakes_up(
    pypi: PyPISim, database_url: str, reachable_tmp_path: Path
) -> None:
    """Another leads by then and has read on: the sleeper finds that out, and follows."""
    async with two_watchers(pypi, database_url, reachable_tmp_path) as (sleeper, other):
        os.kill(sleeper.pid, signal.SIGSTOP)
        try:
            await _until_logged(other, "watch.leading")
            _gone(pypi, "leftpad")
            await _until_told(database_url, "leftpad")
            term = await _value(database_url, "select term from leadership")
            # What is written from here on would be the sleeper's doing.
            os.kill(other.pid, signal.SIGSTOP)
            before = await _value(database_url, "select (serial, checked_at)::text from journal")
            _gone(pypi, "rightpad")
            os.kill(sleeper.pid, signal.SIGCONT)
            await _until_logged(sleeper, "watch.leadership_lost")
            after = await _value(database_url, "select (serial, checked_at)::text from journal")
        finally:
            os.kill(sleeper.pid, signal.SIGCONT)
            os.kill(other.pid, signal.SIGCONT)
        await _until_told(database_url, "rightpad")

        assert isinstance(term, int)
        assert after == before
        assert await _told(database_url) == ["project.deleted leftpad", "project.deleted rightpad"]


async def test_after_the_database_was_away_one_of_them_leads_again(pypi: PyPISim, reachable_tmp_path: Path) -> None:
    """And reads on from where it was."""
    async with database_server(reachable_tmp_path / "database") as server:
        migrate = Everpin.of("migrate", reachable_tmp_path / "migrate", index_url=pypi.index_url)
        await migrate.launch(EVERPIN_DATABASE__URL=server.url)
        assert await migrate.ended() == 0
        async with two_watchers(pypi, server.url, reachable_tmp_path) as (first, second):
            await server.stop_immediately()
            _gone(pypi, "leftpad")
            await server.start()
            await _until_told(server.url, "leftpad")

            async def leads_again() -> bool:
                return first.log.count("watch.leading") + second.log.count("watch.leading") >= 2

            # Who led finds out that its lock is gone when it next says something over it; till then it may go on.
            await until(leads_again)
            assert await _told(server.url) == ["project.deleted leftpad"]
