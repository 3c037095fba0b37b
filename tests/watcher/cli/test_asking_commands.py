"""The verbs that only read, run as an operator runs them, against a catalog with a story in it."""

import json
import tomllib

import pytest

from mirror.catalog import room, watchlist
from mirror.catalog.backlog import Priority
from mirror.names import ProjectName
from tests.pypi_sim import PyPISim
from tests.watcher.cli.shells import Shell
from tests.watcher.houses import House, long_ago


class Operator:
    """Runs `everpin` on the test's database."""

    def __init__(self, shell: Shell, database_url: str) -> None:
        self._shell = shell
        self._database_url = database_url

    async def says(self, *arguments: str, status: int = 0) -> str:
        """What the command prints; on another exit status than expected the test fails with what it said."""
        ended = await self._shell.run(*arguments, EVERPIN_DATABASE__URL=self._database_url)
        assert ended.status == status, ended.err
        return ended.out if status == 0 else ended.err


@pytest.fixture
def operator(shell: Shell, database_url: str) -> Operator:
    """Somebody at a terminal."""
    return Operator(shell, database_url)


async def _deleted_release(house: House, pypi: PyPISim) -> int:
    for version in ("1.0", "1.1"):
        pypi.upload("demo", version, uploaded_at=long_ago(pypi, days=200))
    await house.page("demo")
    (row,) = pypi.delete_release("demo", "1.1")
    await house.watch()
    return row.serial


async def test_events_tells_a_line_for_each_event(house: House, pypi: PyPISim, operator: Operator) -> None:
    """The text form begins with the cursor and says what happened; `--since` goes on from a cursor."""
    await _deleted_release(house, pypi)

    said = (await operator.says("events")).splitlines()
    rest = (await operator.says("events", "--since", "1-1")).splitlines()

    assert [line.split()[0] for line in said] == ["1-1", "1-2"]
    assert "demo 1.1 was deleted" in said[0]
    assert rest == said[1:]


async def test_events_as_json_are_cloudevents(house: House, pypi: PyPISim, operator: Operator) -> None:
    """One CloudEvent a line, filtered by project and kind."""
    await _deleted_release(house, pypi)

    said = await operator.says("events", "--format", "json", "--project", "Demo", "--kind", "release.deleted")

    (event,) = [json.loads(line) for line in said.splitlines()]
    assert (event["type"], event["subject"]) == ("dev.everpin.release.deleted", "pkg:pypi/demo@1.1")


@pytest.mark.parametrize("cursor", ["nonsense", "9-1", "1-99"])
async def test_events_refuses_a_cursor_that_was_never_handed_out(house: House, operator: Operator, cursor: str) -> None:
    """One line, exit status 2."""
    said = await operator.says("events", "--since", cursor, status=2)

    assert said.startswith(f"everpin: '{cursor}' is not a cursor of this instance")


async def test_explain_tells_the_story_of_a_version(house: House, pypi: PyPISim, operator: Operator) -> None:
    """State, reason, the row that explains it, and what was told."""
    serial = await _deleted_release(house, pypi)

    said = await operator.says("explain", "demo==1.1.0")

    assert "demo-1.1-py3-none-any.whl  [kept]" in said
    assert "served, but only to exact pins" in said
    assert f"removed with its release {pypi.now():%Y-%m-%d}" in said
    assert f"  {serial}  " in said
    assert "demo 1.1 was deleted" in said
    assert "demo-1.0" not in said


async def test_explain_knows_the_rows_of_projects_nobody_asked_for(
    house: House, pypi: PyPISim, operator: Operator
) -> None:
    """An unknown project still has its rows."""
    pypi.upload("unheard", "1.0")
    pypi.delete_project("unheard")
    await house.poll()

    said = await operator.says("explain", "unheard")

    assert "never asked for here" in said
    assert "remove project" in said


async def test_status_shows_how_far_the_journal_is_read(house: House, pypi: PyPISim, operator: Operator) -> None:
    """Index, hosts, serial, and what is known."""
    await _deleted_release(house, pypi)

    said = await operator.says("status")

    assert pypi.index_url in said
    assert f"serial {pypi.last_serial}, read" in said
    assert pypi.files_url.removeprefix("http://") in said
    assert "newest event:     1-2" in said


async def test_status_shows_where_and_how_much_is_kept(
    house: House, pypi: PyPISim, shell: Shell, database_url: str
) -> None:
    """The store, its share of the quota, what is kept of whom, and that only what departs is kept while it is full."""
    await _deleted_release(house, pypi)
    async with house.catalog.writing() as conn:
        await watchlist.add(conn, [ProjectName("demo")], now=pypi.now())
        await room.count(conn, now=pypi.now())
        await room.note_stored(conn, 5 * 2**20)
        await room.decide(conn, limit=4 * 2**30, kept_up_to=Priority.RESCUE)

    ended = await shell.run(
        "status",
        EVERPIN_DATABASE__URL=database_url,
        EVERPIN_STORE__URL="s3://bucket/deep",
        EVERPIN_KEEP__WATCH="acme-*",
    )

    said = dict(line.split(":", 1) for line in ended.out.splitlines())
    assert said["store"].strip() == "s3://bucket/deep"
    assert said["stored"].strip() == "5.0 MiB of 4.0 GiB (keep.quota); no room: only what leaves upstream is kept"
    assert said["keeping"].strip() == "requested (keep.scope); watched are 1 on the watchlist and acme-*"
    assert said["files"].strip().startswith("1 kept, 1 live, counted ")


async def test_config_shows_valid_toml_with_secrets_masked(operator: Operator) -> None:
    """What is shown can be read again, and the database's address is not in it."""
    said = await operator.says("config")

    shown = tomllib.loads(said)
    assert shown["safety"]["min_age"] == "3d"
    assert set(shown["database"]["url"]) == {"*"}
