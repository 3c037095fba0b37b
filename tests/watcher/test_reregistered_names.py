"""A name that was registered again, seen by a whole everpin: its rows, its clock, its pages and its explanation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NoReturn

import aiohttp
import pytest

from mirror.catalog.database import Catalog
from mirror.errors import CatalogUnavailableError
from mirror.setting_sections import Safety
from mirror.setting_values import Reregistered
from tests.pypi_sim import File, PyPISim
from tests.watcher.houses import House, eventually, house_of, long_ago
from watcher.duties import Duties
from watcher.explanation import explanation
from watcher.rules import apply_rules

OLD = "demo-1.0-py3-none-any.whl"


async def _registered_again(house: House, by: str) -> File:
    """Alice's project is known and kept, removed, and another version comes from somebody."""
    pypi = house.pypi
    old = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), user="alice")
    await house.watch()
    assert (await house.get(await house.url("demo", old.filename)))[0] == 200
    pypi.delete_project("demo")
    new = pypi.upload("demo", "2.0", user=by)
    await house.watch()
    return new


@asynccontextmanager
async def _with_rules(house: House, **rules: object) -> AsyncIterator[House]:
    """Another everpin on the same catalog, started with other settings."""
    safety = Safety.model_validate(rules)
    data_dir = house.settings.data_dir
    async with house_of(house.pypi, house.catalog, data_dir, safety=safety) as other:
        await apply_rules(house.catalog, other.rules)
        yield other


