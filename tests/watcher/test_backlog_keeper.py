"""Working off the backlog: soon, patiently, and by one keeper at a time."""

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path

from mirror.catalog import backlog
from mirror.catalog.backlog import LEASE
from mirror.catalog.database import Catalog
from tests.pypi_sim import PyPISim
from tests.watcher.departing import departed
from tests.watcher.houses import House, eventually, house_of
from tests.watcher.test_polling_journal import broken


async def waiting(house: House) -> list[tuple[int, bool]]:
    """Attempts, and whether somebody is at it, of all that is in the backlog."""
    async with house.catalog.reading() as conn:
        records = await conn.fetch("select attempts, claimed_by is not null as claimed from backlog order by file")
    return [(record["attempts"], record["claimed"]) for record in records]


async def kept(house: House, name: str = "demo") -> set[str]:
    """The names of the files whose bytes are in the store."""
    return {file.filename for file in (await house.memory(name)).files if file.stored_at is not None}


async def until_kept(house: House, *filenames: str, name: str = "demo") -> None:
    """Waits until the store has those files."""

    async def are_kept() -> bool:
        return await kept(house, name) >= set(filenames)

    await eventually(are_kept)


async def test_everything_that_is_due_is_kept(house: House) -> None:
    """More files than places, all of them with their metadata, and then the backlog is empty."""
    files = await departed(house, "1.0", "1.1", "1.2", "1.3", "1.4")

    done = await house.keeper.work_off()

    assert done == 5
    assert await waiting(house) == []
    assert await kept(house) == set(files)
    assert all(file.metadata_stored_at for file in (await house.memory("demo")).files if file.stored_at)


async def test_a_file_that_takes_long_delays_no_other(house: House, pypi: PyPISim) -> None:
    """Neither those that were due with it nor those that become due meanwhile: a rescue cannot wait."""
    files = await departed(house, "1.0", "1.1", "1.2")
    pypi.faults.hold(files[0])
    work = asyncio.create_task(house.keeper.work_off())

    await until_kept(house, *files[1:])
    late = await departed(house, "2.0", name="other")
    await until_kept(house, *late, name="other")
    still_at_it = not work.done()
    pypi.faults.release(files[0])
    await work

    assert still_at_it
    assert await kept(house) == set(files)


