"""What happened to projects that many depend on, replayed: removed, and in two of three cases registered again.

At each step: what is told, which files are in which state, and what an exact pin, a pin with a hash and a range get,
with pip and with uv. A cooldown is an hour long while something is to be seen during it, and is a shorter one after a
new start, which the clock ends: so no step needs to be quick.
"""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from tests.journeys.processes import Everpin, running, until
from tests.journeys.users import Told, Users, explained, kept, known, told_of, told_so_often, uploaded
from tests.pypi_sim import File, PyPISim, Row

_COOLDOWN = "EVERPIN_SAFETY__COOLDOWN"
_LEFT_SECONDS = 10
"""What is left of a cooldown when everpin is started again: longer than it takes to start."""


@pytest_asyncio.fixture
async def everpin(pypi: PyPISim, reachable_tmp_path: Path) -> AsyncIterator[Everpin]:
    """An everpin in which a name that was registered again cools down for an hour."""
    command = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url, safety__cooldown="1h")
    async with running(command):
        yield command


async def _is_held(everpin: Everpin, file: File) -> None:
    """Off the page, refused at its address, and both say why."""
    assert file.filename not in await everpin.listed(file.project)
    refused = await everpin.get(file.path)
    assert (refused.status, refused.headers["X-Everpin-State"]) == (403, "held; cause=stranger")
    assert "registered again" in refused.reason
    said = await explained(everpin, file.project, file.filename)
    assert f"{file.filename}  [held, stranger]" in said
    assert "its name was registered again by one of its owners before" in said


async def _cooled_down(everpin: Everpin, file: File) -> None:
    """Everpin is started again with a cooldown that ends soon: the file is held until then, and listed afterwards."""
    assert await everpin.stop() == 0
    cooldown = math.ceil((datetime.now(UTC) - file.uploaded_at).total_seconds()) + _LEFT_SECONDS
    ends_at = file.uploaded_at + timedelta(seconds=cooldown)
    await everpin.start(**{_COOLDOWN: f"{cooldown}s"})
    # Should the start have taken so long that nothing is left of the cooldown, it may be listed already.
    assert file.filename not in await everpin.listed(file.project) or datetime.now(UTC) >= ends_at
    await everpin.until_file_is(file.project, file.filename, listed=True)
    assert datetime.now(UTC) >= ends_at


def _universal(pypi: PyPISim, project: str, version: str) -> list[File]:
    """A wheel for both Pythons, and its source."""
    return uploaded(pypi, project, version, f"{project}-{version}-py2.py3-none-any.whl", f"{project}-{version}.tar.gz")


async def _removed_whole(everpin: Everpin, pypi: PyPISim, name: str, files: list[File]) -> tuple[Told, Row]:
    """The project goes with all its files, which upstream forgets at once: it is told, and all are kept."""
    pypi.faults.forget_deleted = True
    (removed,) = pypi.delete_project(name)
    await everpin.until_told("project.deleted", name)

    deleted: Told = ("project.deleted", None, "journal", {file.filename: "kept" for file in files})
    assert await told_of(everpin, name) == [deleted]
    assert await everpin.listed(name) == kept(removed, *files)
    return deleted, removed


