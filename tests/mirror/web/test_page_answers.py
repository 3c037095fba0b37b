"""The simple index over HTTP: forms, encodings, validators and redirects."""

import gzip
import json

import pytest
from pypi_simple import ProjectPage

from tests.mirror.web.clients import JSON, V1_HTML, ask, old_wheel, pages_asked
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (JSON, JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        (V1_HTML, V1_HTML),
        ("text/html", "text/html; charset=UTF-8"),
        ("*/*", "text/html; charset=UTF-8"),
        (f"{JSON}, {V1_HTML};q=0.2, text/html;q=0.1", JSON),
    ],
)
async def test_a_page_comes_in_the_form_that_was_asked_for(
    house: House, pypi: PyPISim, accept: str, content_type: str
) -> None:
    """PEP 691: `Accept` chooses, and the answer says what it is."""
    filename = old_wheel(pypi)

    answer = await ask(house, "/simple/demo/", Accept=accept)

    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    is_json = content_type == JSON
    page = (
        ProjectPage.from_json_data(json.loads(answer.text))
        if is_json
        else ProjectPage.from_html("demo", answer.text, base_url="http://127.0.0.1/simple/demo/")
    )
    assert [package.filename for package in page.packages] == [filename]
    assert answer.text.startswith("{" if is_json else "<!DOCTYPE html>")


async def test_who_takes_neither_form_is_told_so(house: House, pypi: PyPISim) -> None:
    """406 rather than a body that the client said it cannot read."""
    old_wheel(pypi)

    answers = [await ask(house, path, Accept="application/xml") for path in ("/simple/demo/", "/simple/")]

    assert [answer.status for answer in answers] == [406, 406]


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("/simple/Demo.Thing/", "../demo-thing/"),
        ("/simple/demo_thing/", "../demo-thing/"),
        ("/simple/demo-thing", "demo-thing/"),
        ("/simple/DEMO--thing", "demo-thing/"),
        ("/simple", "simple/"),
    ],
)
async def test_other_spellings_are_sent_to_the_one_address(house: House, asked: str, location: str) -> None:
    """PEP 503: the redirect is relative, so that it holds below any prefix, and no project is asked for meanwhile."""
    answer = await ask(house, asked)

    assert (answer.status, answer.headers["Location"]) == (301, location)
    assert house.pypi.count(kind="page") == 0


async def test_a_page_names_what_caches_need_to_know(house: House, pypi: PyPISim) -> None:
    """Serial, variance, a life of at most a minute, and that browsers must not guess."""
    old_wheel(pypi)

    headers = (await ask(house, "/simple/demo/")).headers

    assert headers["X-PyPI-Last-Serial"] == str(pypi.last_serial)
    assert {part.strip() for part in headers["Vary"].split(",")} == {"Accept", "Accept-Encoding"}
    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Everpin-Stale" not in headers


async def test_gzip_carries_the_same_page_under_another_etag(house: House, pypi: PyPISim) -> None:
    """A strong ETag names the bytes sent, so each encoding has its own."""
    old_wheel(pypi)

    plain = await ask(house, "/simple/demo/")
    packed = await ask(house, "/simple/demo/", Accept_Encoding="gzip")

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    body = gzip.decompress(packed.body) if packed.body.startswith(b"\x1f\x8b") else packed.body
    assert body == plain.body
    assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("path", ["/simple/demo/", "/simple/"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("accept", [JSON, "text/html"])
async def test_who_has_the_page_already_is_told_so(
    house: House, pypi: PyPISim, path: str, encoding: str, accept: str
) -> None:
    """304 without a body, with the headers that a cache would have got; the other encoding's ETag does not count."""
    old_wheel(pypi)
    first = await ask(house, path, Accept=accept, Accept_Encoding=encoding)
    other = await ask(house, path, Accept=accept, Accept_Encoding="gzip" if encoding == "identity" else "identity")

    again = await ask(house, path, Accept=accept, Accept_Encoding=encoding, If_None_Match=first.headers["ETag"])
    changed = await ask(house, path, Accept=accept, Accept_Encoding=encoding, If_None_Match=other.headers["ETag"])

    assert (again.status, again.body) == (304, b"")
    for name in ("ETag", "Vary", "Cache-Control", "X-PyPI-Last-Serial"):
        assert again.headers[name] == first.headers[name]
    assert (changed.status, changed.body) == (200, first.body)


@pytest.mark.parametrize("path", ["/simple/demo/", "/simple/"])
async def test_head_answers_as_get_without_the_body(house: House, pypi: PyPISim, path: str) -> None:
    """The same status and headers, the length included."""
    old_wheel(pypi)
    await ask(house, "/simple/demo/")

    full, head = await ask(house, path), await ask(house, path, "HEAD")

    assert (head.status, head.body) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length", "X-PyPI-Last-Serial"):
        assert head.headers[name] == full.headers[name]


async def test_an_unknown_project_is_not_there_and_soon_asked_for_no_more(house: House, pypi: PyPISim) -> None:
    """404 as problem details, cached nowhere; upstream's answer is believed for a moment."""
    answers = [await ask(house, "/simple/nothing-here/") for _ in range(3)]

    assert [answer.status for answer in answers] == [404] * 3
    assert answers[0].headers["Content-Type"] == "application/problem+json"
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert answers[0].headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(answers[0].text)["status"] == 404
    assert pages_asked(pypi, "nothing-here") == 1


@pytest.mark.parametrize(
    "path",
    [
        "/simple/-demo/",
        "/simple/demo-/",
        "/simple/d%C3%A9mo/",
        "/simple/..%2F..%2Fetc/",
        "/simple/demo%00/",
        "/simple/demo%0A/",
        "/simple/a%20b/",
        f"/simple/{'a' * 300}/",
        "/simple/demo/extra/",
    ],
)
async def test_what_no_project_can_be_called_is_not_there(house: House, path: str) -> None:
    """Such a name reaches neither upstream nor the catalog."""
    answer = await ask(house, path)

    assert answer.status == 404
    assert house.pypi.count(kind="page") == 0


async def test_the_list_holds_what_is_known(house: House, pypi: PyPISim) -> None:
    """Known projects by name; those that upstream quarantines or removed are not offered."""
    for name in ("demo", "arrow", "evil", "gone"):
        old_wheel(pypi, name)
        await ask(house, f"/simple/{name}/")
    pypi.quarantine_project("evil")
    pypi.delete_project("gone")
    await house.poll()

    listed = json.loads((await ask(house, "/simple/")).text)
    html = (await ask(house, "/simple/", Accept="text/html")).text

    assert [project["name"] for project in listed["projects"]] == ["arrow", "demo"]
    assert listed["meta"]["_last-serial"] == pypi.last_serial
    assert '<a href="arrow/">arrow</a>' in html
    assert "evil" not in html


async def test_other_methods_are_refused_with_those_that_work(house: House) -> None:
    """405 with `Allow`, as RFC 9110 demands."""
    answer = await ask(house, "/simple/demo/", "POST")

    assert answer.status == 405
    assert {"GET", "HEAD"} <= {method.strip() for method in answer.headers["Allow"].split(",")}
