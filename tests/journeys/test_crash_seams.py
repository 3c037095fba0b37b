"""Whatever the moment of a crash, what is known, held and told afterwards is what it would have been without one.

Clocks are outside of this. Everpin tells a yank after 60 s also where no page gave the reason, and a yank that was
taken back after 120 s: a life that takes longer than that from its last rows to its end has told what the others are
still about to tell, and differs without a defect. Usually that takes a few seconds.
"""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

import mirror
import watcher
from mirror import seams
from mirror.event_kinds import BOOKKEEPING
from tests.journeys.lives import ORDER_NOTED, ORDER_RECORDED, Life
from tests.journeys.processes import Everpin, running
from tests.journeys.remains import Remains, is_sealed, pushes, remains_of
from tests.pypi_sim import PyPISim
from tests.reachable import reachable_directory
from tests.subscribers import SECRET, Subscriber, subscriber

NOW = datetime.now(UTC).replace(microsecond=0)
"""When everything in each of the histories happens, so that they are the same to the second."""

DEATHS = (
    "backlog.claimed",
    "backlog.kept",
    "event.appended",
    "event.appended:2",
    "keep.put",
    "keep.put:6",
    "keep.recorded",
    "keep.recorded:6",
    "keep.spooled",
    "observe.stored",
    "observe.stored:11",
    ORDER_NOTED,
    ORDER_RECORDED,
    "poll.before_commit",
    "poll.before_commit:2",
    "poll.committed:2",
    "refresh.applied",
    "refresh.applied:5",
    "refresh.fetched",
    "refresh.fetched:5",
    "sealing.moved",
    "sealing.moved:2",
    "store.copied",
    "store.named",
    "webhook.sent:3",
)
"""Where to die. Later times are those at which journal, queue and backlog are worked off, and no client is served."""


NEVER = ""
"""The everpin that is spared, with which the others are compared."""

_AT_A_TIME = min(3, os.cpu_count() or 1)
"""So many live at the same time: with more than there are cores they would become slow."""


async def history(life: Life) -> None:
    """Uploads and downloads, then deletions and quarantines of all kinds, then what goes back on some of them."""
    pypi = life.pypi
    names = ("known", "lost", "hidden", "gone")
    first = {name: pypi.upload(name, "1.0", uploaded_at=NOW - timedelta(days=20)) for name in (*names, "unseen")}
    second = {name: pypi.upload(name, "1.1", uploaded_at=NOW - timedelta(days=10)) for name in names}
    await life.settled()
    for name in names:
        await life.gets_page(name)
    life.spoil(first["known"])
    for file in (first["known"], second["known"], first["hidden"], first["gone"]):
        await life.gets(file)
    await life.gets(second["known"], metadata=True)
    # What stands beside a file comes a moment later, or not any more if the file is deleted before.
    await life.settled()

    pypi.upload("known", "2.0", uploaded_at=NOW - timedelta(days=1))
    pypi.yank("known", "1.0", "too old")
    pypi.delete_file("known", second["known"].filename)
    pypi.delete_release("lost", "1.0")
    pypi.quarantine_release("hidden", "1.1")
    pypi.quarantine_project("hidden")
    pypi.delete_project("gone")
    pypi.delete_release("unseen", "1.0")
    await life.settled()

    pypi.clear_project_quarantine("hidden")
    pypi.delete_release("lost", "1.1")
    pypi.upload("gone", "3.0", uploaded_at=NOW)
    pypi.unyank("known", "1.0")
    await life.settled()

    await life.blocks("known==1.0")
    await life.until(lambda: is_sealed(life.everpin))


@dataclass(frozen=True)
class Ended:
    """A life that is over: the statuses of its deaths, what it left and what it logged."""

    deaths: tuple[int, ...]
    remains: Remains
    log: str
    told: tuple[str, ...]
    """The ids of what it told, in order."""
    pushed: tuple[str, ...]
    """The ids of what it pushed, in the order of its deliveries."""


async def lived(data_dir: Path, death: str) -> Ended:
    """Has an everpin go through the history, with an upstream of its own. What goes wrong comes with its log.

    It lives while other tests are waited for, which would show what it said in the place of those that ask about it.
    """
    async with PyPISim() as pypi, subscriber() as somebody:
        pypi.clock.freeze(NOW)
        webhook = {"name": "somebody", "url": somebody.url, "secret": SECRET, "allow_private": True}
        everpin = Everpin.of(
            "up",
            data_dir,
            index_url=pypi.index_url,
            watcher__poll_interval="100ms",
            webhooks=msgspec.json.encode([webhook]).decode(),
        )
        try:
            async with running(everpin, **{seams.VARIABLE: death}):
                return await _life_of(everpin, pypi, death, somebody)
        except Exception as e:
            e.add_note(f"--- everpin that dies at {death or 'no seam'}\n{everpin.log}")
            raise


