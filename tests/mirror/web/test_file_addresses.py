"""An address works as soon as a page of upstream lists it, visited here or not; any other leads nowhere."""

import hashlib
from typing import Literal

import pytest

from tests.mirror.web.clients import JSON, ask, old_wheel, pages_asked
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
async def test_an_address_works_before_anybody_visited_the_page(
    house: House, pypi: PyPISim, kind: Literal["wheel", "sdist"]
) -> None:
    """A lock file with upstream's paths needs another host name only; the page is looked for by the file's name."""
    file = pypi.upload("Demo.Thing", "1.0", kind=kind, uploaded_at=long_ago(pypi, days=200))

    answer = await ask(house, file.path)

    assert answer.status == 200
    assert hashlib.sha256(answer.body).hexdigest() == file.sha256
    assert pages_asked(pypi, "demo-thing") == 1


async def test_an_old_name_is_looked_for_on_every_page_it_can_be_on(house: House, pypi: PyPISim) -> None:
    """`thing-1.0-1.tar.gz` can be `thing-1.0` in version 1 or `thing` in version 1.0-1."""
    file = pypi.upload(
        "thing", "1.0.post1", kind="sdist", filename="thing-1.0-1.tar.gz", uploaded_at=long_ago(pypi, days=200)
    )

    answer = await ask(house, file.path)

    assert answer.status == 200
    assert hashlib.sha256(answer.body).hexdigest() == file.sha256


async def test_a_path_that_no_page_lists_is_never_fetched(house: House, pypi: PyPISim) -> None:
    """The files host still has it, but it is nobody's any more: no deleted file and no wrong digest is asked for."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    old_wheel(pypi, version="1.1")
    pypi.delete_release("demo", "1.0")
    elsewhere = f"/packages/aa/bb/{'c' * 60}/demo-1.1-py3-none-any.whl"

    answers = [await ask(house, path) for path in (file.path, f"{file.path}.metadata", elsewhere)]

    assert [answer.status for answer in answers] == [404] * 3
    assert pypi.count(kind="file") == pypi.count(kind="metadata") == 0


async def test_an_address_nobody_knows_is_not_denied_while_upstream_is_down(house: House, pypi: PyPISim) -> None:
    """Nobody can say that there is no such file: the client shall ask again."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.faults.page("demo", "503html")

    answer = await ask(house, file.path)

    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) <= 2


@pytest.mark.parametrize(
    "path",
    [
        f"/packages/aa/bb/{'c' * 60}/..%2F..%2F..%2Fetc%2Fpasswd",
        f"/packages/aa/bb/{'c' * 60}/%2e%2e",
        f"/packages/aa/bb/{'c' * 60}/.hidden",
        f"/packages/aa/bb/{'c' * 60}/demo%00-1.0.tar.gz",
        f"/packages/aa/bb/{'c' * 60}/demo%0d%0aX-Evil:%201-1.0.tar.gz",
        f"/packages/aa/bb/{'c' * 60}/a%5Cb-1.0.tar.gz",
        f"/packages/aa/bb/{'c' * 60}/demo-1.0.tar.gz.metadata.metadata",
        f"/packages/aa/bb/{'c' * 60}/{'d' * 300}-1.0.tar.gz",
        f"/packages/AA/bb/{'c' * 60}/demo-1.0.tar.gz",
        f"/packages/aa/bb/{'g' * 60}/demo-1.0.tar.gz",
        f"/packages/a/abb/{'c' * 60}/demo-1.0.tar.gz",
        f"/packages/..%2F/bb/{'c' * 60}/demo-1.0.tar.gz",
        f"/packages/aa/bb/{'c' * 60}/no-project-at-all.txt",
        f"/packages/aa/bb/{'c' * 60}/",
        "/packages/demo-1.0.tar.gz",
    ],
)
async def test_hostile_addresses_lead_nowhere(house: House, path: str) -> None:
    """404, without a word to upstream and without a header that the address could write."""
    answer = await ask(house, path)

    assert answer.status == 404
    assert "X-Evil" not in answer.headers
    assert house.pypi.count() == house.pypi.count(kind="xmlrpc")


async def test_pages_link_to_paths_that_work_below_any_prefix(house: House, pypi: PyPISim) -> None:
    """Links climb to the root that the page was found below, whatever it is."""
    old_wheel(pypi)

    page = await house.page("demo")
    html = (await ask(house, "/simple/demo/", Accept="text/html")).text

    assert isinstance(page["files"], list)
    assert all(file["url"].startswith("../../packages/") for file in page["files"])
    assert 'href="../../packages/' in html
    assert JSON not in html
