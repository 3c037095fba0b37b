"""Pages made to break this mirror: at most they are not believed."""

import json
from datetime import timedelta

import pytest

from mirror import clock
from mirror.errors import UpstreamUnavailableError
from mirror.index.merge import offered
from mirror.index.render import render_html, render_json
from mirror.model import Memory, ProjectFacts
from mirror.names import ProjectName, same_version_key
from mirror.upstream.page import parse_page
from tests.mirror.web.clients import ask, old_wheel, pages_asked
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House

NAME = ProjectName("demo")


def _page(**changed: object) -> bytes:
    entry = {
        "filename": "demo-1.0-py3-none-any.whl",
        "url": "https://files.example.org/demo-1.0-py3-none-any.whl",
        "hashes": {"sha256": "ab" * 32},
    }
    page = {"meta": {"api-version": "1.4"}, "name": NAME, "versions": ["1.0"], "files": [entry | changed]}
    return json.dumps(page).encode()


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59Z", "1989-12-31T00:00:00Z"]
)
def test_a_time_that_cannot_be_true_is_as_good_as_none(moment: str) -> None:
    """PEP 700's upload-time is calculated with; years before the first index or far ahead are left out."""
    (file,) = parse_page(
        NAME, "https://index.example.org/simple/demo/", _page(**{"upload-time": moment}), serial_header=None, etag=None
    ).page.files

    assert file.upload_time is None


@pytest.mark.parametrize("serial", ["2147483648", "99999999999999999"])
def test_a_serial_that_no_journal_reaches_is_not_believed(serial: str) -> None:
    """Believed once, it would make every true page look old."""
    with pytest.raises(UpstreamUnavailableError, match="no journal can reach"):
        parse_page(NAME, "https://index.example.org/simple/demo/", _page(), serial_header=serial, etag=None)


def test_a_version_of_thousands_of_digits_is_only_itself() -> None:
    """Python refuses to read such numbers; versions are compared all the same."""
    monster = "9" * 5000

    assert same_version_key(monster) == same_version_key(monster)
    assert same_version_key(monster) != same_version_key("1.0")
    memory = Memory(ProjectFacts(1, NAME, "demo", clock.now(), versions=("1.0", monster)))
    offer = offered(memory)
    assert render_json(offer, memory.project)
    assert render_html(offer, memory.project)


async def test_addresses_that_no_page_lists_do_not_hammer_upstream(house: House, pypi: PyPISim) -> None:
    """While the project's page is fresh, upstream is not asked for what it did not list just now."""
    old_wheel(pypi)
    await house.page("demo")
    await house.vouched()
    before = pages_asked(pypi, "demo")
    path = f"/packages/00/00/{'0' * 60}/demo-1.0-py3-none-any.whl"

    statuses = {(await ask(house, path)).status for _ in range(10)}

    assert statuses == {404}
    assert pages_asked(pypi, "demo") == before


async def test_a_watcher_whose_journal_is_not_read_says_so(house: House, pypi: PyPISim) -> None:
    """Ready, but degraded, as soon as three looks in a row brought nothing."""
    fresh = json.loads((await ask(house, "/readyz")).body)
    pypi.advance(timedelta(seconds=91))

    late = json.loads((await ask(house, "/readyz")).body)

    assert "journal" not in fresh["degraded"]
    assert "journal" in late["degraded"]
    assert late["status"] == "ready"
