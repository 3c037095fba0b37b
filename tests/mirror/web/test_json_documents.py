"""The JSON API over HTTP: what installers and auditors of other mirrors read."""

import gzip
import json
from datetime import timedelta

import pytest

from mirror.targets import Verb, order_of
from tests.mirror.web.clients import CountingCatalog, ask, at_rest, old_wheel, pages_asked
from tests.pypi_sim import PyPISim
from tests.watcher.hearing import has_heard
from tests.watcher.houses import House, long_ago


async def document(house: House, path: str, **headers: str) -> dict[str, dict[str, object]]:
    """A document that is there."""
    answer = await ask(house, path, **headers)
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    told: dict[str, dict[str, object]] = json.loads(answer.text)
    return told


async def test_a_document_tells_what_the_page_and_the_metadata_tell(house: House, pypi: PyPISim) -> None:
    """Dependencies come from the release's metadata; addresses are absolute, and lead to the bytes."""
    pypi.upload("demo", "1.0", requires=("dep>=2",), requires_python=">=3.9", uploaded_at=long_ago(pypi, days=200))

    told = await document(house, "/pypi/demo/1.0/json")

    assert (told["info"]["name"], told["info"]["version"]) == ("demo", "1.0")
    assert told["info"]["requires_dist"] == ["dep>=2"]
    assert (told["info"]["requires_python"], told["info"]["yanked"]) == (">=3.9", False)
    assert "releases" not in told
    (file,) = told["urls"]
    async with house.http.session.get(file["url"]) as answer:  # type: ignore[index]  # a list of objects
        assert answer.status == 200
    assert pages_asked(pypi, "demo") == 1


async def test_a_document_of_a_project_has_all_its_releases(house: House, pypi: PyPISim) -> None:
    """The newest stable one speaks for it; serial and validators are those of the page."""
    for version in ("1.0", "2.0", "3.0rc1"):
        old_wheel(pypi, version=version)

    answer = await ask(house, "/pypi/demo/json")

    told = json.loads(answer.text)
    assert list(told["releases"]) == ["1.0", "2.0", "3.0rc1"]
    assert told["info"]["version"] == "2.0"
    assert told["urls"] == told["releases"]["2.0"]
    assert told["last_serial"] == pypi.last_serial
    assert answer.headers["X-PyPI-Last-Serial"] == str(pypi.last_serial)
    assert (answer.headers["Cache-Control"], answer.headers["Vary"]) == ("public, max-age=60", "Accept-Encoding")


async def test_a_warm_document_asks_nobody(house: House, pypi: PyPISim, counting: CountingCatalog) -> None:
    """Neither upstream nor the catalog, and who has it already gets no body."""
    old_wheel(pypi)
    first = await ask(house, "/pypi/demo/json")
    await at_rest(counting)
    asked, used = len(pypi.requests), counting.uses

    again = await ask(house, "/pypi/demo/json", If_None_Match=first.headers["ETag"])
    packed = await ask(house, "/pypi/demo/json", Accept_Encoding="gzip")

    assert (again.status, again.body) == (304, b"")
    assert (packed.headers["Content-Encoding"], packed.body) == ("gzip", first.body)
    assert packed.headers["ETag"] != first.headers["ETag"]
    assert (len(pypi.requests), counting.uses) == (asked, used)


async def test_a_deletion_shows_at_once(house: House, pypi: PyPISim) -> None:
    """The kept file is told as yanked, with the reason, and its metadata is still read."""
    pypi.upload("demo", "1.0", requires=("dep",), uploaded_at=long_ago(pypi, days=200))
    old_wheel(pypi, version="0.9")
    await document(house, "/pypi/demo/json")
    pypi.delete_release("demo", "1.0")
    await house.watch()
    await has_heard(house)

    of_project, of_release = await document(house, "/pypi/demo/json"), await document(house, "/pypi/demo/1/json")

    assert of_project["info"]["version"] == "0.9"
    assert list(of_project["releases"]) == ["0.9", "1.0"]
    assert of_release["info"]["requires_dist"] == ["dep"]
    assert of_release["info"]["yanked"] is True
    assert "kept by this mirror" in str(of_release["info"]["yanked_reason"])


async def test_what_is_withheld_is_not_told(house: House, pypi: PyPISim) -> None:
    """A blocked release is gone from the project's document, and has none of its own."""
    old_wheel(pypi)
    old_wheel(pypi, version="2.0")
    await document(house, "/pypi/demo/2.0/json")

    await house.orders.carry_out(order_of(Verb.BLOCK, "demo==2.0", actor="olga", reason="bad"))
    await has_heard(house)

    assert (await ask(house, "/pypi/demo/2.0/json")).status == 404
    assert list((await document(house, "/pypi/demo/json"))["releases"]) == ["1.0"]


