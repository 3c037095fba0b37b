"""A time without a journal is told like anything else, though it is about no project."""

import json
from datetime import timedelta

import feedparser
import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.formats.json import JSONFormat

from mirror.events import Period
from tests.mirror.web.clients import ask
from tests.pypi_sim import PyPISim
from tests.watcher.cli.shells import Shell
from tests.watcher.houses import House, long_ago
from watcher import gaps


@pytest.fixture
def shell(house: House, pypi: PyPISim) -> Shell:
    """Somebody at a terminal."""
    return Shell(house.settings.data_dir / "shell", pypi.index_url)


async def begin(house: House, *, is_set_back: bool = False) -> bool:
    """Notices that the journal cannot be read; whether that was news."""
    async with house.catalog.writing() as conn:
        return await gaps.begin(conn, now=house.pypi.now(), is_set_back=is_set_back) is not None


async def end(house: House) -> Period | None:
    """Notices that it can be read again."""
    async with house.catalog.writing() as conn:
        return await gaps.end(conn, now=house.pypi.now())


async def with_a_gap(house: House, pypi: PyPISim) -> None:
    """A deletion, and then a gap that is over."""
    pypi.delete_project(pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200)).project)
    await house.poll()
    await begin(house)
    pypi.advance(timedelta(hours=2))
    await end(house)


async def test_a_gap_is_noticed_once_and_over_once(house: House, pypi: PyPISim) -> None:
    """However often somebody says so."""
    noticed = [await begin(house) for _ in range(3)]
    over = [await end(house) for _ in range(3)]

    assert noticed == [True, False, False]
    assert [period is not None for period in over] == [True, False, False]
    assert await house.kinds() == ["gap", "gap"]


async def test_a_second_gap_is_another_one(house: House, pypi: PyPISim) -> None:
    """Ids are made of when the journal was read last, so it must have been read between the two."""
    for _ in range(2):
        pypi.advance(timedelta(hours=1))
        await house.poll()
        await begin(house)
        await end(house)

    events = await house.events()
    assert len({event.id for event in events}) == 4
    assert [payload.supersedes for payload in await house.payloads()] == [None, events[0].id, None, events[2].id]


async def test_a_journal_that_was_never_read_has_no_gaps(house: House) -> None:
    """There is nothing that it could be missing from."""
    async with house.catalog.writing() as conn:
        await conn.execute("delete from journal")

    assert not await begin(house)
    assert await end(house) is None
    assert await house.events() == []


async def test_the_api_tells_gaps(house: House, pypi: PyPISim) -> None:
    """As CloudEvents without a subject; by kind, and never among those of a project."""
    await with_a_gap(house, pypi)

    everything = json.loads((await ask(house, "/api/v1/events")).text)["events"]
    by_kind = json.loads((await ask(house, "/api/v1/events?kind=gap")).text)["events"]
    by_project = json.loads((await ask(house, "/api/v1/events?project=demo")).text)["events"]

    assert [event["data"]["kind"] for event in everything] == ["project.deleted", "gap", "gap"]
    assert by_kind == everything[1:]
    assert by_project == everything[:1]
    for told in by_kind:
        event: BaseCloudEvent = JSONFormat().read(None, json.dumps(told))
        assert event.get_subject() is None
        assert (told["data"]["project"], told["data"]["files"], told["data"]["evidence"]) == (None, None, None)
    assert by_kind[1]["data"]["period"]["recovered"] is True
    assert by_kind[1]["data"]["supersedes"] == by_kind[0]["id"]


async def test_the_feeds_tell_gaps(house: House, pypi: PyPISim) -> None:
    """In words, unless only the events of a project are asked for."""
    await with_a_gap(house, pypi)

    atom = feedparser.parse((await ask(house, "/feed/deletions.atom")).body)
    items = json.loads((await ask(house, "/feed/deletions.json")).text)["items"]
    of_project = json.loads((await ask(house, "/feed/deletions.json?project=demo")).text)["items"]

    titles = ["The journal could not be read", "The journal cannot be read", "demo was deleted"]
    assert not atom.bozo
    assert [entry.title for entry in atom.entries] == titles
    assert [item["title"] for item in items] == titles
    assert [item["title"] for item in of_project] == titles[2:]


async def test_the_commands_tell_gaps(house: House, pypi: PyPISim, shell: Shell, database_url: str) -> None:
    """`everpin events` in both forms, and `everpin status` while it lasts."""
    await with_a_gap(house, pypi)
    settings = {"EVERPIN_DATABASE__URL": database_url}
    before = (await shell.run("status", **settings)).out
    await begin(house, is_set_back=True)

    lines = (await shell.run("events", "--kind", "gap", **settings)).out.splitlines()
    told = (await shell.run("events", "--kind", "gap", "--format", "json", **settings)).out.splitlines()
    during = (await shell.run("status", **settings)).out

    # Of the same last reading as the first one, so that it is not told again.
    assert [line.split("gap", 1)[1].strip() for line in lines] == [
        "The journal cannot be read",
        "The journal could not be read",
    ]
    assert [json.loads(line)["type"] for line in told] == ["dev.everpin.gap"] * 2
    assert "news from:" in before
    assert "the journal cannot be read since" not in before
    assert "the journal; the journal cannot be read since" in during
    assert "it was set back" in during