async def test_two_keepers_never_fetch_the_same_file(
    house: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """However many hosts keep, each file is fetched by one of them."""
    files = await departed(house, *(f"1.{number}" for number in range(8)))
    async with house_of(pypi, catalog, tmp_path) as other:
        await asyncio.gather(house.keeper.work_off(), other.keeper.work_off())

    assert await kept(house) == set(files)
    assert [pypi.fetches(filename) for filename in files] == [1] * 8
    assert (await house.kinds()).count("rescued demo 1.0") == 1


async def test_what_a_dead_keeper_had_claimed_comes_back(house: House, pypi: PyPISim) -> None:
    """A claim is a lease: nobody touches it while it holds, and nobody has to clean up after the dead."""
    (filename,) = await departed(house, "1.0")
    async with house.catalog.writing() as conn:
        assert len(await backlog.claim(conn, uuid.uuid4(), limit=5, now=pypi.now())) == 1
    while_it_holds = await house.keeper.work_off()
    pypi.advance(LEASE + timedelta(seconds=1))

    afterwards = await house.keeper.work_off()

    assert (while_it_holds, afterwards) == (0, 1)
    assert await kept(house) == {filename}


async def test_a_successor_does_not_wait_for_the_lease_of_the_dead(house: House, pypi: PyPISim) -> None:
    """Who goes by the same name as one that died knows that nobody is at what was claimed under it."""
    (filename,) = await departed(house, "1.0")
    async with house.catalog.writing() as conn:
        assert len(await backlog.claim(conn, house.claimer, limit=5, now=pypi.now())) == 1

    done = await house.keeper.work_off()

    assert (done, await kept(house)) == (1, {filename})


async def test_a_lease_that_is_renewed_holds_on(house: House, pypi: PyPISim) -> None:
    """A keeper that is alive keeps what it is at, however long a download takes."""
    await departed(house, "1.0")
    claimer = uuid.uuid4()
    async with house.catalog.writing() as conn:
        await backlog.claim(conn, claimer, limit=5, now=pypi.now())
    pypi.advance(LEASE * 0.9)
    async with house.catalog.writing() as conn:
        await backlog.renew(conn, claimer, now=pypi.now())
    pypi.advance(LEASE * 0.9)

    assert await house.keeper.work_off() == 0


async def test_a_round_that_broke_off_leaves_nothing_behind(house: House, pypi: PyPISim) -> None:
    """Cancelled in the middle of a download, the same keeper takes the file up again at once, not after the lease."""
    (filename,) = await departed(house, "1.0")
    pypi.faults.hold(filename)
    work = asyncio.create_task(house.keeper.work_off())
    await pypi.until(1, kind="file")
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    claimed = await waiting(house)
    pypi.faults.release(filename)

    done = await house.keeper.work_off()

    assert claimed == [(0, True)]
    assert (done, await kept(house)) == (1, {filename})


async def test_a_failure_is_tried_again_later_and_later(house: House, pypi: PyPISim) -> None:
    """While the files host is down nothing is hammered and nothing is lost; when it is back, the file is kept."""
    (filename,) = await departed(house, "1.0")
    pypi.faults.files_down = "503html"
    await house.keeper.work_off()
    asked = pypi.count(kind="file")
    await house.keeper.work_off()
    not_due = pypi.count(kind="file")
    for _ in range(12):
        pypi.advance(timedelta(hours=2))
        await house.keeper.work_off()
    states = await house.states("demo")
    pypi.faults.files_down = None
    pypi.advance(timedelta(hours=2))

    await house.keeper.work_off()

    assert (asked, not_due) == (1, 1)
    assert states[filename] == "held rescue"
    assert (await house.states("demo"))[filename] == "kept"
    assert await waiting(house) == []


async def test_only_after_several_tries_a_file_is_lost(house: House, pypi: PyPISim) -> None:
    """Upstream's storage says that it has no such file: it is asked six times before that is believed."""
    (filename,) = await departed(house, "1.0")
    pypi.faults.forget_file(filename)
    seen = []
    for _ in range(6):
        await house.keeper.work_off()
        seen.append((pypi.fetches(filename), (await house.states("demo"))[filename]))
        pypi.advance(timedelta(minutes=1))

    assert seen == [*((tries, "held rescue") for tries in range(1, 6)), (6, "lost")]


async def test_a_lost_file_is_asked_for_again_and_comes_back(house: House, pypi: PyPISim) -> None:
    """Storage that was wrong for hours costs nobody the file; after a month nothing more is hoped for."""
    (filename,) = await departed(house, "1.0")
    pypi.faults.forget_file(filename)
    for _ in range(8):
        await house.keeper.work_off()
        pypi.advance(timedelta(hours=1))
    lost = (await house.states("demo"))[filename]
    pypi.faults.mend_all()

    await house.keeper.work_off()

    assert lost == "lost"
    assert (await house.states("demo"))[filename] == "kept"
    assert await waiting(house) == []


async def test_wrong_bytes_do_not_make_a_file_lost(house: House, pypi: PyPISim) -> None:
    """A proxy's page in place of the file says nothing about whether the file can be had."""
    (filename,) = await departed(house, "1.0")
    pypi.faults.wrong_bytes(filename)

    for _ in range(10):
        await house.keeper.work_off()
        pypi.advance(timedelta(hours=1))

    assert (await house.states("demo"))[filename] == "held rescue"


async def test_a_file_is_kept_without_metadata_that_cannot_be_had(house: House, pypi: PyPISim) -> None:
    """The file matters; its entry then promises no metadata."""
    (filename,) = await departed(house, "1.0")
    pypi.faults.answer_with(f"{filename}.metadata", 404)

    await house.keeper.work_off()

    assert (await house.states("demo"))[filename] == "kept"
    assert await waiting(house) == []
    page = await house.page("demo")
    assert isinstance(page["files"], list)
    (entry,) = [file for file in page["files"] if file["filename"] == filename]
    assert entry["core-metadata"] is False
    path = str(entry["url"]).removeprefix("../..")
    assert (await house.get(path))[0] == 200


async def test_metadata_that_may_come_later_is_tried_again(house: House, pypi: PyPISim) -> None:
    """A failure that may pass is none to live with: the file is there already, its metadata follows."""
    (filename,) = await departed(house, "1.0")
    pypi.faults.answer_with(f"{filename}.metadata", 503)
    await house.keeper.work_off()
    before = (await waiting(house), await kept(house))
    pypi.faults.mend_all()
    pypi.advance(timedelta(minutes=1))

    await house.keeper.work_off()

    assert before == ([(1, False)], {filename})
    assert await waiting(house) == []
    assert pypi.fetches(filename) == 1


async def test_what_the_database_refuses_does_not_stop_the_others(house: House, pypi: PyPISim) -> None:
    """One file that cannot be recorded is tried again later; the others of the round are kept."""
    files = await departed(house, "1.0", "1.1", "1.2")
    async with broken(house, "files", act="update", condition=f"new.filename = '{files[0]}'"):
        await house.keeper.work_off()

        assert await kept(house) == set(files[1:])
        assert await waiting(house) == [(1, False)]

    pypi.advance(timedelta(minutes=1))
    await house.keeper.work_off()
    assert await kept(house) == set(files)


async def test_what_is_blocked_is_not_fetched(house: House, pypi: PyPISim) -> None:
    """A quarantine that comes between the removal and the rescue ends the rescue."""
    (filename,) = await departed(house, "1.0")
    async with house.catalog.writing() as conn:
        await conn.execute("update files set blocked_by = 1, state = 'blocked', cause = 'operator'")

    await house.keeper.work_off()

    assert pypi.fetches(filename) == 0
    assert await waiting(house) == []