async def test_a_quarantined_project_has_no_document(house: House, pypi: PyPISim) -> None:
    """As on PyPI."""
    old_wheel(pypi)
    await document(house, "/pypi/demo/json")
    pypi.quarantine_project("demo")
    await house.watch()
    await has_heard(house)

    answers = [await ask(house, "/pypi/demo/json"), await ask(house, "/pypi/demo/1.0/json")]

    assert [answer.status for answer in answers] == [404, 404]
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}


async def test_what_is_not_there_is_told_apart_from_what_cannot_be_known(house: House, pypi: PyPISim) -> None:
    """404 for a version that is not there and a project that is not; 503 while nobody can say."""
    old_wheel(pypi)
    pypi.register("husk")

    assert (await ask(house, "/pypi/demo/7/json")).status == 404
    assert (await ask(house, "/pypi/nothing/json")).status == 404
    assert (await ask(house, "/pypi/husk/json")).status == 404
    assert (await ask(house, "/pypi/-/json")).status == 404
    pypi.faults.index_down = "503html"
    assert (await ask(house, "/pypi/other/json")).status == 503
    pypi.faults.index_down = None


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("/pypi/Demo.Thing/json", "../demo-thing/json"),
        ("/pypi/demo-thing/json/", "../../demo-thing/json"),
        ("/pypi/Demo_Thing/1.0+a/json", "../../demo-thing/1.0%2Ba/json"),
        ("/pypi/demo-thing/1.0/json/", "../../../demo-thing/1.0/json"),
    ],
)
async def test_other_spellings_are_sent_to_the_one_address(house: House, asked: str, location: str) -> None:
    """Relative, so that it holds under any prefix."""
    answer = await ask(house, asked)

    assert (answer.status, answer.headers["Location"]) == (301, location)


async def test_metadata_that_cannot_be_had_is_asked_for_again(house: House, pypi: PyPISim) -> None:
    """Until then the document is true without it, and not remembered."""
    filename = pypi.upload("demo", "1.0", requires=("dep",), uploaded_at=long_ago(pypi, days=200)).filename
    pypi.faults.answer_with(f"{filename}.metadata", 500)

    without = await document(house, "/pypi/demo/1.0/json")
    pypi.faults.mend(f"{filename}.metadata")
    pypi.advance(timedelta(seconds=1))

    assert without["info"]["requires_dist"] is None
    assert without["urls"]
    assert (await document(house, "/pypi/demo/1.0/json"))["info"]["requires_dist"] == ["dep"]


async def test_each_client_reads_the_origin_that_it_asked_for(house: House, pypi: PyPISim) -> None:
    """Also from memory."""
    old_wheel(pypi)

    asked = [
        await document(house, "/pypi/demo/1.0/json", Host=host)
        for host in ("one.example.org", "two.example.org", "one.example.org")
    ]

    urls = [told["urls"][0]["url"].split("/packages/")[0] for told in asked]  # type: ignore[index]  # a list of objects
    assert urls == ["http://one.example.org", "http://two.example.org", "http://one.example.org"]


async def test_the_simulated_pypi_tells_the_same(house: House, pypi: PyPISim) -> None:
    """Its documents are those of PyPI's own software; ours differ in what only PyPI can know."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload("demo", "1.0", kind="sdist", uploaded_at=long_ago(pypi, days=200))
    pypi.yank("demo", "1.0", "broken")
    async with house.http.session.get(f"{pypi.origin}/pypi/demo/json") as answer:
        theirs = await answer.json()

    ours = await document(house, "/pypi/demo/json")

    origin = str(house.http.make_url("/")).rstrip("/")
    for file in theirs["urls"]:
        file["digests"].pop("md5")
        file["md5_digest"] = None
        file["url"] = file["url"].replace(pypi.files_url, origin)
    assert ours["urls"] == theirs["urls"]
    differing = {key for key, value in theirs["info"].items() if ours["info"][key] != value}
    assert differing == {"package_url", "project_url", "release_url"}


async def test_compressed_documents_are_the_same(house: House, pypi: PyPISim) -> None:
    """To the byte, once unpacked."""
    old_wheel(pypi)
    plain = await ask(house, "/pypi/demo/json")

    async with house.http.session.get(
        house.http.make_url("/pypi/demo/json"), headers={"Accept-Encoding": "gzip"}, auto_decompress=False
    ) as answer:
        assert gzip.decompress(await answer.read()) == plain.body
