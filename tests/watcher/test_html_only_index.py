"""An index that speaks nothing but HTML, mirrored like any other."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from mirror.catalog.database import Catalog
from mirror.setting_sections import Watcher
from mirror.setting_values import Inventory
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago


@pytest.fixture(autouse=True)
def html_only(pypi: PyPISim) -> None:
    """Every test's index is such a one."""
    pypi.html_only = True


async def test_its_pages_become_pages_in_either_form(house: House, pypi: PyPISim) -> None:
    """What HTML can say is there, in JSON too: digests, yanks and what Python is needed."""
    first = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), requires_python=">=3.9,<4")
    second = pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, days=200))
    pypi.yank("demo", "2.0", "it & <breaks>")

    page = await house.page("demo")

    assert isinstance(page["files"], list)
    told = {file["filename"]: file for file in page["files"]}
    assert [told[file.filename]["hashes"] for file in (first, second)] == [
        {"sha256": first.sha256},
        {"sha256": second.sha256},
    ]
    assert told[first.filename]["requires-python"] == ">=3.9,<4"
    assert (told[first.filename]["yanked"], told[second.filename]["yanked"]) == (False, "it & <breaks>")
    assert page["versions"] == ["1.0", "2.0"]
    assert (await house.get("/simple/demo/", Accept="text/html"))[0] == 200


async def test_its_files_are_served_and_kept_when_they_are_gone(house: House, pypi: PyPISim) -> None:
    """Metadata too. How old a file is no page tells: it counts from when it was seen first."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, days=200))
    url = await house.url("demo", file.filename)

    status, body = await house.get(url)
    metadata = await house.get(f"{url}.metadata")
    pypi.advance(timedelta(days=4))
    pypi.delete_release("demo", "1.0")
    await house.watch()

    assert (status, hashlib.sha256(body).hexdigest()) == (200, file.sha256)
    assert (metadata[0], hashlib.sha256(metadata[1]).hexdigest()) == (200, file.metadata_sha256)
    assert (await house.states("demo"))[file.filename] == "kept"
    assert (await house.get(url)) == (200, body)


async def test_it_needs_neither_journal_nor_serials_nor_etags(house: House, pypi: PyPISim) -> None:
    """A page without all of that is a page."""
    pypi.plain_index = True
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))

    assert await house.listed("demo") == {file.filename: False}
    assert (await house.get(await house.url("demo", file.filename)))[0] == 200


async def test_its_list_of_projects_is_read(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Whoever wants to know all projects learns their names from it."""
    for name in ("demo", "Other.Name"):
        pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))

    async with house_of(pypi, catalog, tmp_path, watcher=Watcher(inventory=Inventory.ALL)) as house:
        swept = await house.sweep()
        await house.look_at_unasked()

        assert swept is not None
        assert (swept.listed, swept.added) == (2, 2)
        assert list(await house.states("other-name")) == ["other_name-1.0-py3-none-any.whl"]