async def _life_of(everpin: Everpin, pypi: PyPISim, death: str, somebody: Subscriber) -> Ended:
    life = Life(everpin, pypi, death)
    await life.until(lambda: pushes(everpin))
    await history(life)
    # Dead by now or not, it has to find nothing more to do.
    await pypi.until(pypi.count(kind="xmlrpc") + 2, kind="xmlrpc")
    await life.settled()
    told = tuple(event.id for event in await everpin.told() if event.kind not in BOOKKEEPING)

    async def all_are_pushed() -> bool:
        return set(told) <= set(somebody.ids)

    await life.until(all_are_pushed)
    return Ended(tuple(life.deaths), await remains_of(everpin, pypi), everpin.log, told, tuple(somebody.ids))


@pytest.fixture(scope="module")
def homes() -> Iterator[dict[str, Path]]:
    """A directory for each life, which every user can enter."""
    with reachable_directory() as directory:
        homes = {death: directory / (death.replace(":", "-") or "spared") for death in (NEVER, *DEATHS)}
        for home in homes.values():
            home.mkdir()
        yield homes


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lives(
    request: pytest.FixtureRequest, homes: dict[str, Path]
) -> AsyncIterator[Mapping[str, asyncio.Task[Ended]]]:
    """The lives of the everpins that the chosen tests ask about, by their deaths; begun at once, a few at a time."""
    chosen = [item.callspec.params.get("death") for item in request.session.items if hasattr(item, "callspec")]
    places = asyncio.Semaphore(_AT_A_TIME)

    async def live(death: str) -> Ended:
        async with places:
            try:
                return await lived(homes[death] / "data", death)
            finally:
                shutil.rmtree(homes[death] / "data", ignore_errors=True)

    tasks = {death: asyncio.create_task(live(death)) for death in (NEVER, *DEATHS) if death in (NEVER, *chosen)}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("death", DEATHS)
async def test_a_death_anywhere_changes_nothing_in_the_end(
    lives: Mapping[str, asyncio.Task[Ended]], death: str
) -> None:
    """Catalog, store, feed and pages of an everpin that died there once equal those of one that did not."""
    spared, killed = (await lives[NEVER]), (await lives[death])

    sys.stdout.write(killed.log)
    assert (spared.deaths, killed.deaths) == ((), (-signal.SIGKILL,))
    for table, rows in spared.remains.tables.items():
        assert killed.remains.tables[table] == rows, table
    assert killed.remains.objects == spared.remains.objects
    assert killed.remains.feed == spared.remains.feed
    assert killed.remains.pages == spared.remains.pages
    # One at most is pushed again, since nobody knew that it had arrived; a set keeps no order, the keys of a dict do.
    assert tuple(dict.fromkeys(killed.pushed)) == killed.told
    assert len(killed.pushed) <= len(killed.told) + 1
    assert spared.pushed == spared.told


@pytest.mark.asyncio(loop_scope="module")
async def test_the_history_has_something_of_everything(lives: Mapping[str, asyncio.Task[Ended]]) -> None:
    """Each kind of event that its rows ask for is told, and files end in each state but lost. Otherwise that two are
    equal would say little."""
    remains = (await lives[NEVER]).remains
    told = {str(event["kind"]) for events in remains.feed.values() for event in events}
    states = {str(file["state"]) for file in remains.tables["files"]}

    assert told == {
        "file.deleted",
        "release.deleted",
        "project.deleted",
        "project.reregistered",
        "release.yanked",
        "release.quarantined",
        "project.quarantined",
        "project.quarantine_cleared",
        "rescued",
        "operator.act",
    }
    assert states == {"live", "kept", "held", "blocked"}
    assert remains.tables["pending_yanks"]
    assert len(remains.tables["sealed"]) == 2
    assert remains.tables["backlog"] == []
    assert [path for path in remains.objects if path.endswith(".part")] == []


def test_no_seam_is_forgotten() -> None:
    """Every place at which the process can be made to die is among those where it dies here."""
    sources = [path for package in (mirror, watcher) for path in Path(package.__path__[0]).rglob("*.py")]
    named = {name for path in sources for name in re.findall(r'^\s+reached\("([^"]+)"\)$', path.read_text(), re.M)}

    assert named
    assert named == {death.partition(":")[0] for death in DEATHS}
