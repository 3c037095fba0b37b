"""What upstream takes away: told once, with its files, and still served where that is safe."""

from datetime import timedelta

from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago


async def _known(house: House, name: str, *versions: str) -> None:
    """Uploads wheels long ago and lets everpin see and keep them."""
    for version in versions:
        house.pypi.upload(name, version, uploaded_at=long_ago(house.pypi, days=200))
    await house.watch()
    for file in (await house.page(name))["files"]:  # type: ignore[attr-defined]
        status, _ = await house.get(str(file["url"]).removeprefix("../.."))
        assert status == 200


async def test_a_deleted_release_is_told_once_and_stays_for_exact_pins(house: House, pypi: PyPISim) -> None:
    """One row becomes one event with the files it took; the kept file is listed as yanked and says why."""
    await _known(house, "codecov", "2.1.11", "2.1.12")
    (row,) = pypi.delete_release("codecov", "2.1.12")

    await house.watch()
    await house.watch()

    assert await house.kinds() == ["release.deleted codecov 2.1.12"]
    (told,) = await house.payloads()
    assert told.files is not None
    assert [(file.filename, file.state) for file in told.files] == [("codecov-2.1.12-py3-none-any.whl", "kept")]
    assert (told.serial, told.evidence, told.was_latest) == (row.serial, "journal", True)
    assert (told.remaining_releases, told.latest_remaining) == (1, "2.1.11")
    day = pypi.now().date()
    assert await house.listed("codecov") == {
        "codecov-2.1.11-py3-none-any.whl": False,
        "codecov-2.1.12-py3-none-any.whl": f"deleted upstream {day} (serial {row.serial}); kept by this mirror",
    }


async def test_a_deleted_project_keeps_all_its_old_files(house: House, pypi: PyPISim) -> None:
    """One row without a version takes everything; everything is still there for pins."""
    await _known(house, "atomicwrites", "1.3.0", "1.4.0")
    pypi.delete_project("atomicwrites")

    await house.watch()

    assert set((await house.states("atomicwrites")).values()) == {"kept"}
    (told,) = await house.payloads()
    assert told.kind == "project.deleted"
    assert told.files is not None
    assert len(told.files) == 2
    assert (told.remaining_releases, told.latest_remaining) == (0, None)


async def test_a_deleted_file_leaves_its_siblings_live(house: House, pypi: PyPISim) -> None:
    """`remove file` takes just that file."""
    pypi.upload("demo", "1.0", kind="sdist", uploaded_at=long_ago(pypi, days=200))
    await _known(house, "demo", "1.0")
    pypi.delete_file("demo", "demo-1.0.tar.gz")

    await house.watch()

    assert await house.states("demo") == {"demo-1.0-py3-none-any.whl": "live", "demo-1.0.tar.gz": "kept"}
    assert await house.kinds() == ["file.deleted demo 1.0"]


async def test_the_bytes_of_a_kept_file_are_the_old_ones(house: House, pypi: PyPISim) -> None:
    """What the mirror serves after the deletion is what upstream had, though its files host forgot it."""
    await _known(house, "demo", "1.0")
    address = await house.url("demo", "demo-1.0-py3-none-any.whl")
    before = await house.get(address)
    pypi.faults.forget_deleted = True
    pypi.delete_release("demo", "1.0")

    await house.watch()

    assert await house.get(address) == before


async def test_what_was_never_fetched_is_rescued(house: House, pypi: PyPISim) -> None:
    """A file that nobody had asked for yet is fetched when its removal is read, and then kept."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.page("demo")
    pypi.delete_release("demo", "1.0")

    await house.poll()
    assert await house.states("demo") == {"demo-1.0-py3-none-any.whl": "held rescue"}
    await house.keeper.work_off()

    assert await house.states("demo") == {"demo-1.0-py3-none-any.whl": "kept"}
    assert await house.kinds() == ["release.deleted demo 1.0", "rescued demo 1.0"]


async def test_what_upstream_forgot_at_once_is_lost(house: House, pypi: PyPISim) -> None:
    """Where the bytes can be had nowhere the file is lost, and its address says so."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    address = await house.url("demo", file.filename)
    pypi.faults.forget_deleted = True
    pypi.delete_release("demo", "1.0")

    await house.poll()
    for _ in range(6):
        await house.keeper.work_off()
        pypi.advance(timedelta(minutes=5))

    assert await house.states("demo") == {file.filename: "lost"}
    status, body = await house.get(address)
    assert status == 404
    assert b"deleted upstream" in body
    assert await house.listed("demo") == {}


async def test_a_young_file_is_held_when_it_is_deleted(house: House, pypi: PyPISim) -> None:
    """What was deleted soon after its upload may be malware: it is kept, but not served."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, hours=71))
    address = await house.url("demo", file.filename)
    pypi.delete_release("demo", "1.0")

    await house.watch()

    assert await house.states("demo") == {file.filename: "held young"}
    assert (await house.get(address))[0] == 403
    assert (await house.get(f"{address}.metadata"))[0] == 403


async def test_removals_of_unknown_projects_are_told_too(house: House, pypi: PyPISim) -> None:
    """Of a project nobody asked for, the row is told; what cannot be known is null."""
    pypi.upload("unheard", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    pypi.delete_project("unheard")

    await house.poll()

    (told,) = await house.payloads()
    assert (told.kind, told.project, told.files) == ("project.deleted", "unheard", None)
    assert (told.remaining_releases, told.was_latest, told.incarnation) == (None, None, None)


async def test_a_row_that_came_before_the_first_page_counts(house: House, pypi: PyPISim) -> None:
    """The page of a CDN that still lists what a row removed does not bring it back."""
    pypi.cdn.enabled = True
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload("demo", "1.1", uploaded_at=long_ago(pypi, days=200))
    await house.http.session.get(
        f"{pypi.index_url}demo/", headers={"Accept": "application/vnd.pypi.simple.v1+json", "Accept-Encoding": "gzip"}
    )
    pypi.cdn.lose_purge("demo")
    pypi.delete_release("demo", "1.1")
    await house.poll()

    await house.page("demo")

    assert await house.states("demo") == {
        "demo-1.0-py3-none-any.whl": "live",
        "demo-1.1-py3-none-any.whl": "held rescue",
    }


async def test_one_absence_from_the_page_changes_nothing(house: House, pypi: PyPISim) -> None:
    """A page that lacks a file, without a row that says why, is only noted."""
    await _known(house, "demo", "1.0", "1.1")
    pypi.vanish_release("demo", "1.1")
    pypi.advance(timedelta(hours=2))

    assert await house.listed("demo") == {"demo-1.0-py3-none-any.whl": False, "demo-1.1-py3-none-any.whl": False}
    assert await house.kinds() == []
