"""What upstream deletes: served for exact pins, and never what an open range takes.

One upstream and one everpin serve all journeys here, each with projects of its own, as they would in real life.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journeys.installers import Installer, pinned_with_hash
from tests.journeys.processes import Everpin, running
from tests.pypi_sim import File, PyPISim, Row
from tests.reachable import reachable_directory
from tests.watcher.houses import long_ago

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_pypi() -> AsyncIterator[PyPISim]:
    """The upstream of all journeys."""
    async with PyPISim() as sim:
        yield sim


@pytest.fixture(scope="module")
def shared_directory() -> Iterator[Path]:
    """The directory of that everpin."""
    with reachable_directory() as path:
        yield path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everpin(shared_pypi: PyPISim, shared_directory: Path) -> AsyncIterator[Everpin]:
    """The everpin of all journeys."""
    async with running(Everpin.of("up", shared_directory / "data", index_url=shared_pypi.index_url)) as command:
        yield command


@pytest_asyncio.fixture(loop_scope="module")
async def pypi(shared_pypi: PyPISim) -> AsyncIterator[PyPISim]:
    """The upstream, which is there and sound again afterwards."""
    yield shared_pypi
    shared_pypi.faults.mend_all()
    await shared_pypi.stop()
    await shared_pypi.start()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The name of a project of the journey's own."""
    title: str = request.node.name
    return title.removeprefix("test_").replace("[", "_").removesuffix("]")


async def _installed_once(everpin: Everpin, installers: tuple[Installer, ...], *files: File) -> None:
    for file in files:
        for installer in installers:
            await installer.gets(everpin.index_url, [file], f"{file.project}=={file.version}")


def _delete(pypi: PyPISim, what: str, file: File) -> Row:
    """Deletes the file, or what holds nothing but it, and returns the row that says so."""
    match what:
        case "file":
            (row,) = pypi.delete_file(file.project, file.filename)
        case "release":
            (row,) = pypi.delete_release(file.project, file.version)
        case _:
            (row,) = pypi.delete_project(file.project)
    return row


@pytest.mark.parametrize("what", ["file", "release"])
async def test_a_deleted_version_installs_by_its_pin_and_by_nothing_else(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...], tmp_path: Path, what: str, name: str
) -> None:
    """Pins and constraints get the old bytes, ranges get what is left; the page gives the reason."""
    left = pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    gone = pypi.upload(name, "1.1", uploaded_at=long_ago(pypi, days=200))
    await _installed_once(everpin, installers, left, gone)
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(f"{name}==1.1\n")

    pypi.faults.forget_deleted = True
    removed = _delete(pypi, what, gone)
    told = await everpin.until_told(f"{what}.deleted", name)

    assert told.states == ((gone.filename, "kept"),)
    reason = f"deleted upstream {removed.timestamp.date()} (serial {removed.serial}); kept by this mirror"
    assert await everpin.listed(name) == {left.filename: False, gone.filename: reason}
    for installer in installers:
        await installer.gets(everpin.index_url, [gone], f"{name}==1.1")
        await installer.gets(everpin.index_url, [gone], "-c", str(constraints), name)
        await installer.gets(everpin.index_url, [left], name)
        await installer.gets(everpin.index_url, [left], f"{name}>=1")
        await installer.is_refused(everpin.index_url, f"{name}>1.0")
    assert reason in (await installers[0].install(everpin.index_url, f"{name}==1.1")).output


async def test_a_deleted_project_installs_by_pins_only(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...], name: str
) -> None:
    """When nothing is left upstream every pin still works, and a range finds nothing rather than something deleted."""
    files = [pypi.upload(name, version, uploaded_at=long_ago(pypi, days=200)) for version in ("1.0", "1.1")]
    await _installed_once(everpin, installers, *files)

    pypi.faults.forget_deleted = True
    pypi.delete_project(name)
    told = await everpin.until_told("project.deleted", name)

    assert told.states == tuple((file.filename, "kept") for file in files)
    await _installed_once(everpin, installers, *files)
    for installer in installers:
        await installer.is_refused(everpin.index_url, name)
        await installer.is_refused(everpin.index_url, f"{name}>=1")


async def test_a_pin_never_turns_into_other_bytes(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...], name: str
) -> None:
    """Another build of a version that had been deleted is not taken for it; the pin goes on giving the old one."""
    old = pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    other = pypi.upload(name, "1.1", uploaded_at=long_ago(pypi, days=200))
    await _installed_once(everpin, installers, old)
    pypi.delete_release(name, "1.0")
    await everpin.until_told("release.deleted", name)

    new = pypi.upload(name, "1.0", build_tag="1", payload_size=100)
    newest = pypi.upload(name, "1.2")
    await everpin.until_file_is(name, newest.filename, listed=True)

    assert set(await everpin.listed(name)) == {old.filename, other.filename, newest.filename}
    await _installed_once(everpin, installers, old)
    # A page that lists it gives its address away to everybody; the mirror knows it and says no.
    assert (await everpin.get(new.path)).status == 403