class _OnlyReading(Catalog):
    """A catalog on a disk that is full."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog._pool, catalog.url)

    def writing(self) -> NoReturn:
        """Cannot be had."""
        raise CatalogUnavailableError("the database failed: no space left on device")


async def _explained(house: House, filename: str) -> str:
    memory = await house.memory("demo")
    safety = house.settings.safety
    return "\n".join(explanation(memory.project.name, memory, [], [], position=None, rules=safety, filename=filename))


async def test_the_same_owner_waits_for_the_cooldown(house: House, pypi: PyPISim) -> None:
    """It is said until when and why; then it is served, and nothing more was told."""
    new = await _registered_again(house, "alice")
    held = await house.states("demo")
    said = await _explained(house, new.filename)
    status, _ = await house.get(new.path)

    pypi.advance(timedelta(hours=72, seconds=1))

    end = f"{new.uploaded_at + timedelta(hours=72):%Y-%m-%d %H:%M}"
    assert held == {OLD: "kept", new.filename: "held stranger"}
    assert f"not served before {end}" in said
    assert "safety.cooldown (72 h) ends: its name was registered again by one of its owners before" in said
    assert status == 403
    assert (await house.listed("demo"))[new.filename] is False
    assert await house.states("demo") == {OLD: "kept", new.filename: "live"}
    assert await house.kinds() == ["project.deleted demo", "project.reregistered demo"]


async def test_a_file_that_has_cooled_down_is_served_though_nobody_watches(house: House, pypi: PyPISim) -> None:
    """Who asks for it by its address has it judged anew, as who asks for the page does."""
    new = await _registered_again(house, "alice")
    pypi.advance(timedelta(hours=72, seconds=1))

    assert await house.get(new.path) == (200, new.content)


async def test_a_watcher_judges_what_has_cooled_down_though_nobody_asks(house: House, pypi: PyPISim) -> None:
    """One of its jobs looks for states that the clock has ended."""
    new = await _registered_again(house, "alice")
    pypi.advance(timedelta(hours=72, seconds=1))

    async def is_live() -> bool:
        return (await house.states("demo"))[new.filename] == "live"

    async with aiohttp.ClientSession() as session:
        duties = Duties(
            catalog=house.catalog,
            session=session,
            refresher=house.refresher,
            supply=house.supply,
            settings=house.settings,
            rules=house.rules,
            claimer=house.claimer,
            now=pypi.now,
        )
        async with duties.performed():
            await eventually(is_live)

    assert await house.states("demo") == {OLD: "kept", new.filename: "live"}


async def test_a_catalog_that_cannot_be_written_to_costs_no_page(house: House, pypi: PyPISim) -> None:
    """What has cooled down stays held for as long; everything else is served as before."""
    new = await _registered_again(house, "alice")
    pypi.advance(timedelta(hours=72, seconds=1))
    house.refresher._catalog = _OnlyReading(house.catalog)

    assert list(await house.listed("demo")) == [OLD]
    assert (await house.get(new.path))[0] == 403


async def test_another_owner_waits_until_an_old_one_is_back(house: House, pypi: PyPISim) -> None:
    """No time helps; only the row that makes a former owner an owner lets the cooldown begin."""
    new = await _registered_again(house, "mallory")
    pypi.advance(timedelta(days=30))
    await house.watch()
    held, said = await house.states("demo"), await _explained(house, new.filename)
    assert new.filename not in await house.listed("demo")

    pypi.invite("demo", "Alice")
    pypi.accept_invite("demo", "Alice")
    await house.poll()
    pypi.advance(timedelta(hours=72, seconds=1))

    assert held == {OLD: "kept", new.filename: "held stranger"}
    assert (
        "until an operator releases it: its name was registered again, and none of its owners before is known" in said
    )
    assert (await house.listed("demo"))[new.filename] is False
    assert await house.states("demo") == {OLD: "kept", new.filename: "live"}


async def test_what_was_removed_during_the_cooldown_is_explained(house: House, pypi: PyPISim) -> None:
    """It stays held after the end of the cooldown."""
    new = await _registered_again(house, "alice")
    pypi.delete_release("demo", "2.0")
    await house.watch()
    pypi.advance(timedelta(days=30))
    await house.watch()

    assert await house.states("demo") == {OLD: "kept", new.filename: "held stranger"}
    said = await _explained(house, new.filename)
    assert "had been registered again, and it was removed before safety.cooldown (72 h) had passed" in said


@pytest.mark.parametrize(
    ("rule", "by", "at_once", "later", "said"),
    [
        (Reregistered.OWNER, "alice", "held stranger", "live", "by one of its owners before"),
        (Reregistered.OWNER, "mallory", "held stranger", "held stranger", "none of its owners before is known"),
        (Reregistered.COOLDOWN, "mallory", "held stranger", "live", "its name was registered again"),
        (Reregistered.SERVE, "mallory", "live", "live", "served: upstream lists it"),
        (Reregistered.HOLD, "alice", "held stranger", "held stranger", 'safety.reregistered is "hold"'),
    ],
)
async def test_other_rules_judge_anew_what_was_judged_before(
    house: House, pypi: PyPISim, rule: Reregistered, by: str, at_once: str, later: str, said: str
) -> None:
    """Whoever starts with other settings finds every newcomer judged by them."""
    new = await _registered_again(house, by)

    async with _with_rules(house, reregistered=rule) as other:
        states = [(await other.states("demo"))[new.filename]]
        why = await _explained(other, new.filename)
        pypi.advance(timedelta(days=4))
        await other.page("demo")
        states.append((await other.states("demo"))[new.filename])

    assert states == [at_once, later]
    assert said in why


async def test_stricter_rules_find_the_newcomers_of_names_without_withdrawn_files(house: House, pypi: PyPISim) -> None:
    """A name first seen long after it was registered again has nothing but live files."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.delete_project("demo")
    new = pypi.upload("demo", "2.0", user="mallory")
    await house.poll()
    pypi.advance(timedelta(days=30))
    await house.page("demo")
    before = await house.states("demo")

    async with _with_rules(house, reregistered="hold") as other:
        after = await other.states("demo")

    assert (before, after) == ({new.filename: "live"}, {new.filename: "held stranger"})
    assert await house.kinds() == ["project.deleted demo"]
