"""Private names: upstream is never asked for them in any way, and nothing that came from there is served."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from mirror.catalog.database import Catalog
from mirror.model import Memory
from mirror.setting_sections import Watcher
from mirror.setting_values import Inventory
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago

PRIVATE = ("Acme_*",)
ALL = Watcher(inventory=Inventory.ALL)


@pytest.fixture
async def files(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> dict[str, str]:
    """The addresses of a project's files, which a house got to know before the name was made private.

    Of the two, `kept` is stored and `lacking` is not; then upstream is forgotten to have been asked for anything.
    """
    for name, version in (("acme-core", "1.0"), ("acme-core", "2.0"), ("demo", "1.0")):
        pypi.upload(name, version, uploaded_at=long_ago(pypi, days=200))
    async with house_of(pypi, catalog, tmp_path) as house:
        await house.poll()
        await house.page("demo")
        (lacking, kept) = sorted(await house.listed("acme-core"))[:2]
        urls = {"kept": await house.url("acme-core", kept), "lacking": await house.url("acme-core", lacking)}
        assert (await house.get(urls["kept"]))[0] == 200
    pypi.requests.clear()
    return urls


@pytest.fixture
async def private(pypi: PyPISim, catalog: Catalog, tmp_path: Path, files: dict[str, str]) -> AsyncIterator[House]:
    """A house to which the name is private, and which would like to know every project."""
    assert files
    async with house_of(pypi, catalog, tmp_path, private_names=PRIVATE, watcher=ALL) as house:
        yield house


def asked(pypi: PyPISim) -> list[str]:
    """The addresses with the name in it that upstream was asked for."""
    return [seen.path for seen in pypi.requests if "acme" in seen.path.lower()]


async def remembered(house: House) -> Memory:
    return await house.memory("acme-core")


@pytest.mark.parametrize("name", ["acme-core", "acme-unknown"])
async def test_a_private_project_is_not_there(private: House, pypi: PyPISim, name: str) -> None:
    """Neither its page nor its documents; whether it is known from before makes no difference."""
    for path in (f"/simple/{name}/", f"/pypi/{name}/json", f"/pypi/{name}/1.0/json"):
        assert (await private.get(path))[0] == 404
    status, body = await private.get("/simple/")

    assert (status, b"acme" in body, b"demo" in body) == (200, False, True)
    assert asked(pypi) == []


async def test_files_of_a_private_project_are_not_there(private: House, pypi: PyPISim, files: dict[str, str]) -> None:
    """Also those that are stored: they came from whoever had the name upstream."""
    invented = f"/packages/{'ab'}/{'cd'}/{'ef' * 30}/acme_core-9.0-py3-none-any.whl"

    for path in (*files.values(), *(f"{path}.metadata" for path in files.values()), invented):
        assert (await private.get(path))[0] == 404

    assert asked(pypi) == []


async def test_rows_about_a_private_project_are_told_but_not_followed(private: House, pypi: PyPISim) -> None:
    """What happens upstream under that name is news like any other; its page is not asked for."""
    pypi.upload("acme-core", "3.0", uploaded_at=pypi.now())
    pypi.upload("acme-other", "1.0", uploaded_at=pypi.now())
    pypi.delete_release("acme-core", "1.0")

    await private.watch()
    await private.look_at_unasked()
    pypi.advance(timedelta(hours=1))
    await private.watch()

    assert "release.deleted acme-core 1.0" in await private.kinds()
    assert (await remembered(private)).project.refresh_at is None
    assert asked(pypi) == []


async def test_nobody_who_looks_around_looks_at_a_private_project(private: House, pypi: PyPISim) -> None:
    """Neither rounds, nor sweeps of the list, nor a watcher that wants to know every project."""
    pypi.upload("acme-listed", "1.0", uploaded_at=pypi.now())
    pypi.upload("other", "1.0", uploaded_at=pypi.now())

    for _ in range(3):
        pypi.advance(timedelta(hours=7))
        await private.look_round()
        await private.sweep()
        await private.look_at_unasked()
        await private.confirm()

    assert pypi.count(kind="page", path="/simple/other/") >= 1
    assert pypi.count(kind="page", path="/simple/demo/") >= 1
    assert asked(pypi) == []


async def test_that_nobody_looks_is_not_taken_for_an_absence(private: House) -> None:
    """Made public again, the project is as it was."""
    before = await remembered(private)

    for _ in range(3):
        assert (await private.get("/simple/acme-core/"))[0] == 404
        private.pypi.advance(timedelta(hours=7))
        await private.look_round()
        await private.confirm()

    after = await remembered(private)
    assert [(file.filename, file.state, file.missing_since) for file in after.files] == [
        (file.filename, file.state, file.missing_since) for file in before.files
    ]


async def test_bytes_of_a_private_project_are_not_fetched(private: House, pypi: PyPISim) -> None:
    """Not even to rescue them; and that is no reason to give them up for lost."""
    pypi.delete_release("acme-core", "1.0")
    await private.poll()

    for _ in range(8):
        await private.keeper.work_off()
        pypi.advance(timedelta(hours=2))

    assert list((await private.states("acme-core")).values()) == ["held rescue", "live"]
    assert all(file.lost_at is None for file in (await remembered(private)).files)
    assert asked(pypi) == []