async def test_a_pin_in_another_package_works_with_pip_and_is_refused_by_uv(
    everpin: Everpin, pypi: PyPISim, pip: Installer, uv: Installer, name: str
) -> None:
    """uv takes yanked versions only for pins of the user's own; it says so, and pinning it oneself helps."""
    library = pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload(name, "1.1", uploaded_at=long_ago(pypi, days=200))
    app = pypi.upload(f"{name}-app", "1.0", requires=(f"{name}==1.0",), uploaded_at=long_ago(pypi, days=200))
    for installer in (pip, uv):
        await installer.gets(everpin.index_url, [app, library], f"{name}-app")
    pypi.delete_release(name, "1.0")
    await everpin.until_told("release.deleted", name)

    await pip.gets(everpin.index_url, [app, library], f"{name}-app")
    said = await uv.is_refused(everpin.index_url, f"{name}-app")

    assert "yanked" in said
    assert "kept by this mirror" in said
    await uv.gets(everpin.index_url, [app, library], f"{name}-app", f"{name}==1.0")


async def test_what_was_never_fetched_is_rescued(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...], name: str
) -> None:
    """A file of a known project that nobody had asked for is fetched when it is deleted, and installs afterwards."""
    gone = pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload(name, "1.1", uploaded_at=long_ago(pypi, days=200))
    assert gone.filename in await everpin.listed(name)
    assert pypi.fetches(gone.filename) == 0

    pypi.delete_release(name, "1.0")
    await everpin.until_told("rescued", name)
    await pypi.stop()

    assert pypi.fetches(gone.filename) == 1
    await everpin.until_file_is(name, gone.filename, listed=True)
    for installer in installers:
        await installer.gets(everpin.index_url, [gone], f"{name}==1.0")
    assert [told.kind for told in await everpin.told(project=name)] == ["release.deleted", "rescued"]


async def test_a_quarantined_project_installs_no_more_until_it_is_cleared(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...], name: str
) -> None:
    """Cached copies are withheld too, by page and by address, and everything returns with the all-clear."""
    file = pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    await _installed_once(everpin, installers, file)
    address = await everpin.file_url(name, file.filename)

    pypi.quarantine_project(name)
    await everpin.until_told("project.quarantined", name)

    page = await everpin.page(name)
    assert (page["files"], page["project-status"]["status"]) == ([], "quarantined")
    for url in (address, f"{address}.metadata"):
        refused = await everpin.get(url)
        assert (refused.status, refused.headers["X-Everpin-State"]) == (403, "blocked; cause=quarantine")
        assert "quarantined upstream" in refused.reason
    for installer in installers:
        await installer.is_refused(everpin.index_url, f"{name}==1.0")
        assert "403" in await installer.is_refused(everpin.index_url, f"{name} @ {address}")

    pypi.clear_project_quarantine(name)
    await everpin.until_told("project.quarantine_cleared", name)
    await _installed_once(everpin, installers, file)
    assert pypi.fetches(file.filename) == 1


async def test_installs_with_hashes_survive_a_deletion(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...], tmp_path: Path, name: str
) -> None:
    """A lock file with hashes installs the same bytes before and after upstream deleted them."""
    library = pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload(name, "1.1", uploaded_at=long_ago(pypi, days=200))
    app = pypi.upload(f"{name}-app", "3.1", requires=(name,), uploaded_at=long_ago(pypi, days=200))
    locked = tmp_path / "requirements.txt"
    locked.write_text(pinned_with_hash(app, library))
    arguments = ("--require-hashes", "-r", str(locked))
    for installer in installers:
        await installer.gets(everpin.index_url, [app, library], *arguments)

    pypi.faults.forget_deleted = True
    pypi.delete_release(name, "1.0")
    pypi.delete_project(f"{name}-app")
    await everpin.until_told("release.deleted", name)
    await everpin.until_told("project.deleted", f"{name}-app")

    for installer in installers:
        await installer.gets(everpin.index_url, [app, library], *arguments)


async def test_a_deleted_wheel_is_had_by_its_hash_though_its_sdist_stayed(
    everpin: Everpin, pypi: PyPISim, pip: Installer, uv: Installer, tmp_path: Path, name: str
) -> None:
    """Where only a file of a release went, a range takes what is left of it, and a hash takes what it names."""
    sdist = pypi.upload(name, "1.0", kind="sdist", uploaded_at=long_ago(pypi, days=200))
    wheel = pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    for installer in (pip, uv):
        await installer.gets(everpin.index_url, [wheel], f"{name}==1.0")
    locked = tmp_path / "requirements.txt"
    locked.write_text(pinned_with_hash(wheel))

    pypi.delete_file(name, wheel.filename)
    await everpin.until_told("file.deleted", name)

    for installer in (pip, uv):
        await installer.gets(everpin.index_url, [wheel], "--require-hashes", "-r", str(locked))
        await installer.gets(everpin.index_url, [sdist], name)
    # For a pin pip passes over what is yanked as long as something is not; uv prefers a wheel, yanked or not.
    await pip.gets(everpin.index_url, [sdist], f"{name}==1.0")
    await uv.gets(everpin.index_url, [wheel], f"{name}==1.0")
