"""Files go into the catalog and come out as they were."""

from datetime import UTC, datetime

import pytest

from mirror.catalog import files, projects
from mirror.catalog.database import Catalog, Connection
from mirror.errors import CatalogUnavailableError
from mirror.model import FileFacts, ListedFile, ProjectFacts, State
from mirror.names import ProjectName, Sha256

_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
_DIGITS = "ab/cd/" + "0123456789" * 6
_WHEEL = "demo-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("filename", "url"),
    [
        (_WHEEL, f"https://files.example.org/packages/{_DIGITS}/{_WHEEL}"),
        (_WHEEL, f"http://127.0.0.1:8080/some/where/packages/{_DIGITS}/{_WHEEL}"),
        (_WHEEL, f"https://packages/packages/packages/{_DIGITS}/{_WHEEL}"),
        ("demo-1.0+local.tar.gz", f"https://files.example.org/packages/{_DIGITS}/demo-1.0+local.tar.gz"),
        ("demo-1.0+local.tar.gz", f"https://files.example.org/packages/{_DIGITS}/demo-1.0%2Blocal.tar.gz"),
        ("demo-1.0+local.tar.gz", f"https://files.example.org/packages/{_DIGITS}/demo-1.0%2blocal.tar.gz"),
        (_WHEEL, f"https://files.example.org/packages/{_DIGITS}/{_WHEEL}?signed=yes"),
        (_WHEEL, f"https://files.example.org/packages/{_DIGITS}/another-1.0.tar.gz"),
        (_WHEEL, f"https://files.example.org/{_WHEEL}"),
        (_WHEEL, f"packages/{_DIGITS}/{_WHEEL}"),
        ("..", f"https://files.example.org/packages/{_DIGITS}/.."),
        (_WHEEL, ""),
        ("naïve-1.0.tar.gz", f"https://files.example.org/packages/{_DIGITS}/na%C3%AFve-1.0.tar.gz"),
    ],
)
@pytest.mark.parametrize("sha256", ["5" * 64, None])
async def test_a_url_comes_back_to_the_letter(catalog: Catalog, filename: str, url: str, sha256: Sha256 | None) -> None:
    """Of the URLs that PyPI gives only a part is stored, of others all."""
    file = _file(filename, url, sha256)

    async with catalog.writing() as conn:
        project = await _project(conn)
        await files.insert(conn, project.id or 0, [file])
        (inserted,) = await files.of_project(conn, project)
        await files.update(conn, project.id or 0, [inserted])
        (updated,) = await files.of_project(conn, project)

    assert inserted.listed_file == file.listed_file
    assert updated == inserted


async def test_a_url_with_the_layout_of_pypi_is_not_stored_whole(catalog: Catalog) -> None:
    """Nearly all are of that kind, and the path would be a third of all that is remembered of a file."""
    async with catalog.writing() as conn:
        project = await _project(conn)
        await files.insert(
            conn, project.id or 0, [_file(_WHEEL, f"https://files.example.org/packages/{_DIGITS}/{_WHEEL}", None)]
        )
        stored = await conn.fetchrow("select url, url_base from files")

    assert tuple(stored or ()) == (None, "https://files.example.org/")


async def test_the_same_file_is_not_stored_twice_in_one_life_of_its_project(catalog: Catalog) -> None:
    """The filename together with the digest identifies it, also where there is no digest."""
    known = [_file(_WHEEL, "https://files.example.org/a", sha256) for sha256 in (Sha256("5" * 64), None)]
    async with catalog.writing() as conn:
        project = await _project(conn)
        await files.insert(conn, project.id or 0, [*known, _file(_WHEEL, "", Sha256("6" * 64)), _file("a", "", None)])

    for file in known:
        with pytest.raises(CatalogUnavailableError, match="duplicate key"):
            async with catalog.writing() as conn:
                await files.insert(conn, project.id or 0, [file])


async def test_a_project_is_found_when_the_clock_ends_the_state_of_a_file(catalog: Catalog) -> None:
    """Once, however many files of it there are, and not before the time has come."""
    async with catalog.writing() as conn:
        project = await _project(conn)
        await files.insert(
            conn,
            project.id or 0,
            [_file(f"{n}.tar.gz", "", None, state=State.HELD, state_until=_NOW) for n in range(3)],
        )
        before = await projects.with_passing_states(conn, now=_NOW.replace(hour=11))
        at_last = await projects.with_passing_states(conn, now=_NOW)
        withdrawn = await projects.judged_by_rules(conn)

    assert before == []
    assert at_last == withdrawn == ["demo"]


async def _project(conn: Connection) -> ProjectFacts:
    await projects.insert(conn, ProjectFacts(None, ProjectName("demo"), "Demo", _NOW))
    found = await projects.find(conn, ProjectName("demo"))
    assert found is not None
    return found


def _file(
    filename: str,
    url: str,
    sha256: Sha256 | None,
    *,
    state: State = State.LIVE,
    state_until: datetime | None = None,
) -> FileFacts:
    listed = ListedFile(filename, url, sha256, version="1.0", size=1, upload_time=_NOW)
    return FileFacts(None, 1, listed, _NOW, None, state=state, state_until=state_until)
