"""Provenance (PEP 740): passed on while upstream has it, kept when a file is, and served for as long as the file is."""

import json

import pytest
from pypi_simple import ProjectPage

from mirror.index.siblings import PROVENANCE_TYPE
from mirror.names import Sha256
from mirror.store.keys import StoreKey
from mirror.targets import Verb, order_of
from tests.mirror.web.clients import V1_HTML, ask, pages_asked
from tests.pypi_sim import PyPISim
from tests.watcher.hearing import has_heard
from tests.watcher.houses import House, long_ago


def uploaded(pypi: PyPISim, version: str = "1.0", *, provenance: bool = True) -> str:
    """Uploads a wheel long ago and says its filename."""
    return pypi.upload("demo", version, uploaded_at=long_ago(pypi, days=200), provenance=provenance).filename


async def advertised(house: House, **headers: str) -> dict[str, str | None]:
    """The address of each file's provenance, as the page tells it."""
    page = json.loads((await ask(house, "/simple/demo/", **headers)).text)
    return {file["filename"]: file["provenance"] for file in page["files"]}


async def path_of_provenance(house: House, filename: str) -> str:
    """The address of its provenance on this house, without the origin."""
    (url,) = [url for name, url in (await advertised(house)).items() if name == filename and url is not None]
    origin = str(house.http.make_url("/")).rstrip("/")
    assert url.startswith(f"{origin}/packages/")
    return url.removeprefix(origin)


async def kept(house: House, pypi: PyPISim, filename: str) -> str:
    """Has a client fetch the file, and everpin keep what belongs to it; the address of its provenance."""
    path = await path_of_provenance(house, filename)
    assert (await house.get(path.removesuffix(".provenance")))[0] == 200
    await house.keeper.work_off()
    assert pypi.count(kind="provenance") == 1
    return path


async def stored_digest(house: House) -> Sha256:
    """By which digest the store has the provenance of the only file."""
    (file,) = (await house.memory("demo")).files
    assert file.provenance_sha256 is not None
    return file.provenance_sha256


async def test_a_page_names_provenance_by_an_absolute_address_of_ours(house: House, pypi: PyPISim) -> None:
    """In both forms, with the origin that the client asked for; and only where upstream has some."""
    with_some, without = uploaded(pypi), uploaded(pypi, "2.0", provenance=False)

    as_json = json.loads((await ask(house, "/simple/demo/", Host="Mirror.example.org:8443")).text)
    as_html = (await ask(house, "/simple/demo/", Accept=V1_HTML, Host="mirror.example.org:8443")).text

    from_json = ProjectPage.from_json_data(as_json, "http://mirror.example.org:8443/simple/demo/").packages
    from_html = ProjectPage.from_html("demo", as_html, "http://mirror.example.org:8443/simple/demo/").packages
    expected = {with_some: f"{from_json[0].url}.provenance", without: None}
    assert {package.filename: package.provenance_url for package in from_json} == expected
    assert {package.filename: package.provenance_url for package in from_html} == expected


async def test_each_client_reads_the_origin_that_it_asked_for(house: House, pypi: PyPISim) -> None:
    """A page in memory is not sent to the clients of another name, nor is upstream asked again."""
    filename = uploaded(pypi)

    asked = [await advertised(house, Host=host) for host in ("one.example.org", "two.example.org", "one.example.org")]

    hosts = [(page[filename] or "").split("/packages/")[0] for page in asked]
    assert hosts == ["http://one.example.org", "http://two.example.org", "http://one.example.org"]
    assert pages_asked(pypi, "demo") == 1


async def test_provenance_is_passed_on_as_upstream_has_it(house: House, pypi: PyPISim) -> None:
    """Fetched when somebody asks for it, in the type that clients expect, and then never again."""
    path = await path_of_provenance(house, uploaded(pypi))

    answers = [await ask(house, path, Accept=PROVENANCE_TYPE) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert {answer.headers["Content-Type"] for answer in answers} == {PROVENANCE_TYPE}
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}
    document = json.loads(answers[1].text)
    assert document["version"] == 1
    assert document["attestation_bundles"][0]["publisher"]["kind"] == "GitHub"
    assert answers[0].body == answers[1].body
    assert pypi.count(kind="provenance") == 1


async def test_provenance_that_was_kept_with_its_file_outlives_the_deletion(house: House, pypi: PyPISim) -> None:
    """Upstream drops provenance together with the file; who had the file fetched before has both still."""
    filename = uploaded(pypi)
    path = await kept(house, pypi, filename)
    before = await ask(house, path)
    pypi.faults.forget_deleted = True
    pypi.delete_release("demo", "1.0")
    await house.watch()

    after = await ask(house, path)

    assert (after.status, after.headers["X-Everpin-State"]) == (200, "kept")
    assert after.body == before.body
    assert await path_of_provenance(house, filename) == path


async def test_provenance_that_was_never_kept_is_not_promised(house: House, pypi: PyPISim) -> None:
    """A page does not name what nobody can have any more; a file is kept all the same."""
    filename = uploaded(pypi)
    await house.page("demo")
    pypi.delete_release("demo", "1.0")
    await house.watch()

    assert await house.states("demo") == {filename: "kept"}
    assert await advertised(house) == {filename: None}
    path = await house.url("demo", filename)
    assert (await ask(house, f"{path}.provenance")).status == 404


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"[]", b'{"version": 1}', b"[" * 100_000])
async def test_what_is_no_provenance_is_never_passed_on(house: House, pypi: PyPISim, body: bytes) -> None:
    """The answer is an error, and the next client has upstream asked again."""
    path = await path_of_provenance(house, uploaded(pypi))
    pypi.faults.provenance = body

    refused = await ask(house, path)
    pypi.faults.provenance = None

    assert refused.status == 502
    assert (await ask(house, path)).status == 200


async def test_endless_provenance_is_given_up(house: House, pypi: PyPISim) -> None:
    """Nobody's provenance has megabytes."""
    path = await path_of_provenance(house, uploaded(pypi))
    pypi.faults.provenance = json.dumps({"version": 1, "attestation_bundles": [{"x": "x" * 5_000_000}]}).encode()

    assert (await ask(house, path)).status == 403
    (file,) = (await house.memory("demo")).files
    assert file.provenance_sha256 is None


async def test_a_block_covers_provenance(house: House, pypi: PyPISim) -> None:
    """One state for the file and all that belongs to it."""
    path = await kept(house, pypi, uploaded(pypi))

    await house.orders.carry_out(order_of(Verb.BLOCK, "demo==1.0", actor="olga", reason="bad"))
    await has_heard(house)

    assert (await ask(house, path)).status == 403
    assert await advertised(house) == {}


async def test_a_purge_destroys_provenance(house: House, pypi: PyPISim) -> None:
    """Its bytes go with those of the file, and its address says so."""
    path = await kept(house, pypi, uploaded(pypi))
    key = StoreKey(await stored_digest(house))
    assert await house.supply.store.size(key) is not None

    await house.orders.carry_out(order_of(Verb.PURGE, "demo==1.0", actor="olga", reason="bad"))
    await has_heard(house)

    assert (await ask(house, path)).status == 410
    assert await house.supply.store.size(key) is None


async def test_a_file_without_provenance_has_no_such_address(house: House, pypi: PyPISim) -> None:
    """And upstream is not asked for it."""
    path = await house.url("demo", uploaded(pypi, provenance=False))

    assert (await ask(house, f"{path}.provenance")).status == 404
    assert pypi.count(kind="provenance") == 0
