"""What operators order shows at once wherever it matters, and goes on for what comes later."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from mirror.catalog import acts
from mirror.catalog.database import Catalog
from mirror.errors import NotThereError
from mirror.orders import CarriedOut
from mirror.setting_sections import Safety
from mirror.targets import Verb, order_of
from tests.pypi_sim import PyPISim
from tests.watcher.departing import departed
from tests.watcher.hearing import has_heard
from tests.watcher.houses import House, eventually, house_of, long_ago


async def act(house: House, verb: str, target: str, *, as_was: bool = False) -> CarriedOut:
    """An operator orders this, and the house hears of it."""
    order = order_of(Verb(verb), target, actor="olga", reason="so be it", as_was=as_was)
    done = await house.orders.carry_out(order)
    await has_heard(house)
    return done


async def known(house: House, *versions: str, name: str = "demo") -> list[str]:
    """Old wheels whose bytes are here; their addresses."""
    for version in versions:
        house.pypi.upload(name, version, uploaded_at=long_ago(house.pypi, days=400))
    await house.poll()
    addresses = [await house.url(name, filename) for filename in await house.listed(name)]
    for address in addresses:
        assert (await house.get(address))[0] == 200
        await house.get(f"{address}.metadata")
    return addresses


async def statuses(house: House, *addresses: str) -> list[int]:
    """What the addresses answer, each followed by that of its metadata."""
    return [(await house.get(f"{address}{end}"))[0] for address in addresses for end in ("", ".metadata")]


async def test_a_block_shows_at_once_on_warm_pages_and_files(house: House, pypi: PyPISim) -> None:
    """The page that is kept ready loses the file, and its address and that of its metadata refuse."""
    one, two = await known(house, "1.0", "2.0")
    await house.vouched()
    await house.page("demo")

    await act(house, "block", "demo==1.0.0")

    async def is_gone() -> bool:
        return list(await house.listed("demo")) == ["demo-2.0-py3-none-any.whl"]

    await eventually(is_gone)
    assert await statuses(house, one, two) == [403, 403, 200, 200]
    (told,) = await house.payloads()
    assert (told.kind, told.project, told.version, told.evidence) == ("operator.act", "demo", "1.0.0", None)
    assert told.act is not None
    assert (told.act.verb, told.act.target, told.act.reason) == ("block", "demo==1.0.0", "so be it")
    assert [(file.filename, file.state) for file in told.files or ()] == [("demo-1.0-py3-none-any.whl", "blocked")]


@pytest.mark.parametrize("target", ["new", "new==1.0", "sha256"])
async def test_a_block_covers_what_is_seen_later(house: House, pypi: PyPISim, target: str) -> None:
    """Of a project that nobody knew yet, too: its first page does not show the file."""
    file = pypi.upload("new", "1.0.0", uploaded_at=long_ago(pypi, days=9))
    await act(house, "block", f"sha256:{file.sha256}" if target == "sha256" else target)

    first_page = await house.listed("new")

    assert first_page == {}
    assert await house.states("new") == {file.filename: "blocked operator"}
    assert (await house.kinds()) == ["operator.act"]


async def test_a_block_covers_new_files_of_a_known_project(house: House, pypi: PyPISim) -> None:
    """Until it is taken back."""
    await known(house, "1.0")
    await act(house, "block", "demo")
    new = pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=3)).filename

    await house.watch()
    states = await house.states("demo")
    await act(house, "unblock", "demo")

    assert states[new] == "blocked operator"
    assert set((await house.states("demo")).values()) == {"live"}
    assert len(await house.listed("demo")) == 2


async def test_what_departs_while_blocked_is_fetched_when_the_block_ends(house: House, pypi: PyPISim) -> None:
    """A block says that it may be malware; without it the bytes are wanted like any others."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.page("demo")
    await act(house, "block", "demo")
    pypi.delete_release("demo", "1.0")
    await house.watch()

    await act(house, "unblock", "demo")
    await house.watch()

    assert set((await house.states("demo")).values()) == {"kept"}


async def test_a_young_departed_file_is_served_when_it_is_released(house: House, pypi: PyPISim) -> None:
    """It is listed as yanked like any kept file."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, hours=2))
    await house.page("demo")
    pypi.delete_release("demo", "1.0")
    await house.watch()
    assert set((await house.states("demo")).values()) == {"held young"}

    done = await act(house, "release", "demo==1.0")

    assert [(str(file.before.state), str(file.after.state)) for file in done.files] == [("held", "kept")]
    assert "deleted upstream" in str((await house.listed("demo"))["demo-1.0-py3-none-any.whl"])


async def test_a_stranger_is_served_when_it_is_released(house: House, pypi: PyPISim) -> None:
    """What came after its version had been deleted waits for exactly that."""
    await known(house, "1.0")
    pypi.delete_release("demo", "1.0")
    pypi.upload("demo", "1.0", kind="sdist", uploaded_at=pypi.now())
    await house.watch()
    assert (await house.states("demo"))["demo-1.0.tar.gz"] == "held stranger"

    await act(house, "release", "demo==1.0")

    assert (await house.states("demo"))["demo-1.0.tar.gz"] == "live"


async def test_a_settling_file_is_served_when_it_is_released(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Nobody has to wait for what they have read themselves."""
    safety = Safety(min_age=timedelta(hours=1), min_project_age=timedelta(days=90), osv_url="")
    async with house_of(pypi, catalog, tmp_path, safety=safety) as house:
        await house.poll()
        pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=5))
        await house.page("demo")
        pypi.delete_project("demo")
        await house.watch()
        before = await house.states("demo")

        await act(house, "release", "demo")

        assert set(before.values()) == {"held settling"}
        assert set((await house.states("demo")).values()) == {"kept"}