async def test_s1_atomicwrites(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """Removed and registered again by its owner with one new sdist; later administrators put the old files back."""
    name = "atomicwrites"
    old = [*_universal(pypi, name, "1.3.0"), *_universal(pypi, name, "1.4.0")]
    wheel = old[2]
    await known(everpin, old)
    await users.can_pin(wheel)
    await users.get(wheel, f"{name}>=1.0")

    deleted, removed = await _removed_whole(everpin, pypi, name, old)
    await users.can_pin(wheel)
    await users.are_refused(f"{name}>=1.0")

    new = pypi.upload(name, "1.4.1", kind="sdist")
    await everpin.until_told("project.reregistered", name)
    await until(lambda: _knows(everpin, new))

    again: Told = ("project.reregistered", None, "journal", {})
    assert await told_of(everpin, name) == [deleted, again]
    await _is_held(everpin, new)
    assert await everpin.listed(name) == kept(removed, *old)
    await users.can_pin(wheel)
    await users.are_refused(f"{name}>=1.0", f"{name}==1.4.1")

    await _cooled_down(everpin, new)

    assert await everpin.listed(name) == {**kept(removed, *old), new.filename: False}
    await users.get(new, f"{name}>=1.0", f"{name}==1.4.1")
    await users.can_pin(wheel)

    for file in old:
        pypi.restore_file(name, file)
    for file in old:
        pypi.raw_row(name, file.version, f"add {file.python_version} file {file.filename}")
    await everpin.until_told("restored", name)

    restored = [("restored", file.version, "index", {file.filename: "live"}) for file in old]
    told = await told_of(everpin, name)
    assert told[:2] == [deleted, again]
    assert sorted(told[2:], key=str) == sorted(restored, key=str)
    assert await everpin.listed(name) == {file.filename: False for file in (*old, new)}
    await users.get(wheel, f"{name}<1.4.1", f"{name}>=1.3,<1.4.1")
    await users.can_pin(wheel)


async def _knows(everpin: Everpin, file: File) -> bool:
    return (await everpin.get(file.path)).status != 404


async def test_s2_codecov(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """Removed, and later registered again by its owner with a single newer version: ranges heal, pins never broke."""
    name = "codecov"
    old = [file for version in ("2.0.15", "2.1.11", "2.1.12") for file in _universal(pypi, name, version)]
    wheel = old[-2]
    await known(everpin, old)
    await users.can_pin(wheel)
    await users.get(wheel, f"{name}>=2.0.15")

    deleted, removed = await _removed_whole(everpin, pypi, name, old)
    await users.can_pin(wheel)
    await users.get(old[0], f"{name}==2.0.15")
    await users.are_refused(f"{name}>=2.0.15", name)

    new = pypi.upload(name, "2.1.13", filename=f"{name}-2.1.13-py2.py3-none-any.whl")
    await everpin.until_told("project.reregistered", name)
    await until(lambda: _knows(everpin, new))

    told = [deleted, ("project.reregistered", None, "journal", {})]
    assert await told_of(everpin, name) == told
    await _is_held(everpin, new)
    await users.can_pin(wheel)
    await users.are_refused(f"{name}>=2.0.15", f"{name}==2.1.13")

    await _cooled_down(everpin, new)

    assert await everpin.listed(name) == {**kept(removed, *old), new.filename: False}
    assert await told_of(everpin, name) == told
    await users.get(new, f"{name}>=2.0.15", name)
    await users.can_pin(new)
    await users.can_pin(wheel)


async def test_s3_python_sonarqube_api(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """Everything before a new line of versions is removed, release by release, while the project lives on."""
    name, stem = "python-sonarqube-api", "python_sonarqube_api"
    releases = {
        version: uploaded(
            pypi,
            name,
            version,
            f"{stem}-{version}-py3-none-any.whl",
            f"{name if version < '2' else stem}-{version}.tar.gz",
        )
        for version in ("1.2.9", "1.3.0", "1.3.1", "1.3.2", "2.0.0", "2.0.1", "2.0.2", "2.0.3", "2.0.4", "2.0.5")
    }
    living = [version for version in releases if version >= "2.0.2"]
    gone = [version for version in releases if version not in living]
    pinned, newest = releases["1.3.2"][0], releases["2.0.5"][0]
    await known(everpin, [file for files in releases.values() for file in files])
    await users.can_pin(pinned)
    await users.get(newest, f"{name}>=1.3")
    await users.get(pinned, f"{name}<2")

    pypi.faults.forget_deleted = True
    removals = {version: pypi.delete_release(name, version)[0] for version in gone}
    await until(lambda: told_so_often(everpin, name, len(gone)))
    polls = pypi.count(kind="xmlrpc")
    await pypi.until(polls + 3, kind="xmlrpc")

    assert await told_of(everpin, name) == [
        ("release.deleted", version, "journal", {file.filename: "kept" for file in releases[version]})
        for version in gone
    ]
    assert [told.serial for told in await everpin.told(project=name)] == [
        removed.serial for removed in removals.values()
    ]
    reasons = {
        filename: said for version in gone for filename, said in kept(removals[version], *releases[version]).items()
    }
    assert await everpin.listed(name) == reasons | {file.filename: False for v in living for file in releases[v]}
    await users.can_pin(pinned)
    await users.get(releases["2.0.1"][0], f"{name}==2.0.1")
    await users.get(newest, name, f"{name}>=1.3", f"{name}~=2.0")
    await users.are_refused(f"{name}<2")
