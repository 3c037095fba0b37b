"""Both hosts over HTTP, where the record is silent."""

import gzip
import hashlib
import json

import pytest

from tests.pypi_sim import Generated, PyPISim
from tests.pypi_sim_tests.client import Client

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


async def test_files_are_where_their_digest_says_with_facts_about_them(sim: PyPISim, http: Client) -> None:
    """The path holds the BLAKE2b digest; the headers name project, version and kind."""
    file = sim.upload("Foo.Bar", "1.0")
    digest = hashlib.blake2b(file.content, digest_size=32).hexdigest()

    got = await http.get(
        f"{sim.files_url}/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/foo_bar-1.0-py3-none-any.whl"
    )

    assert got.body == file.content
    assert got.headers["x-pypi-file-project"] == "foo-bar"
    assert got.headers["x-pypi-file-version"] == "1.0"
    assert got.headers["x-pypi-file-package-type"] == "bdist_wheel"
    assert got.headers["x-pypi-file-python-version"] == "py3"


@pytest.mark.parametrize(
    ("asked", "start", "stop"), [("bytes=0-9", 0, 10), ("bytes=10-", 10, None), ("bytes=-5", -5, None)]
)
async def test_ranges_are_served(sim: PyPISim, http: Client, asked: str, start: int, stop: int | None) -> None:
    """First, open and last ranges get their part and its place."""
    file = sim.upload("foo", "1.0")

    got = await http.get(sim.file_url(file), headers={"Range": asked})

    assert got.status == 206
    assert got.body == file.content[start:stop]
    assert got.headers["content-range"].endswith(f"/{file.size}")


async def test_a_range_beyond_the_end_is_refused(sim: PyPISim, http: Client) -> None:
    """416 tells the real length."""
    file = sim.upload("foo", "1.0")

    got = await http.get(sim.file_url(file), headers={"Range": f"bytes={file.size}-"})

    assert got.status == 416
    assert got.headers["content-range"] == f"bytes */{file.size}"


async def test_the_files_host_knows_no_304_and_no_other_methods(sim: PyPISim, http: Client) -> None:
    """Conditional requests get the whole file; HEAD works; POST does not."""
    file = sim.upload("foo", "1.0")
    url = sim.file_url(file)
    first = await http.ask("HEAD", url)

    again = await http.get(url, headers={"If-None-Match": first.headers["etag"]})
    posted = await http.ask("POST", url)

    assert first.body == b""
    assert first.headers["content-length"] == str(file.size)
    assert again.status == 200
    assert posted.status == 405


async def test_a_compressed_page_is_the_same_page_under_another_tag(sim: PyPISim, http: Client) -> None:
    """Each encoding has its own entity tag, and each is honoured."""
    sim.upload("foo", "1.0")
    page = f"{sim.index_url}foo/"
    plain = await http.get(page, headers=JSON)

    packed = await http.get(page, headers={**JSON, "Accept-Encoding": "gzip, deflate"})
    again = await http.get(page, headers={**JSON, "Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]})

    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert again.status == 304


async def test_archiving_changes_the_tag_but_not_the_serial(sim: PyPISim, http: Client) -> None:
    """Only conditional polling notices."""
    sim.upload("foo", "1.0")
    page = f"{sim.index_url}foo/"
    before = await http.get(page, headers=JSON)

    sim.archive("foo")
    after = await http.get(page, headers={**JSON, "If-None-Match": before.headers["etag"]})

    assert after.status == 200
    assert json.loads(after.body)["project-status"] == {"status": "archived"}
    assert after.headers["x-pypi-last-serial"] == before.headers["x-pypi-last-serial"]


async def test_provenance_leaves_with_its_file(sim: PyPISim, http: Client) -> None:
    """The page links it, the link works, and after the deletion it is gone."""
    file = sim.upload("foo", "1.0", provenance=True)
    sim.upload("foo", "1.0", kind="sdist")
    page = json.loads((await http.get(f"{sim.index_url}foo/", headers=JSON)).body)
    urls = {entry["filename"]: entry["provenance"] for entry in page["files"]}
    url = urls[file.filename]

    there = await http.get(url)
    absent = await http.get(url.replace(file.filename, "foo-1.0.tar.gz"))
    sim.delete_file("foo", file.filename)
    gone = await http.get(url)

    assert urls["foo-1.0.tar.gz"] is None
    assert json.loads(there.body)["version"] == 1
    assert json.loads(absent.body) == {"message": "No provenance available for foo-1.0.tar.gz"}
    assert (there.status, absent.status, gone.status) == (200, 404, 404)


async def test_a_plain_index_has_no_serials_and_no_journal(sim: PyPISim, http: Client) -> None:
    """It poses as any index of PEP 691."""
    sim.upload("foo", "1.0")
    sim.plain_index = True

    page = await http.get(f"{sim.index_url}foo/", headers=JSON)
    call = await http.ask("POST", sim.xmlrpc_url, data=b"", headers={"Content-Type": "text/xml"})
    document = await http.get(f"{sim.origin}/pypi/foo/json")

    assert "x-pypi-last-serial" not in page.headers
    assert json.loads(page.body)["meta"] == {"api-version": "1.4"}
    assert (call.status, document.status) == (404, 404)


async def test_an_index_of_html_gives_html_to_everybody(sim: PyPISim, http: Client) -> None:
    """Asking for JSON does not help."""
    sim.upload("foo", "1.0")
    sim.html_only = True

    page = await http.get(f"{sim.index_url}foo/", headers=JSON)

    assert page.headers["content-type"] == "text/html; charset=UTF-8"


async def test_every_request_is_on_record(sim: PyPISim, http: Client) -> None:
    """Tests can count what reached upstream, by kind and by file."""
    file = sim.upload("foo", "1.0")

    await http.get(sim.index_url)
    await http.get(f"{sim.index_url}foo/")
    await http.get(sim.file_url(file))
    await http.get(f"{sim.file_url(file)}.metadata", headers={"X-Trace": "1"})

    assert [seen.kind for seen in sim.requests] == ["list", "page", "file", "metadata"]
    assert sim.count(kind="page", path="/foo/") == 1
    assert sim.fetches(file.filename) == 1
    assert sim.requests[-1].headers["X-Trace"] == "1"


async def test_generated_files_are_what_their_page_says(sim: PyPISim, http: Client) -> None:
    """Bytes that nobody holds have the size and the digests they are listed with, and no two blocks alike."""
    file = sim.upload("large", "1.0", kind="sdist", content=Generated("large", 2_500_000))

    got = await http.get(sim.file_url(file))

    assert len(got.body) == file.size == 2_500_000
    assert hashlib.sha256(got.body).hexdigest() == file.sha256
    assert got.headers["etag"] == f'"{hashlib.md5(got.body, usedforsecurity=False).hexdigest()}"'
    assert hashlib.blake2b(got.body, digest_size=32).hexdigest() == file.path.replace("/", "")[8:72]
    assert got.body[: 2**20] != got.body[2**20 : 2**21]
    (listed,) = json.loads((await http.get(f"{sim.index_url}large/", headers=JSON)).body)["files"]
    assert (listed["size"], listed["hashes"]) == (2_500_000, {"sha256": file.sha256})
