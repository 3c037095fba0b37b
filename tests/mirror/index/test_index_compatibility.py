"""Pages and the list of projects read as PyPI's own: to the byte where it recorded them, and to a client's parsers."""

import json

import pytest
from packaging.utils import canonicalize_name
from pypi_simple import DistributionPackage, IndexPage, ProjectPage

from mirror.index.listing import HtmlList, JsonList, ListForm
from mirror.index.merge import offered
from mirror.index.render import render_html, render_json
from mirror.model import ProjectStatus, State
from mirror.names import Serial
from tests.mirror.index.index_examples import (
    BASE_URL,
    RECORDED,
    RECORDED_HOST,
    digest,
    facts,
    listed_file,
    pages_of,
    project,
    recorded_memory,
)

PAGES = ["first-upload", "yanked-with-reason", "yanked-without-reason", "archived", "quarantined"]
ROWS = [
    ("zeta", "zeta", 20),
    ("evil", "evil", 30),
    ("evil2", "evil2", 35),
    ("fresh-one", "Fresh_One", 40),
    ("leftpad", "leftpad", 12),
    ("solo-project", "Solo.Project", 25),
]
LISTING = sorted((canonicalize_name(name), display_name, Serial(serial)) for name, display_name, serial in ROWS)


def whole(form: ListForm, *, batch: int = 100) -> bytes:
    """The list in that form, put together of batches."""
    batches = [LISTING[start : start + batch] for start in range(0, len(LISTING), batch)]
    return b"".join([form.begin(), *map(form.rows, batches), form.end()])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_departures_is_what_pypi_wrote_but_for_the_host(name: str) -> None:
    """Byte for byte, in both forms, with relative links."""
    memory = recorded_memory(name)
    offer = offered(memory)

    as_json, as_html = render_json(offer, memory.project), render_html(offer, memory.project)

    assert as_json == (RECORDED / f"{name}.json").read_bytes().replace(RECORDED_HOST, b"../../")
    assert as_html == (RECORDED / f"{name}.html").read_bytes().replace(RECORDED_HOST, b"../../")


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_the_list_of_projects_is_what_pypi_wrote_but_for_the_links(batch: int) -> None:
    """In however many pieces it is made; links are relative, and the HTML form says its serial too."""
    recorded_html = (RECORDED / "index.html").read_bytes().replace(b'"/simple/', b'"')

    as_json, as_html = whole(JsonList(Serial(40)), batch=batch), whole(HtmlList(Serial(40)), batch=batch)

    assert as_json == (RECORDED / "index.json").read_bytes()
    assert as_html == recorded_html + b"\n<!--SERIAL 40-->"
    assert whole(HtmlList(None), batch=batch) == recorded_html


def test_a_list_without_serials_leaves_them_out() -> None:
    """An index that has no journal has no numbers to tell."""
    form = JsonList(None)
    listing = [(name, display_name, None) for name, display_name, _ in LISTING[-1:]]

    assert json.loads(form.begin() + form.rows(listing) + form.end()) == {
        "meta": {"api-version": "1.4"},
        "projects": [{"name": "zeta"}],
    }


def test_a_list_of_nothing_is_a_list() -> None:
    """A new mirror knows no project; an empty batch leaves no comma behind either."""
    form = JsonList(Serial(1))

    assert json.loads(form.begin() + form.rows([]) + form.end())["projects"] == []
    assert IndexPage.from_html(HtmlList(None).begin() + HtmlList(None).end()).projects == []


def test_a_client_reads_the_same_list_from_both_forms() -> None:
    """Display names and nothing else."""
    from_json = IndexPage.from_json_data(json.loads(whole(JsonList(Serial(40)))))
    from_html = IndexPage.from_html(whole(HtmlList(Serial(40))))

    assert from_json.projects == from_html.projects == ["evil", "evil2", "Fresh_One", "leftpad", "Solo.Project", "zeta"]


def test_a_client_reads_the_same_files_from_both_forms() -> None:
    """The HTML form says less, but never anything else."""
    as_json, as_html = pages_of(
        facts(listed_file("leftpad-1.0+a-py3-none-any.whl", "1.0+a", core_metadata=digest(7))),
        facts(listed_file("leftpad-1!2.0.tar.gz", "1!2.0", requires_python="<4,>=3.9")),
        facts(listed_file("leftpad-0.1.tar.gz", "0.1", yanked="bad & <worse>"), State.YANKED),
        facts(listed_file("leftpad-0.2.tar.gz", "0.2", yanked=""), State.YANKED),
        facts(listed_file("leftpad-0.3.tar.gz", "0.3", provenance="https://example.org/p?a=1&b=2")),
        facts(listed_file("leftpad-0.4-py3-none-any.whl", "0.4", core_metadata=True)),
        of=project(status=ProjectStatus.ARCHIVED),
    )

    from_json = ProjectPage.from_json_data(json.loads(as_json), BASE_URL)
    from_html = ProjectPage.from_html("leftpad", as_html, BASE_URL)

    assert from_json.status == from_html.status == "archived"
    assert from_json.repository_version == from_html.repository_version == "1.4"
    assert from_json.last_serial == "76"
    assert [said_by_both(package) for package in from_json.packages] == [
        said_by_both(package) for package in from_html.packages
    ]
    assert [package.filename for package in from_json.packages] == [
        "leftpad-0.1.tar.gz",
        "leftpad-0.2.tar.gz",
        "leftpad-0.3.tar.gz",
        "leftpad-0.4-py3-none-any.whl",
        "leftpad-1.0+a-py3-none-any.whl",
        "leftpad-1!2.0.tar.gz",
    ]
    assert from_json.packages[0].yanked_reason == "bad & <worse>"
    assert from_json.packages[0].url.startswith("https://mirror.example.org/prefix/packages/00/00/")


def said_by_both(package: DistributionPackage) -> tuple[object, ...]:
    return (
        package.filename,
        package.url.partition("#")[0],
        package.version,
        package.digests,
        package.requires_python,
        package.is_yanked,
        package.yanked_reason or None,
        package.has_metadata or False,
        package.metadata_digests or {},
        package.provenance_url,
    )