async def test_a_replacement_takes_the_address_when_it_is_released_by_its_digest(house: House, pypi: PyPISim) -> None:
    """The page has one entry of that name, with the digest that was released."""
    await known(house, "1.0", "2.0")
    pypi.delete_release("demo", "1.0")
    pypi.used_filenames.clear()  # PyPI would not have it; other indexes do
    pypi.upload("demo", "1.0", content=b"other bytes", uploaded_at=long_ago(pypi, days=4))
    await house.watch()
    new = next(file for file in (await house.memory("demo")).files if file.listed and file.version == "1.0")

    await act(house, "release", f"sha256:{new.sha256}")

    page = await house.page("demo")
    assert isinstance(page["files"], list)
    shown = [file for file in page["files"] if file["filename"] == new.filename]
    assert [file["hashes"]["sha256"] for file in shown] == [new.sha256]
    assert (await house.get(await house.url("demo", new.filename)))[1] == b"other bytes"


async def test_a_departed_release_is_listed_as_it_was(house: House, pypi: PyPISim) -> None:
    """Without a reason to avoid it, so that ranges find it again."""
    (name,) = await departed(house, "1.0")
    await house.keeper.work_off()
    yanked = (await house.listed("demo"))[name]

    await act(house, "release", "demo==1.0", as_was=True)

    assert yanked
    assert (await house.listed("demo"))[name] is False
    assert await house.states("demo") == {name: "kept", "demo-99-py3-none-any.whl": "live"}


async def test_projects_that_are_gone_can_all_be_listed_as_they_were(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """By a setting; a project of which anything is live is not among them."""
    async with house_of(pypi, catalog, tmp_path, safety=Safety(departed_projects="as_was")) as house:
        await house.poll()
        await known(house, "1.0", "2.0")
        pypi.delete_release("demo", "1.0")
        await house.watch()
        partly = await house.listed("demo")
        pypi.delete_project("demo")

        await house.watch()

        assert [bool(yanked) for yanked in partly.values()] == [True, False]
        assert list((await house.listed("demo")).values()) == [False, False]


async def test_an_order_on_nothing_known_is_refused_and_leaves_nothing(house: House, catalog: Catalog) -> None:
    """Only a block may be about what is yet to come."""
    await known(house, "1.0")
    for verb in ("release", "unblock", "purge", "unpurge"):
        for target in ("unheard", "demo==7", f"sha256:{'0' * 64}"):
            with pytest.raises(NotThereError, match="no file is known here"):
                await act(house, verb, target)

    async with catalog.reading() as conn:
        assert await acts.newest(conn, limit=10) == []
    assert await house.events() == []


async def test_releasing_the_brake_is_recorded_and_told(house: House, pypi: PyPISim, catalog: Catalog) -> None:
    """It is about no project; whoever decides on the brake reads when it was released last."""
    await act(house, "release", "brake")

    async with catalog.reading() as conn:
        at = await acts.brake_released_at(conn)
    (told,) = await house.payloads()
    assert at is not None
    assert abs(at - pypi.now()) < timedelta(minutes=1)
    assert (told.kind, told.project, told.files) == ("operator.act", None, None)


@pytest.mark.parametrize("part", [None, "bytes=0-9"])
async def test_what_is_blocked_on_its_way_is_not_completed(house: House, pypi: PyPISim, part: str | None) -> None:
    """Who was let in before the block gets neither the rest of the file nor a part of it."""
    file = pypi.upload("demo", "1.0", content=b"x" * 400_000, uploaded_at=long_ago(pypi, days=400))
    await house.poll()
    address = await house.url("demo", file.filename)
    pypi.faults.hold(file.filename, 1_000)
    asked = asyncio.create_task(house.get(address, **({"Range": part} if part else {})))
    await pypi.until(path=f"/{file.filename}")
    await act(house, "block", "demo==1.0")
    pypi.faults.release(file.filename)

    if part is not None:
        assert (await asked)[0] == 403
        return
    with pytest.raises(aiohttp.ClientError):
        await asked


@pytest_asyncio.fixture
async def frozen(pypi: PyPISim) -> AsyncIterator[PyPISim]:
    """A simulated PyPI whose time stands still."""
    pypi.clock.freeze(pypi.now())
    yield pypi


async def test_acts_are_recorded_with_everything_about_them(house: House, frozen: PyPISim, catalog: Catalog) -> None:
    """Who, when, what, on what, and why."""
    await known(house, "1.0")
    await act(house, "block", "demo")

    async with catalog.reading() as conn:
        (recorded,) = await acts.newest(conn, limit=10)
        unsettled = await acts.unsettled(conn)

    assert (recorded.number, recorded.at, recorded.actor) == (1, frozen.now(), "olga")
    assert (recorded.verb, recorded.target, recorded.reason) == (Verb.BLOCK, "demo", "so be it")
    assert unsettled == []
