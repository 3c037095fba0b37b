"""What no row of the journal tells is noticed by an everpin that nobody asks for anything."""

from pathlib import Path

from tests.journeys.processes import Everpin, running, until
from tests.pypi_sim import PyPISim
from tests.watcher.houses import long_ago


async def test_all_projects_become_known_and_what_happens_in_silence_is_told(
    pypi: PyPISim, reachable_tmp_path: Path
) -> None:
    """The list names all, their pages are asked for a few each second, and rounds find what has no row."""
    names = [f"demo{number}" for number in range(12)]
    for name in names:
        pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    command = Everpin.of(
        "up",
        reachable_tmp_path / "data",
        index_url=pypi.index_url,
        watcher__inventory="all",
        watcher__sweep_interval="1s",
        watcher__refresh_interval="1s",
    )

    async def all_are_known() -> bool:
        return await command.figure("everpin_projects") == len(names)

    async with running(command):
        await until(all_are_known)
        pypi.archive("demo7")
        told = await command.until_told("project.status_changed", "demo7")

        assert told.serial is None
        assert await command.figure("everpin_wanted_projects") == 0
        assert await command.figure("everpin_upstream_requests_total", kind="list", outcome="new") >= 1
        assert await command.figure("everpin_upstream_requests_total", kind="page", outcome="same") >= 1
