"""Behind reverse proxies and below prefixes: every link leads back to where the client came from."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from pypi_simple import DistributionPackage, PyPISimple

from mirror.catalog.database import Catalog
from mirror.setting_sections import Mirror
from mirror.web.keys import ORIGINS
from tests.mirror.web.clients import JSON, V1_HTML, ask
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago
from watcher.serving import listening_socket, serving

BASE = "https://mirror.example.org/python"


@pytest_asyncio.fixture
async def below(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose `base_url` has a path, and that believes the proxies of this machine."""
    async with house_of(pypi, catalog, tmp_path, mirror=Mirror(base_url=BASE)) as house:
        yield house


@pytest_asyncio.fixture
async def behind(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """A house that believes the proxies of this machine."""
    async with house_of(pypi, catalog, tmp_path, mirror=Mirror(trusted_proxies=("127.0.0.0/8",))) as house:
        yield house


def uploaded(pypi: PyPISim) -> str:
    return pypi.upload("demo", "1.0", provenance=True, uploaded_at=long_ago(pypi, days=200)).filename


@pytest.mark.parametrize("prefix", ["", "/python"])
@pytest.mark.parametrize("accept", [JSON, V1_HTML])
async def test_requests_are_answered_with_and_without_the_path(
    below: House, pypi: PyPISim, prefix: str, accept: str
) -> None:
    """Some proxies take it away, some pass it on; what they get is the same, and every link works."""
    filename = uploaded(pypi)
    origin = str(below.http.make_url("")).rstrip("/")

    redirect = await ask(below, f"{prefix}/simple/Demo")
    page = await ask(below, f"{prefix}/simple/demo/", Accept=accept)
    path = urljoin(f"{prefix}/simple/demo/", await below.url("demo", filename)).removeprefix(prefix)
    file = await ask(below, f"{prefix}{path}")
    told = await ask(below, f"{prefix}/pypi/demo/json")

    assert urljoin(f"{prefix}/simple/Demo", redirect.headers["Location"]) == f"{prefix}/simple/demo/"
    assert [page.status, file.status, told.status] == [200, 200, 200]
    assert f"{BASE}{path}.provenance" in page.text
    assert f'"{BASE}{path}"' in told.text
    assert origin not in page.text + told.text


async def test_everything_answers_below_the_path(below: House) -> None:
    """Not only what installers use; and nothing is there that is not there without it."""
    for path in ("/healthz", "/readyz", "/metrics", "/feed/deletions.atom", "/simple/"):
        assert (await ask(below, f"/python{path}")).status == (await ask(below, path)).status == 200
    assert (await ask(below, "/python/nothing")).status == 404
    assert (await ask(below, "/pythonsimple/")).status == 404


async def test_a_trusted_proxy_tells_where_the_client_is(behind: House, pypi: PyPISim) -> None:
    """Scheme, host and prefix of absolute links are those of the client's side, also from memory."""
    uploaded(pypi)
    said = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "mirror.example.org", "X_Forwarded_Prefix": "/python"}

    pages = [await ask(behind, "/simple/demo/", **said) for _ in range(3)]

    assert all(f'"provenance":"{BASE}/packages/' in page.text for page in pages)
    assert len({page.headers["ETag"] for page in pages}) == 1


async def test_what_a_stranger_says_of_itself_reaches_nobody(house: House, pypi: PyPISim) -> None:
    """Neither its own page, nor the one that the next client gets."""
    uploaded(pypi)
    said = {"X_Forwarded_Host": "evil.example.org", "X_Forwarded_Proto": "https", "X_Forwarded_Prefix": "/evil"}

    pages = [await ask(house, "/simple/demo/", **said), await ask(house, "/simple/demo/")]

    assert pages[0].body == pages[1].body
    assert b"evil" not in pages[0].body


async def test_clients_that_vary_their_host_do_not_fill_the_memory(house: House, pypi: PyPISim) -> None:
    """Only the last few names of a page are remembered."""
    uploaded(pypi)
    for number in range(8):
        await ask(house, "/simple/demo/", Host=f"h{number}.example.org")
    before = house.pages.held_bytes

    for number in range(50):
        assert (
            f"http://i{number}.example.org/packages/"
            in (await ask(house, "/simple/demo/", Host=f"i{number}.example.org")).text
        )

    assert house.pages.held_bytes < before * 2


@pytest.mark.parametrize("accept", [JSON, V1_HTML])
async def test_a_client_library_finds_everything(house: House, pypi: PyPISim, accept: str) -> None:
    """`pypi_simple` reads the page in both forms, and gets what it names: the file, its metadata, its provenance."""
    filename = uploaded(pypi)

    def read() -> tuple[DistributionPackage, dict[str, object], str, bytes]:
        with PyPISimple(str(house.http.make_url("/simple/")), accept=accept) as client:
            (package,) = client.get_project_page("demo").packages
            with client.s.get(package.url) as answer:
                return package, client.get_provenance(package), client.get_package_metadata(package), answer.content

    package, provenance, metadata, wheel = await asyncio.to_thread(read)

    assert (package.filename, package.has_metadata) == (filename, True)
    assert provenance["version"] == 1
    assert "Name: demo" in metadata
    assert package.digests["sha256"] == hashlib.sha256(wheel).hexdigest()


async def test_requests_are_logged_with_the_address_of_the_client(
    behind: House, caplog: pytest.LogCaptureFixture
) -> None:
    """As the trusted proxy tells it; and what clients write cannot deceive whoever reads the log."""
    bound = listening_socket("127.0.0.1", 0, section="mirror")
    app = web.Application()
    app[ORIGINS] = behind.http.app[ORIGINS]
    headers = {"X-Forwarded-For": "1.1.1.1, 198.51.100.7", "User-Agent": "pip/1 \u202eevil"}
    with caplog.at_level(logging.INFO, "aiohttp.access"):
        async with serving(app, bound, access_log=True), aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{bound.getsockname()[1]}/nothing"
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 404

    (record,) = [record for record in caplog.records if record.name == "aiohttp.access"]
    said = vars(record)
    assert record.message == "web.answered"
    assert (said["client"], said["method"], said["path"], said["status"]) == ("198.51.100.7", "GET", "/nothing", 404)
    assert said["agent"].isprintable()
    assert said["agent"].startswith("pip/1")
